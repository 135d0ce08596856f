"""Decides which of RAW's rows a cycle reads."""

from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lean_ops.errors import LeanOpsError
from lean_ops.ports.interfaces import ALL_TOPICS, Checkpoints, Item
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tables.spark_tables import Tables

RAW_SNAPSHOT = "lean-ops.raw-snapshot-id"
"""A property of cycle_delta's commits: the snapshot up to and including which RAW was read."""
RAW_START = "lean-ops.raw-start-snapshot-id"
"""A property of cycle_delta's commits: the snapshot after which RAW was read; "" for from the start."""

DELTA_SEQUENCE_NUMBER = "delta_sequence_number"
"""An attribute of the mirror's item about the whole run: the sequence number of cycle_delta's last commit."""

IDENTITY = (
    "topic_name",
    "message_id",
    "event_time",
    "produced_at",
    "received_at",
    "ingested_at",
    "payload_sha256",
)
"""The columns that RAW and cycle_delta have in common. Rows that agree in all of them are copies."""


class CycleOutOfOrderError(LeanOpsError):
    """The cycle sorts before the last one, so a later cycle has already taken its share of RAW."""


class RawHistoryGoneError(LeanOpsError):
    """RAW's snapshots since the last cycle cannot be followed, and cycle_delta has no rows to compare
    with."""


class CycleDeltaRolledBackError(LeanOpsError):
    """cycle_delta was moved back behind its first commit, so nothing tells up to where RAW was taken."""


@dataclass(frozen=True)
class Taken:
    """The last cycle, and the snapshot of RAW up to which it read; None when RAW had none.

    sequence_number: that of its commit to cycle_delta; None where it is not known. delta_snapshot_id: that of
    the same commit; None where it has expired.
    """

    cycle_id: str
    snapshot_id: str | None
    sequence_number: int | None = None
    delta_snapshot_id: str | None = None


@dataclass(frozen=True)
class RawRange:
    """The range of RAW's snapshots that a cycle reads: after one, up to and including another, by their ids.

    after: None stands for from the start. compare: whether no chain of snapshots leads from that of the last
    cycle to `upto`, so that the new rows must be found by comparison with cycle_delta; see not_taken.
    """

    after: str | None
    upto: str
    compare: bool = False


def last_taken(tables: Tables, delta: str, checkpoints: Checkpoints) -> Taken | None:
    """The last cycle and what it took of RAW; None before the first cycle.

    It is read from cycle_delta's commits, and from the mirror only when maintenance has expired all of them.
    Raises CycleDeltaRolledBackError when they were undone instead: the mirror is ahead of the table then.
    """
    commit = tables.last_commit(delta)
    if commit is not None:
        return Taken(
            commit.cycle_id,
            commit.properties.get(RAW_SNAPSHOT) or None,
            commit.sequence_number,
            commit.snapshot_id,
        )
    mirror = checkpoints.get(ALL_TOPICS, "raw")
    if mirror is None or not mirror.get("snapshot_id"):
        return None
    number = mirror.get(DELTA_SEQUENCE_NUMBER)
    known = None if number is None else int(number)
    if tables.ancestry(delta).lacks(known):
        raise CycleDeltaRolledBackError(
            f"somebody moved cycle_delta back behind its first commit, and cycle {mirror['cycle_id']} had "
            f"taken RAW up to snapshot {mirror['snapshot_id']}. Nothing was read and no row of RAW is lost: "
            "set cycle_delta's current snapshot to the one it had, or delete the item (*, raw) of the "
            "checkpoint table, so that the next cycle takes all of RAW anew and tables keep what they have"
        )
    return Taken(str(mirror["cycle_id"]), str(mirror["snapshot_id"]), known)


def is_moved_back(last: Taken | None, mirror: Item | None) -> bool:
    """Whether somebody moved cycle_delta back, to an earlier commit. mirror: the item about the whole run."""
    number = (mirror or {}).get(DELTA_SEQUENCE_NUMBER)
    known = None if last is None else last.sequence_number
    return number is not None and known is not None and known < int(number)


def range_to_take(tables: Tables, raw: str, last: Taken | None, cycle_id: str, upto: str) -> RawRange | None:
    """The range for a cycle to take. None when it has taken its share before, or when RAW has nothing new.

    A cycle that runs again keeps the range that it committed, whatever `upto` says now, because topics have
    advanced over it. Raises CycleOutOfOrderError.
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
        return None  # The cycle was planned before what was read since.
    # Snapshots have expired before they were read, or RAW was rolled back.
    return RawRange(None, upto, compare=True)


def not_taken(raw: DataFrame, delta: DataFrame) -> DataFrame:
    """The rows of RAW that are not in cycle_delta, each as often as it is missing there.

    Rows older than cycle_delta's oldest count as taken, so cycle_delta has to keep its rows for longer than
    rows can come late. Raises RawHistoryGoneError when cycle_delta is empty.
    """
    oldest = delta.agg(F.min("ingested_at")).collect()[0][0]
    if oldest is None:
        raise RawHistoryGoneError(
            "RAW's snapshots since the last cycle are gone and cycle_delta is empty, so nothing tells which "
            "rows are new. Nothing was read and no row of RAW is lost: roll cycle_delta back to where it has "
            "rows"
        )
    candidates = raw.where(F.col("ingested_at") >= F.lit(oldest)).withColumn("taken", F.lit(0))
    known = delta.select(*IDENTITY, F.lit(1).alias("taken"))
    alike = Window.partitionBy(*IDENTITY)
    counted = candidates.unionByName(known, allowMissingColumns=True).select(
        "*",
        F.sum("taken").over(alike).alias("times_taken"),
        F.row_number().over(alike.orderBy(F.desc("taken"))).alias("copy_number"),
    )
    # The copies in cycle_delta come first, and each of them accounts for one copy in RAW.
    return counted.where((F.col("taken") == 0) & (F.col("copy_number") > 2 * F.col("times_taken"))).select(
        *raw.columns
    )


def properties(cycle_id: str, taken: RawRange) -> dict[str, str]:
    """The properties of the commit to cycle_delta that takes the range."""
    return {CYCLE_ID: cycle_id, RAW_SNAPSHOT: taken.upto, RAW_START: taken.after or ""}
