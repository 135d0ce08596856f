"""What a run knows of one topic that Standardized takes further, and what its commit says."""

from collections.abc import Mapping
from dataclasses import dataclass

from lean_ops.bookkeeping import ledger
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.standardized.schema_evolution import Evolution
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tasks.advance_topics import TopicAdvance

LAYER = "standardized"


@dataclass(frozen=True, kw_only=True)
class Advance(TopicAdvance):
    """A topic and the cycle that it takes.

    refused: (messages that could not be read, copies of such). new_columns: how many columns are on record as
    added in the cycle.
    """

    work: TopicCycle
    evolution: Evolution
    refused: tuple[int, int] = (0, 0)
    new_columns: int = 0

    def properties(self, counts: Mapping[str, int]) -> dict[str, str]:
        """counts: of the readable messages, by names of ledger.COUNTS."""
        whole = {
            **counts,
            "records_in": self.work.readable + self.work.refused,
            "duplicates": counts["duplicates"] + self.refused[1],
            "parse_errors": self.refused[0],
            "new_columns": self.new_columns,
        }
        return {CYCLE_ID: self.work.cycle_id} | ledger.commit_properties(whole, self.started)
