"""cycle_delta: every message of a cycle, flattened once for all topics; what topics advance over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.tables.event_times import EventTimes

TABLE = "cycle_delta"


@dataclass(frozen=True)
class TopicCycle:
    """One topic in one cycle. times: of the readable messages. columns and rescued_paths are sorted and
    bounded, and empty where nobody asked for them: see delta_summary."""

    topic: str
    cycle_id: str
    readable: int
    refused: int
    times: EventTimes
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
