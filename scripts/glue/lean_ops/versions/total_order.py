"""The total order of the versions of a record, for Spark (docs/data-contracts.md, The order of versions). The
greatest version is the winner, and nothing else decides.

Versions of one idempotency_key compare by `produced_at`, then `message_id`, then the earlier `ingested_at`,
so that of copies of one message the first stays, and then `payload_sha256`. Two events that agree in all of
these have the same payload. An earlier `received_at` and a later `event_time` settle the rest, so that equal
versions are interchangeable. Text compares by its UTF-8 bytes, and null is the smallest value.

A maximum does not depend on the borders of batches, the order of arrival, duplicates or retries. Tables do
not keep payload_sha256. Across cycles, versions therefore compare by `head`, and where heads are equal the
`tail` is looked up in cycle_delta, which has it.

The same order for Python is in merge_python.py (Stamp.head and Stamp.tail), which merge_arrow.py uses too;
tests/glue/versions/test_versions.py holds the two equal.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F


def head(qualifier: str = "") -> Column:
    """The part of the order that every table keeps: produced_at, message_id and the earlier ingested_at.

    The times must be TIMESTAMP_NTZ. qualifier: what the names of the columns begin with.
    """
    return F.struct(
        _column("produced_at", qualifier).alias("produced_at"),
        _column("message_id", qualifier).alias("message_id"),
        _earlier("ingested_at", qualifier).alias("ingested_earlier"),
    )


def tail(qualifier: str = "") -> Column:
    """The part of the order that decides between versions with the same head."""
    return F.struct(
        _column("payload_sha256", qualifier).alias("payload_sha256"),
        _earlier("received_at", qualifier).alias("received_earlier"),
        _column("event_time", qualifier).alias("event_time"),
    )


def total(qualifier: str = "") -> Column:
    """The whole order, as a column for max_by."""
    return F.struct(head(qualifier).alias("head"), tail(qualifier).alias("tail"))


def _column(name: str, qualifier: str) -> Column:
    return F.col(f"{qualifier}{name}")


def _earlier(name: str, qualifier: str) -> Column:
    """A number that is greater for an earlier time. The session's zone is UTC, so the cast changes no
    field."""
    return -F.unix_micros(_column(name, qualifier).cast("timestamp_ltz"))
