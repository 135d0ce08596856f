"""The one total order of the versions of a record (DESIGN §4): the greatest wins, and nothing else decides.

Versions of one idempotency_key compare by `produced_at`, then `message_id`, then the earlier `ingested_at`
(so that of copies of one message the first stays), then `payload_sha256`. Two events that agree in all of
that hold the same payload; an earlier `received_at` and a later `event_time` settle the rest, so that equal
means interchangeable. Text compares by its UTF-8 bytes; null is the smallest.

A maximum does not care about batch borders, arrival order, duplicates or retries. Tables keep no
payload_sha256, so across cycles versions compare by `head`, and where heads are equal `tail` is looked up in
cycle_delta, which has it.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F


def head(qualifier: str = "") -> Column:
    """produced_at, message_id, earlier ingested_at: what every table keeps. Times are TIMESTAMP_NTZ."""
    return F.struct(
        _column("produced_at", qualifier).alias("produced_at"),
        _column("message_id", qualifier).alias("message_id"),
        _earlier("ingested_at", qualifier).alias("ingested_earlier"),
    )


def tail(qualifier: str = "") -> Column:
    """What settles versions of equal head."""
    return F.struct(
        _column("payload_sha256", qualifier).alias("payload_sha256"),
        _earlier("received_at", qualifier).alias("received_earlier"),
        _column("event_time", qualifier).alias("event_time"),
    )


def total(qualifier: str = "") -> Column:
    """The whole order, for max_by."""
    return F.struct(head(qualifier).alias("head"), tail(qualifier).alias("tail"))


def _column(name: str, qualifier: str) -> Column:
    return F.col(f"{qualifier}{name}")


def _earlier(name: str, qualifier: str) -> Column:
    """Greater for an earlier time. The session's time zone is UTC, so the cast changes no field."""
    return -F.unix_micros(_column(name, qualifier).cast("timestamp_ltz"))
