"""A topic that Standardized takes through a cycle, and the properties of its commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lean_ops.bookkeeping import ledger
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.standardized.schema_evolution import Evolution
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tasks.advance_topics import TopicAdvance

LAYER = "standardized"


class ParseErrors(NamedTuple):
    """A topic's numbers of unreadable messages in one cycle: those on record as errors, and copies of
    those."""

    messages: int = 0
    copies: int = 0


@dataclass(frozen=True, kw_only=True)
class Advance(TopicAdvance):
    """A topic and the cycle that it takes.

    evolution: how the table's columns change first.
    new_columns: the number of columns that are on record as added in the cycle.
    """

    work: TopicCycle
    evolution: Evolution
    parse_errors: ParseErrors
    new_columns: int = 0

    def properties(self, counts: Mapping[str, int]) -> dict[str, str]:
        """Returns what the topic's commit carries. `counts` are those of the readable messages, by names of
        ledger.COUNTS."""
        whole = {
            **counts,
            "records_in": self.work.readable + self.work.refused,
            "duplicates": counts["duplicates"] + self.parse_errors.copies,
            "parse_errors": self.parse_errors.messages,
            "new_columns": self.new_columns,
        }
        return {CYCLE_ID: self.work.cycle_id} | ledger.commit_properties(whole, self.started)
