"""The event times of a batch, which limit the files and rows in which a merge looks for the batch's keys."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class EventTimes:
    """The range of the event times of a batch, as TIMESTAMP_NTZ.

    first and last are None when no message of the batch has an event time. some_null: whether any has none.
    """

    first: datetime | None
    last: datetime | None
    some_null: bool


def is_within(times: EventTimes, of_table: Callable[[Column], Column] = lambda time: time) -> Column:
    """Whether a row of a table may have an event time of the batch.

    of_table: converts a TIMESTAMP_NTZ to the form in which the table has event_time.
    """
    null = F.col("event_time").isNull()
    if times.first is None or times.last is None:
        return null
    first, last = (of_table(F.lit(str(one)).cast("timestamp_ntz")) for one in (times.first, times.last))
    inside = F.col("event_time").between(first, last)
    return inside | null if times.some_null else inside
