"""A topic that Curated takes further, and the properties of its commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from lean_ops.bookkeeping import ledger
from lean_ops.columns.column_paths import ColumnPaths
from lean_ops.curated.backfill import BackfillBatch
from lean_ops.tables.commits import CYCLE_ID, Commit
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.topic_table import TopicTable
from lean_ops.tasks.advance_topics import TopicAdvance
from lean_ops.validation.topic_schema import TopicSchema

LAYER = "curated"
NONE_TAKEN = "0"
"""Stands for the last cycle taken where none was; it sorts before every cycle."""
_SCHEMA_VERSION = "lean-ops.schema-version"
_THROUGH = "lean-ops.delta-through"
"""Property of commits: the last cycle of cycle_delta that the table has taken. The commit's own cycle is the
run's, in which a new schema may have validated older rows without any new ones."""
_BACKFILL_VERSION = "lean-ops.back-filling-version"
_BACKFILL_THROUGH = "lean-ops.back-filled-through"
"""Properties of commits: a schema version has validated the older rows up to this cycle of Standardized, and
not yet those of later cycles."""


def checkpoint_properties(through: str, schema_version: int) -> dict[str, str]:
    """Returns the properties of a commit after which the whole table is valid by a version, and has taken
    cycle_delta through a cycle."""
    return {_THROUGH: through, _SCHEMA_VERSION: str(schema_version)}


class BackfillProgress(NamedTuple):
    """How far an unfinished backfill has come: the last cycle that a schema version has validated."""

    schema_version: int
    through: str


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of a table, from the properties of its last commit.

    through: the last cycle of cycle_delta that the table has taken.
    schema_version: the version by which the whole table was validated.
    backfill: how far a backfill has come that is not finished.
    """

    through: str
    schema_version: int
    backfill: BackfillProgress | None = None

    @classmethod
    def of(cls, commit: Commit) -> "Checkpoint":
        properties = commit.properties
        version = properties.get(_BACKFILL_VERSION)
        backfill = None if version is None else BackfillProgress(int(version), properties[_BACKFILL_THROUGH])
        return cls(properties[_THROUGH], int(properties[_SCHEMA_VERSION]), backfill)

    def properties(self) -> dict[str, str]:
        """Returns what a commit carries that moves nothing: the inverse of `of`."""
        own = checkpoint_properties(self.through, self.schema_version)
        if self.backfill is None:
            return own
        version, through = self.backfill
        return {**own, _BACKFILL_VERSION: str(version), _BACKFILL_THROUGH: through}


@dataclass(frozen=True, kw_only=True)
class Advance(TopicAdvance):
    """A topic, its schema, and the versions that there are to validate.

    checkpoint: None before the topic's first commit.
    last_commit: the table's last commit.
    cycle_id: the run's cycle.
    event_times: those of the new cycles. arrived: when the first message of them came into RAW, if it is
    known.
    through: the cycle up to which the new cycles are all that there is.
    paths: the paths of payloads that the new cycles have, cycle by cycle.
    standardized: the full name of the topic's Standardized table, or None where there is none.
    column_paths: which paths have the columns there.
    backfill_from: the Standardized table whose rows the schema has to validate, or None.
    is_moved_back: whether the table is behind its mirror. It gets a commit also where it lacks nothing, as
    when an operation was undone, since the mirror would else count it as moved back for ever.
    """

    schema: TopicSchema
    checkpoint: Checkpoint | None
    last_commit: Commit | None
    cycle_id: str
    event_times: EventTimes
    through: str
    paths: Sequence[Sequence[str]]
    standardized: str | None
    backfill_from: TopicTable | None
    arrived: datetime | None = None
    is_moved_back: bool = False
    column_paths: ColumnPaths = field(default_factory=dict)

    @property
    def has_new_schema(self) -> bool:
        return self.checkpoint is None or self.checkpoint.schema_version != self.schema.version

    @property
    def is_idle(self) -> bool:
        return not self.cycles and not self.has_new_schema and not self.is_moved_back

    @property
    def known_through(self) -> str:
        """The cycle up to which errors on record were there before this batch."""
        if self.checkpoint is None or self.backfill_from is not None:
            return NONE_TAKEN
        return self.checkpoint.through

    def properties(self, counts: Mapping[str, int], earlier: Commit | None = None) -> dict[str, str]:
        """Returns what a commit of this run carries.

        counts: of this batch, empty for a commit that only ends a backfill. earlier: the commit before this
        one, if this run made it. Where it is of the same cycle, its counts are added, because they are part
        of the cycle's.
        """
        before = self.last_commit if earlier is None else earlier
        entry, operated = None, False
        if before is not None and before.cycle_id == self.cycle_id:
            counted = self._counted(before)
            entry, operated = ledger.entry_of(self.topic, LAYER, counted), counted is not before
        known = entry.counts if entry else {}
        total = {name: known.get(name, 0) + counts.get(name, 0) for name in {*known, *counts}}
        return {
            CYCLE_ID: self.cycle_id,
            **checkpoint_properties(self.through, self.schema.version),
        } | ledger.commit_properties(total, self.started, operated=operated)

    def _counted(self, last: Commit) -> Commit:
        """The commit with the counts of the last one's cycle: an operation may have made the last one."""
        if ledger.has_entry(last):
            return last
        own = (one for one in self.table.commits_in_force() if one.cycle_id == last.cycle_id)
        return next((one for one in own if ledger.has_entry(one)), last)

    def backfill_properties(self, properties: Mapping[str, str], batch: BackfillBatch) -> dict[str, str]:
        """Returns the properties of the commit of a backfill's batch.

        The table's own checkpoint stays as it was, because only the end of the backfill moves it.
        """
        checkpoint = self.checkpoint or Checkpoint(NONE_TAKEN, 0)
        return {
            **properties,
            _THROUGH: checkpoint.through,
            _SCHEMA_VERSION: str(checkpoint.schema_version),
            _BACKFILL_VERSION: str(self.schema.version),
            _BACKFILL_THROUGH: batch.through,
        }
