"""cycle_delta: every message of a cycle, flattened once for all topics; what topics advance over."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from lean_ops.records import to_frame

TABLE = "cycle_delta"

# Counted beside the column names, which never hold such characters and sort after them.
_READABLE, _REFUSED, _RESCUED = "\u0001readable", "\u0001refused", "\u0001rescued"
_COUNTERS = (_READABLE, _REFUSED, _RESCUED)
_TOPIC_CYCLE = ("cycle_id", "topic_name")


@dataclass(frozen=True)
class TopicCycle:
    """One topic in one cycle. columns and rescued_paths are sorted and bounded: see topic_cycles."""

    topic: str
    cycle_id: str
    readable: int
    refused: int
    columns: Sequence[str] = ()
    rescued_paths: Sequence[str] = ()


def since(delta: DataFrame, cycle_id: str | None) -> DataFrame:
    """Rows of the cycles after this one; of all that are kept when it is None."""
    return delta if cycle_id is None else delta.where(F.col("cycle_id") > F.lit(cycle_id))


def readable(delta: DataFrame) -> DataFrame:
    return delta.where(F.col("columns").isNotNull())


def refused(delta: DataFrame) -> DataFrame:
    return delta.where(F.col("columns").isNull())


def of_topic(delta: DataFrame, topic: str, cycles: Iterable[str]) -> DataFrame:
    return delta.where((F.col("topic_name") == F.lit(topic)) & F.col("cycle_id").isin(*cycles))


@dataclass(frozen=True)
class EventTimes:
    """Those of a batch, as TIMESTAMP_NTZ. first, last: None when no message has one. some_null: some have
    none."""

    first: datetime | None
    last: datetime | None
    some_null: bool


def is_within(times: EventTimes, of_table: Callable[[Column], Column] = lambda time: time) -> Column:
    """Whether a row of a table has an event_time of the batch. of_table: makes of a TIMESTAMP_NTZ what the
    table has."""
    null = F.col("event_time").isNull()
    if times.first is None or times.last is None:
        return null
    first, last = (of_table(F.lit(str(one)).cast("timestamp_ntz")) for one in (times.first, times.last))
    inside = F.col("event_time").between(first, last)
    return inside | null if times.some_null else inside


def event_times(delta: DataFrame, cycles: Mapping[str, Iterable[str]]) -> dict[str, EventTimes]:
    """Of the readable rows of some topics. cycles: by topic."""
    pairs = [{"topic_name": topic, "cycle_id": cycle} for topic, own in cycles.items() for cycle in own]
    if not pairs:
        return {}
    wanted = to_frame(delta.sparkSession, pairs, "topic_name string, cycle_id string")
    listed = sorted({pair["cycle_id"] for pair in pairs})
    rows = readable(delta).where(F.col("cycle_id").isin(*listed))
    found = (
        rows.join(F.broadcast(wanted), on=["topic_name", "cycle_id"], how="left_semi")
        .groupBy("topic_name")
        .agg(
            F.min("event_time").alias("first"),
            F.max("event_time").alias("last"),
            F.max(F.isnull("event_time")).alias("some_null"),
        )
    )
    return {
        row["topic_name"]: EventTimes(row["first"], row["last"], row["some_null"]) for row in found.collect()
    }


def topic_cycles(delta: DataFrame, max_columns: int, max_paths: int) -> list[TopicCycle]:
    """What `delta` holds, by cycle and topic, cycles in order. Bounded in topics and columns, not in events.

    max_columns: how many column names of a topic to give, in the order of names; more than a table may have,
    so that names without end (ids as keys) are seen to be too many and still fit on the driver. max_paths
    likewise.
    """
    # Events of a topic are alike: rows of equal names are counted before their names are listed.
    alike = delta.groupBy(
        *_TOPIC_CYCLE,
        F.map_keys("columns").alias("names"),
        F.isnotnull("rescued_data").alias("is_rescued"),
    ).agg(F.count(F.lit(1)).alias("n"))
    is_readable = F.col("names").isNotNull()
    no_names = F.array().cast("array<string>")
    texts = F.concat(
        F.array(F.when(is_readable, _READABLE).otherwise(_REFUSED)),
        F.when(is_readable & F.col("is_rescued"), F.array(F.lit(_RESCUED))).otherwise(no_names),
        F.coalesce("names", no_names),
    )
    rows = _first_texts(
        alike.select(*_TOPIC_CYCLE, F.explode(texts).alias("text"), "n"), max_columns + len(_COUNTERS)
    )
    groups = {key: {row["text"]: row["n"] for row in group} for key, group in groupby(rows, _key)}
    paths: dict[tuple[str, str], list[str]] = {}
    if any(_RESCUED in counts for counts in groups.values()):
        kept = readable(delta).where(F.col("rescued_data").isNotNull())
        listed = kept.select(
            *_TOPIC_CYCLE, F.explode(F.json_object_keys("rescued_data")).alias("text"), F.lit(1).alias("n")
        )
        for key, group in groupby(_first_texts(listed, max_paths), _key):
            paths[key] = [row["text"] for row in group]
    return [
        TopicCycle(
            topic,
            cycle_id,
            counts.get(_READABLE, 0),
            counts.get(_REFUSED, 0),
            [text for text in counts if text not in _COUNTERS],
            paths.get((cycle_id, topic), ()),
        )
        for (cycle_id, topic), counts in groups.items()
    ]


def _first_texts(texts: DataFrame, limit: int) -> list[Row]:
    """The first `limit` distinct texts of each topic and cycle with how often each occurs (the sum of n),
    sorted throughout."""
    by_text = Window.partitionBy(*_TOPIC_CYCLE).orderBy("text")
    rows = (
        texts.groupBy(*_TOPIC_CYCLE, "text")
        .agg(F.sum("n").alias("n"))
        .withColumn("place", F.row_number().over(by_text))
        .where(F.col("place") <= limit)
        .collect()
    )
    return sorted(rows, key=lambda row: (*_key(row), row["place"]))


def _key(row: Row) -> tuple[str, str]:
    return row["cycle_id"], row["topic_name"] or ""
