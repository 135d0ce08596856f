"""Looks ids up in the tables of ops, which grow for as long as the pipeline runs.

The ids of errors, parse errors and drift are hashes of what a row describes, its topic included, and the same
may come again after any time. Who reads all ids for that reads ever more. Here the ids that are looked for
stand in the query, and by them Iceberg leaves out files and row groups: those that maintenance has sorted by
topic and id, of which one in many has such an id. Those that were written since are small.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

MAX_LISTED = 2_000
"""More ids are not listed: a batch with so many new errors is rare, and its query would be too long."""
_MAX_COMPARED = 200
"""Iceberg compares no longer list with the bounds of a file: its InclusiveMetricsEvaluator has this limit."""


@dataclass(frozen=True)
class ListedIds:
    """Ids to look for in the column `key`, and the topics of their rows; None where some row has no topic."""

    key: str
    ids: Sequence[str]
    topics: Sequence[str] | None

    @property
    def condition(self) -> Column:
        """True of every row of a table that has one of the ids."""
        found = _is_one_of(self.key, self.ids)
        return found if self.topics is None else found & _is_one_of("topic_name", self.topics)


def listed_ids(wanted: DataFrame, key: str) -> ListedIds | None:
    """The ids of these rows, or None when there are more than MAX_LISTED. It runs a job.

    wanted: with the columns `key` and topic_name.
    """
    rows = wanted.select(key, "topic_name").distinct().limit(MAX_LISTED + 1).collect()
    if len(rows) > MAX_LISTED:
        return None
    topics = {row["topic_name"] for row in rows}
    return ListedIds(key, _sorted(row[key] for row in rows), None if None in topics else _sorted(topics))


def _sorted(texts: Iterable[str]) -> list[str]:
    return sorted(set(texts))


def _is_one_of(column: str, values: Sequence[str]) -> Column:
    parts = [values[at : at + _MAX_COMPARED] for at in range(0, len(values), _MAX_COMPARED)]
    return reduce(or_, (F.col(column).isin(*part) for part in parts), F.lit(False))
