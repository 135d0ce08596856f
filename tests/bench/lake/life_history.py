"""The rows that the tables of a life have from before it, so that they are long and stay about as long."""

from pyspark.sql import SparkSession

from bench_plan import Plan, Topic
from growth_events import DAY_US, HISTORY_MARK, GrowthEvents
from growth_history import write

_DAYS = 30
_ROWS = 2_000
"""Rows of each day. Together they are more than the 50,000 from which on files are pruned by event times."""


class LifeHistory(GrowthEvents):
    """A topic's records on the days before the life begins."""

    mark = HISTORY_MARK

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic, _DAYS, _ROWS)
        self.first_day_us -= DAY_US


def write_history(spark: SparkSession, plan: Plan) -> None:
    """Writes the rows to the tables of both layers, which have taken a cycle already."""
    for number, topic in enumerate(plan.topics):
        write(spark, plan, LifeHistory(topic), number)
