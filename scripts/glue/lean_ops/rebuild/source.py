"""RAW's rows of one topic as a rebuild reads them: those of a snapshot, flattened, a chunk at a time."""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.payload.flatten_batches import DELTA_COLUMNS, flatten_events
from lean_ops.raw.snapshot_range import IDENTITY
from lean_ops.rebuild.plan import Chunk
from lean_ops.tables.ops_rows import naive_utc
from lean_ops.tables.spark_tables import Tables

_RAW_TABLE = "events"


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


def flattened(rows: DataFrame, chunk: Chunk) -> DataFrame:
    """The rows of a chunk in the columns of cycle_delta."""
    return flatten_events(rows.where(_within(chunk)), chunk.cycle_id, {})


def _day() -> Column:
    return F.coalesce(F.date_format("ingested_at", "yyyy-MM-dd"), F.lit(""))


def _within(chunk: Chunk) -> Column:
    """Compares the times themselves where that is possible, by which Iceberg leaves out partitions."""
    if not chunk.first:
        return _day() <= chunk.last
    first = F.to_timestamp_ntz(F.lit(f"{chunk.first} 00:00:00"))
    end = F.to_timestamp_ntz(F.lit(f"{chunk.last} 00:00:00")) + F.expr("INTERVAL 1 DAY")
    return (F.col("ingested_at") >= first) & (F.col("ingested_at") < end)
