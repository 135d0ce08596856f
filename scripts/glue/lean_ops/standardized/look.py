"""Finds the topics whose tables others have moved back, and what these have to take again.

Each run compares one listing of the catalog with the mirror. Only a table whose metadata file is another one
than at the last look is loaded, and it is loaded once: where the cycle goes on with the topic, it goes on
from this look.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lean_ops.bookkeeping import checkpoint_mirror, ledger
from lean_ops.bookkeeping.held_topics import Holds
from lean_ops.bookkeeping.layer_run import LayerRun
from lean_ops.bookkeeping.ledger_corrections import corrections_in_force
from lean_ops.bookkeeping.table_position import (
    TABLE_ROLLED_BACK,
    Position,
    record_moved_back,
)
from lean_ops.bookkeeping.taken_cycles import gone_cycles, taken_cycles
from lean_ops.columns import names
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.errors import LeanOpsError, reason
from lean_ops.ports.interfaces import Item, Job
from lean_ops.standardized.advance import LAYER
from lean_ops.standardized.planning import Look, TopicPlan, look_at, plan_topic
from lean_ops.standardized.stuck import fail_stuck
from lean_ops.tables.spark_tables import Tables


class TableMovedError(LeanOpsError):
    """Others have moved a table back while a run was taking it on."""


@dataclass(frozen=True)
class Looks:
    """The looks of a run at the tables of its topics.

    locations: table name to the place of its metadata file before the looks. mirrors: topic to its item
    before the run. holds: what the run found in the registry. found: topic to the look at its table. unused:
    those of them on which no cycle was planned yet. taken: topic to the last cycle whose commit this run has
    made, or found, and mirrored.
    """

    locations: Mapping[str, str]
    mirrors: Mapping[str, Item]
    holds: Holds
    found: dict[str, Look] = field(default_factory=dict)
    unused: dict[str, Look] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)

    def plan(self, job: Job, tables: Tables, work: TopicCycle) -> TopicPlan:
        """Plans a topic's cycle, from the look at its table where that is still fresh.

        Raises TableMovedError when the table is behind what this run has committed to it, or was moved back
        since the run looked which tables are.
        """
        topic = work.topic
        look = self.unused.pop(topic, None) or self.look_at(tables, topic)
        is_behind = (look.position.reached or "") < self.taken.get(topic, "")
        is_known = topic in self.found and self.found[topic].position.is_moved_back
        is_known = is_known or self.holds.accepts_gap(topic, look.position.remembered or "")
        if is_behind or (look.position.is_moved_back and not is_known):
            raise TableMovedError(
                f"somebody moved the table {names.table_name(topic)} back while the run was under way: "
                "the next cycle takes it on from there"
            )
        return plan_topic(job, look, work)

    def location(self, topic: str) -> str | None:
        """Where the metadata file of the topic's table was before the looks; None where it has no table."""
        return self.locations.get(names.table_name(topic))

    def look_at(self, tables: Tables, topic: str) -> Look:
        return look_at(tables, topic, self.mirrors.get(topic), self.holds.epoch(topic))

    @property
    def moved_back(self) -> dict[str, Position]:
        """Topic to where its table stands, of those that were moved back."""
        return {topic: one.position for topic, one in self.found.items() if one.position.is_moved_back}

    def first_cycles(self, released: Mapping[str, str]) -> dict[str, str]:
        """Returns the topics of which the run has to read cycles that the others have taken, each with the
        first one. That of a table that was moved back is the one it has reached, or "" for all.

        released: topic to the first cycle that it did not take while it was held.
        """
        moved = {topic: position.reached or "" for topic, position in self.moved_back.items()}
        return {topic: min(first, moved.get(topic, first)) for topic, first in {**moved, **released}.items()}


def look_at_tables(run: LayerRun, topics: Iterable[str]) -> Looks:
    """Looks at the tables that have changed since the last look.

    topics: those that own a table, as far as the run may touch it. A table that cannot be loaded fails its
    topic once there are cycles for it. A table that an earlier run could not take on as it is fails its topic
    again, unless people have accepted the gap.
    """
    job, started = run.job, run.job.clock()
    owning = sorted(topics)
    looks = Looks(run.metadata_locations(), job.checkpoints.of_topics(owning, LAYER), run.holds)
    for topic in owning:
        mirror = looks.mirrors.get(topic)
        why = checkpoint_mirror.stuck_why(mirror, looks.location(topic))
        if why is not None and mirror is not None and not run.holds.accepts_gap(topic, mirror["cycle_id"]):
            fail_stuck(run, topic, job.arguments.cycle_id, why, started)
    changed = [topic for topic in owning if topic not in run.outcome.stuck and _has_changed(looks, topic)]
    for topic, look in run.pool.each(changed, looks.look_at):
        if isinstance(look, Look):
            looks.found[topic] = looks.unused[topic] = look
        else:
            job.log("table not looked at", level="WARN", topic_name=topic, reason=reason(look))
    return looks


def _has_changed(looks: Looks, topic: str) -> bool:
    """Whether a table that has taken cycles has another metadata file than at the last look."""
    mirror, location = looks.mirrors.get(topic), looks.location(topic)
    return mirror is not None and location is not None and mirror.get("metadata_location") != location


def take_on(run: LayerRun, looks: Looks, works: Iterable[TopicCycle]) -> None:
    """Tells which tables were moved back. Fails the topics whose cycles cycle_delta does not have any more,
    unless people have accepted that: nothing may be left out silently.

    works: all cycles of the run.
    """
    moved = looks.moved_back
    if not moved:
        return
    arguments, started = run.job.arguments, run.job.clock()
    gone = gone_cycles(
        taken_cycles(run.tables, moved),
        works,
        {topic: position.reached for topic, position in moved.items()},
        {topic: position.remembered or "" for topic, position in moved.items()},
    )
    accepted = {topic for topic in gone if run.holds.accepts_gap(topic, moved[topic].remembered or "")}
    for topic in accepted:
        run.job.log("gap accepted", level="WARN", topic_name=topic, first_cycle_id=gone.pop(topic))
    whys = {topic: _why_gone(moved[topic], cycle, topic) for topic, cycle in gone.items()}
    for topic, why in whys.items():
        fail_stuck(run, topic, arguments.cycle_id, why, started)
    checkpoint_mirror.note_stuck(run, looks.mirrors, looks.locations, whys)
    by_others = [topic for topic, position in moved.items() if position.moved_by is None]
    entries = [
        entry
        for topic in by_others
        for entry in corrections_in_force(run.tables, topic, LAYER, looks.found[topic].table)
    ]
    ledger.write(run.tables, entries)
    record_moved_back(
        run.tables,
        {topic: position for topic, position in moved.items() if topic not in gone},
        layer=LAYER,
        cycle_id=arguments.cycle_id,
        at=started,
        log=run.job.log,
    )


def _why_gone(position: Position, cycle: str, topic: str) -> str:
    mirror = position.mirror or {}
    return (
        f"{TABLE_ROLLED_BACK}: somebody moved the table {names.table_name(topic)} back from cycle "
        f"{position.remembered} to {position.reached or 'before its first'}, and cycle_delta has not all of "
        f"cycle {cycle} any more, which the table lacks. Set its current snapshot to "
        f"{mirror.get('snapshot_id')} again, or accept the gap: hold the topic, then lean-ops topic release "
        f"{topic} --accept-gap"
    )
