"""cycle_delta: the table of every message of a cycle, flattened once for all topics.

Each topic advances over its own rows of it, by the functions here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.tables.event_times import EventTimes

TABLE = "cycle_delta"


@dataclass(frozen=True, kw_only=True)
class TopicCycle:
    """A summary of the rows that cycle_delta has of one topic in one cycle.

    readable, refused: how many messages could be flattened, and how many could not. times: the event times of
    the readable ones. arrived: when the first message came into RAW, without a time zone, in UTC; None where
    no row says it. paths are those that may have columns, and rescued_paths those that may not; both are
    sorted and bounded, and empty where they were not looked up; see summary.py.
    """

    topic: str
    cycle_id: str
    readable: int
    refused: int
    times: EventTimes
    arrived: datetime | None = None
    paths: Sequence[str] = ()
    rescued_paths: Sequence[str] = ()


def arrivals(cycles: Iterable[TopicCycle]) -> dict[tuple[str, str], datetime]:
    """Returns when the first message of each topic and cycle came into RAW, as aware times."""
    return {
        (one.topic, one.cycle_id): one.arrived.replace(tzinfo=UTC)
        for one in cycles
        if one.arrived is not None
    }


def since(delta: DataFrame, cycle_id: str | None, earlier: Mapping[str, str] | None = None) -> DataFrame:
    """The rows of the cycles after this one, or all rows when it is None.

    earlier: topics of which older rows are wanted, too, each with the first cycle of them.
    """
    if cycle_id is None:
        return delta
    wanted = F.col("cycle_id") > F.lit(cycle_id)
    for topic, first in (earlier or {}).items():
        wanted |= (F.col("topic_name") == F.lit(topic)) & (F.col("cycle_id") >= F.lit(first))
    return delta.where(wanted)


def present(delta: DataFrame, cycles: Mapping[str, str]) -> set[str]:
    """The topics of which the table has rows of their cycle. cycles: topic to cycle."""
    rows = (
        delta.where(F.col("cycle_id").isin(*set(cycles.values())) & F.col("topic_name").isin(*cycles))
        .select("topic_name", "cycle_id")
        .distinct()
        .collect()
    )
    return {row["topic_name"] for row in rows if cycles[row["topic_name"]] == row["cycle_id"]}


def readable(delta: DataFrame) -> DataFrame:
    """The rows whose payload could be flattened."""
    return delta.where(F.col("columns").isNotNull())


def refused(delta: DataFrame) -> DataFrame:
    """The rows whose payload could not be flattened; rescued_data tells why."""
    return delta.where(F.col("columns").isNull())


def of_topic(delta: DataFrame, topic: str, cycles: Iterable[str]) -> DataFrame:
    """The rows of one topic in these cycles."""
    return delta.where((F.col("topic_name") == F.lit(topic)) & F.col("cycle_id").isin(*cycles))
