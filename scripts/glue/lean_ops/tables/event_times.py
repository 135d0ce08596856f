"""The event times of a batch, by which a merge prunes the files and rows it looks keys up in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column
from pyspark.sql import functions as F


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
