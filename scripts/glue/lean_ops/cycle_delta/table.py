"""cycle_delta: every message of a cycle, flattened once for all topics; what topics advance over."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

TABLE = "cycle_delta"


@dataclass(frozen=True)
class TopicCycle:
    """One topic in one cycle. times: of the readable messages. columns and rescued_paths are sorted and
    bounded, and empty where nobody asked for them: see delta_summary."""

    topic: str
    cycle_id: str
    readable: int
    refused: int
    times: "EventTimes"
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
