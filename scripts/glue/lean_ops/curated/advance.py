"""What a run knows of one topic that Curated takes further, and what its commit says."""

from collections.abc import Mapping
from dataclasses import dataclass

from lean_ops.bookkeeping import ledger
from lean_ops.curated.backfill import Piece
from lean_ops.tables.commits import CYCLE_ID, Commit
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.topic_table import TopicTable
from lean_ops.tasks.advance_topics import TopicAdvance
from lean_ops.validation.topic_schema import TopicSchema

LAYER = "curated"
_SCHEMA_VERSION = "lean-ops.schema-version"
_THROUGH = "lean-ops.delta-through"
"""The last cycle of cycle_delta that the table has taken. The commit's own cycle is the run's: a new schema
is validated in a run that may have no new rows."""
_BACK_FILLING = "lean-ops.back-filling-version"
_BACK_FILLED = "lean-ops.back-filled-through"
"""Up to which of Standardized's cycles the version named by _BACK_FILLING has validated the older rows."""
NONE_TAKEN = "0"


@dataclass(frozen=True)
class Checkpoint:
    """schema_version: whose judgement the whole table is. back_filling: (version, last cycle done) of a
    back-fill that is not through."""

    through: str
    schema_version: int
    back_filling: tuple[int, str] | None = None

    @classmethod
    def of(cls, commit: Commit) -> "Checkpoint":
        properties = commit.properties
        version = properties.get(_BACK_FILLING)
        under_way = None if version is None else (int(version), properties[_BACK_FILLED])
        return cls(properties[_THROUGH], int(properties[_SCHEMA_VERSION]), under_way)


@dataclass(frozen=True, kw_only=True)
class Advance(TopicAdvance):
    """A topic, its schema, its table as planned, and what there is to judge.

    at: None before the first time. commit: the table's last one. cycles: those of cycle_delta that are new,
    with their numbers of versions. times: of those.
    through: the cycle up to which that is all. standardized: the table to back-fill from; None when nothing
    is to be filled. cycle_id: the run's.
    """

    schema: TopicSchema
    at: Checkpoint | None
    commit: Commit | None
    cycle_id: str
    cycles: Mapping[str, int]
    times: EventTimes
    through: str
    standardized: TopicTable | None

    @property
    def new_schema(self) -> bool:
        return self.at is None or self.at.schema_version != self.schema.version

    @property
    def is_idle(self) -> bool:
        return not self.cycles and not self.new_schema

    @property
    def known_through(self) -> str:
        """Errors of cycles up to this were known before this batch."""
        return NONE_TAKEN if self.at is None or self.standardized is not None else self.at.through

    def properties(self, counts: Mapping[str, int], so_far: Commit | None) -> dict[str, str]:
        """counts: of this batch, empty for a commit that only ends a back-fill. so_far: a commit of this very
        run, whose counts are part of the cycle's."""
        earlier = self.commit if so_far is None else so_far
        entry = None
        if earlier is not None and earlier.cycle_id == self.cycle_id:
            entry = ledger.entry_of(self.topic, LAYER, earlier)
        known = entry.counts if entry else {}
        total = {name: known.get(name, 0) + counts.get(name, 0) for name in {*known, *counts}}
        return {
            CYCLE_ID: self.cycle_id,
            _THROUGH: self.through,
            _SCHEMA_VERSION: str(self.schema.version),
        } | ledger.commit_properties(total, self.started)

    def underway(self, properties: Mapping[str, str], piece: Piece) -> dict[str, str]:
        """The properties of a back-fill's piece that is not the last: what the table was validated by stays."""
        at = self.at or Checkpoint(NONE_TAKEN, 0)
        return {
            **properties,
            _THROUGH: at.through,
            _SCHEMA_VERSION: str(at.schema_version),
            _BACK_FILLING: str(self.schema.version),
            _BACK_FILLED: piece.through,
        }


@dataclass(frozen=True)
class Errors:
    """Of one batch. rejected, nulled: messages that were not on record. copies: rejected ones that were."""

    rejected: int = 0
    nulled: int = 0
    copies: int = 0
