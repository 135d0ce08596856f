"""Which of RAW's rows a cycle reads."""

from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lean_ops.errors import LeanOpsError
from lean_ops.ports.interfaces import ALL_TOPICS, Checkpoints
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tables.spark_tables import Tables

RAW_SNAPSHOT = "lean-ops.raw-snapshot-id"
"""Property of cycle_delta's commits: RAW was read up to and with this snapshot."""
RAW_START = "lean-ops.raw-start-snapshot-id"
"""… and from after this one; "" for from the start."""


class CycleOutOfOrderError(LeanOpsError):
    """A cycle that sorts before the last one: its share of RAW was taken by a later cycle already."""


class RawHistoryGoneError(LeanOpsError):
    """RAW's snapshots since the last cycle cannot be followed, and nothing is left to compare with."""


@dataclass(frozen=True)
class Taken:
    """What the last cycle took from RAW."""

    cycle_id: str
    snapshot_id: str | None


@dataclass(frozen=True)
class RawRange:
    """after None: from the start. Both are snapshot ids as text.

    compare: no way leads from the last cycle's snapshot to `upto`, so what is new must be found by comparison
    with cycle_delta (see not_taken).
    """

    after: str | None
    upto: str
    compare: bool = False


def last_taken(tables: Tables, delta: str, checkpoints: Checkpoints) -> Taken | None:
    """From cycle_delta's commits; from the mirror only when maintenance has expired all of those."""
    commit = tables.last_commit(delta)
    if commit is not None:
        return Taken(commit.cycle_id, commit.properties.get(RAW_SNAPSHOT) or None)
    mirror = checkpoints.get(ALL_TOPICS, "raw")
    if mirror is None or not mirror.get("snapshot_id"):
        return None
    return Taken(str(mirror["cycle_id"]), str(mirror["snapshot_id"]))


def range_to_take(tables: Tables, raw: str, last: Taken | None, cycle_id: str, upto: str) -> RawRange | None:
    """None when there is nothing to take: the cycle has taken its share before, or RAW has nothing new.

    A cycle that runs again keeps the range it committed, whatever `upto` says now: topics have advanced past
    it. Raises CycleOutOfOrderError.
    """
    if last is not None and cycle_id < last.cycle_id:
        raise CycleOutOfOrderError(
            f"cycle {cycle_id} comes after {last.cycle_id}, which sorts later and has taken RAW's new rows: "
            "start a new cycle instead of running this one again"
        )
    if not upto or (last is not None and (last.cycle_id == cycle_id or last.snapshot_id == upto)):
        return None
    if last is None or last.snapshot_id is None:
        return RawRange(None, upto)
    if last.snapshot_id in tables.ancestors(raw, upto):
        return RawRange(last.snapshot_id, upto)
    if upto in tables.ancestors(raw, last.snapshot_id):
        return None  # the plan is older than what was read since
    # Snapshots were expired before they were read, or RAW was rolled back.
    return RawRange(None, upto, compare=True)


_IDENTITY = (
    "topic_name",
    "message_id",
    "event_time",
    "produced_at",
    "received_at",
    "ingested_at",
    "payload_sha256",
)
"""Columns that RAW and cycle_delta have alike. Rows that agree in all of them are copies."""


def not_taken(raw: DataFrame, delta: DataFrame) -> DataFrame:
    """RAW's rows that are not in cycle_delta, each as often as it is missing there.

    Older rows than cycle_delta's oldest are held to be taken: it has to be kept for longer than rows can come
    late. Raises RawHistoryGoneError when it is empty.
    """
    oldest = delta.agg(F.min("ingested_at")).collect()[0][0]
    if oldest is None:
        raise RawHistoryGoneError(
            "RAW's snapshots since the last cycle are gone and cycle_delta is empty, so nothing tells which "
            "rows are new. Nothing was read and no row of RAW is lost: roll cycle_delta back to where it has "
            "rows"
        )
    candidates = raw.where(F.col("ingested_at") >= F.lit(oldest)).withColumn("taken", F.lit(0))
    known = delta.select(*_IDENTITY, F.lit(1).alias("taken"))
    alike = Window.partitionBy(*_IDENTITY)
    counted = candidates.unionByName(known, allowMissingColumns=True).select(
        "*",
        F.sum("taken").over(alike).alias("times_taken"),
        F.row_number().over(alike.orderBy(F.desc("taken"))).alias("place"),
    )
    # Those of cycle_delta come first, and stand for as many of RAW's.
    return counted.where((F.col("taken") == 0) & (F.col("place") > 2 * F.col("times_taken"))).select(
        *raw.columns
    )


def properties(cycle_id: str, taken: RawRange) -> dict[str, str]:
    return {CYCLE_ID: cycle_id, RAW_SNAPSHOT: taken.upto, RAW_START: taken.after or ""}
