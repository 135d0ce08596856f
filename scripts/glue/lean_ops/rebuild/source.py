"""RAW's rows of one topic as a rebuild reads them: those of a snapshot, flattened, a chunk at a time."""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lean_ops.bookkeeping.operation import OperationError
from lean_ops.columns.time_text import time_text
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.payload.flatten_batches import DELTA_COLUMNS, flatten_events
from lean_ops.payload.opaque import OpaqueColumns
from lean_ops.ports.interfaces import Checkpoints
from lean_ops.raw.snapshot_range import IDENTITY, last_taken
from lean_ops.rebuild.plan import Chunk
from lean_ops.tables.ops_rows import naive_utc
from lean_ops.tables.spark_tables import Tables

_RAW_TABLE = "events"


def raw_snapshot_of(tables: Tables, checkpoints: Checkpoints, planned: str | None) -> str:
    """The snapshot of RAW that a build reads: the planned one, as long as RAW keeps it.

    An erasure of other topics takes all earlier snapshots of RAW, and then cycle_delta names the one up to
    which RAW was taken since. What was taken of it after the plan is left out by raw_rows. Raises
    OperationError where that one is gone, too.
    """
    kept = {str(one["snapshot-id"]) for one in tables.metadata(tables.name("raw", _RAW_TABLE))["snapshots"]}
    if planned is not None and planned in kept:
        return planned
    taken = last_taken(tables, tables.name("ops", cycle_delta.TABLE), checkpoints)
    if taken is None or taken.snapshot_id not in kept:
        raise OperationError(
            "RAW does not keep the snapshot any more up to which it was taken, as while keys are erased: let "
            "a cycle run, then resume the operation (lean-ops op resume)"
        )
    return taken.snapshot_id


def raw_rows(tables: Tables, topic: str, snapshot: str, after: str, since: datetime | None) -> DataFrame:
    """RAW's rows of a topic at a snapshot, without those that cycle_delta has of cycles after one.

    tables: the live ones. after: as in BuildPlan. since: as in Wish.
    """
    rows = tables.read_between(tables.name("raw", _RAW_TABLE), None, snapshot)
    rows = rows.where(F.col("topic_name") == topic)
    later = cycle_rows(tables, topic, after)
    if not later.isEmpty():
        rows = _without(rows, later)
    return rows if since is None else rows.where(F.col("ingested_at") >= F.lit(naive_utc(since)))


def cycle_rows(tables: Tables, topic: str, after: str) -> DataFrame:
    """The rows that cycle_delta has of a topic in the cycles after one."""
    rows = tables.read(tables.name("ops", cycle_delta.TABLE))
    return rows.where((F.col("topic_name") == topic) & (F.col("cycle_id") > after)).select(*DELTA_COLUMNS)


def _without(rows: DataFrame, later: DataFrame) -> DataFrame:
    """The rows that are not among the later ones. Of copies, as many stay as there are more of here."""
    taken = later.groupBy(*IDENTITY).agg(F.count(F.lit(1)).alias("times_taken")).alias("later")
    alike = Window.partitionBy(*IDENTITY).orderBy(F.lit(1))
    numbered = rows.withColumn("copy_number", F.row_number().over(alike)).alias("own")
    same = F.lit(True)
    for name in IDENTITY:
        same &= F.col(f"own.{name}").eqNullSafe(F.col(f"later.{name}"))
    joined = numbered.join(taken, on=same, how="left")
    is_kept = F.col("copy_number") > F.coalesce("times_taken", F.lit(0))
    return joined.where(is_kept).select(*(F.col(f"own.{name}") for name in rows.columns))


def rows_by_day(rows: DataFrame) -> dict[str, int]:
    """How many rows came into RAW on each day, as Chunk has days."""
    return {row["day"]: row["count"] for row in rows.groupBy(_day().alias("day")).count().collect()}


def check_raw_is_whole(tables: Tables, table: str, rows: DataFrame) -> None:
    """Raises OperationError where a Standardized table has rows from before all that RAW has of its topic.
    RAW drops old days where a variable says so, and a rebuild would drop their rows with them.

    table: its full name. rows: those of RAW.
    """
    first = rows.agg(F.min(time_text("ingested_at"))).collect()[0][0]
    live = tables.read(table)
    lost = live.where(F.col("ingested_at") < F.lit(first) if first is not None else F.lit(True)).count()
    if lost:
        since = "nothing of the topic" if first is None else f"only what came since {first[:16]}Z"
        raise OperationError(
            f"RAW_GONE: RAW has {since}, and the table has {lost} rows from before, which a rebuild would "
            "lose: cancel the operation (lean-ops op cancel), and rebuild from Standardized, or say by "
            "--since from when on rows are to stay"
        )


def flattened(rows: DataFrame, chunk: Chunk, opaque: OpaqueColumns) -> DataFrame:
    """The rows of a chunk in the columns of cycle_delta. opaque: what is kept as sent."""
    return flatten_events(rows.where(_within(chunk)), chunk.cycle_id, {}, opaque)


def flattened_anew(
    tables: Tables, rows: DataFrame, topic: str, cycle_id: str, opaque: OpaqueColumns
) -> DataFrame:
    """The rows that cycle_delta has of a topic's cycle, as if it had been taken with these opaque columns.

    tables: the live ones. rows: of the cycle. Their payloads are read of RAW. A row whose payload RAW has
    dropped stays as it is, and so does one that could not be flattened.
    """
    own = rows.where(F.col("cycle_id") == cycle_id)
    readable = cycle_delta.readable(own)
    first = readable.agg(F.min("ingested_at").cast("string")).collect()[0][0]
    if first is None:
        return own
    # RAW is partitioned by the days of it.
    since = F.lit(first).cast("timestamp_ntz")
    raw = tables.read(tables.name("raw", _RAW_TABLE)).where(
        (F.col("topic_name") == topic) & (F.col("ingested_at") >= since)
    )
    payloads = raw.select(*IDENTITY, "payload").dropDuplicates(list(IDENTITY)).alias("raw")
    same = F.lit(True)
    for name in IDENTITY:
        same &= F.col(f"own.{name}").eqNullSafe(F.col(f"raw.{name}"))
    joined = readable.alias("own").join(payloads, on=same, how="left").select("own.*", "raw.payload")
    there = F.col("payload").isNotNull()
    anew = flatten_events(joined.where(there), cycle_id, {}, opaque)
    kept = joined.where(~there).select(*DELTA_COLUMNS)
    return anew.unionByName(kept).unionByName(cycle_delta.refused(own).select(*DELTA_COLUMNS))


def _day() -> Column:
    return F.coalesce(F.date_format("ingested_at", "yyyy-MM-dd"), F.lit(""))


def _within(chunk: Chunk) -> Column:
    """Compares the times themselves where that is possible, by which Iceberg leaves out partitions."""
    if not chunk.first:
        return _day() <= chunk.last
    first = F.to_timestamp_ntz(F.lit(f"{chunk.first} 00:00:00"))
    end = F.to_timestamp_ntz(F.lit(f"{chunk.last} 00:00:00")) + F.expr("INTERVAL 1 DAY")
    return (F.col("ingested_at") >= first) & (F.col("ingested_at") < end)
