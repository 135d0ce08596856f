"""Reads who still needs what of RAW, of cycle_delta and of objects that no table names, from the tables' own
commits, from the mirror of the checkpoints, from the registry and from the operations."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from lean_ops.bookkeeping import held_topics, left_behind
from lean_ops.bookkeeping.curated_watermark import stored_watermark
from lean_ops.bookkeeping.operation import read_operation
from lean_ops.bookkeeping.table_ownership import owners_of
from lean_ops.bookkeeping.table_position import position_of
from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.maintenance.delta_retention import DeltaNeeds
from lean_ops.maintenance.shadows import RebuildNeeds
from lean_ops.ports.interfaces import ALL_TOPICS, Checkpoints, Item, Operations
from lean_ops.raw import snapshot_range
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

_CURATED = "curated"
_RAW = "raw"


@dataclass(frozen=True, kw_only=True)
class TopicState:
    """What the registry says of a topic. epoch: that of its writers. is_held: whether its tables are to be
    left alone."""

    topic: str
    epoch: int
    is_held: bool


def topic_states(registry: Iterable[Item], now: datetime) -> dict[str, TopicState]:
    """Topics by the names of their tables. now: an aware time.

    A topic is left out where another one owns the table of that name.
    """
    listed = list(registry)
    holds, owners = held_topics.holds_of(listed, now), owners_of(listed)
    found = {}
    for topic in sorted(str(item["topic_name"]) for item in listed):
        if names.is_topic(topic) and owners.get(names.table_name(topic), topic) == topic:
            found[names.table_name(topic)] = TopicState(
                topic=topic, epoch=holds.epoch(topic), is_held=topic in holds.held
            )
    return found


def raw_snapshots_taken(tables: Tables, checkpoints: Checkpoints) -> list[str]:
    """The snapshots of RAW up to which it was read: by cycle_delta's last commit, and by the mirror. They
    differ when a run died between the two. Empty when nothing was read."""
    delta = tables.name("ops", cycle_delta.TABLE)
    taken = snapshot_range.last_taken(tables, delta, checkpoints)
    mirror = checkpoints.get(ALL_TOPICS, _RAW) or {}
    found = [taken.snapshot_id if taken else None, mirror.get("snapshot_id")]
    return sorted({str(one) for one in found if one})


def oldest_running(operations: Operations) -> datetime | None:
    """When the oldest operation was requested that has not ended; None when all have. One that failed has
    not, as it may be resumed.

    Raises OperationError for an item that is no operation.
    """
    found = (read_operation(item) for item in operations.all())
    begun = [datetime.fromisoformat(one.requested_at) for one in found if one and not one.is_ended]
    return min(begun, default=None)


def delta_needs(checkpoints: Checkpoints, registry: Iterable[Item]) -> DeltaNeeds:
    """Who still needs cycles of cycle_delta.

    Topics with a schema count also while they are held. One without new rows keeps the checkpoint of its last
    ones; Curated's watermark says up to where there was nothing for it. A topic that Curated skips, since its
    schema is gone, goes on from its own checkpoint when the schema comes back; without one, all of its rows
    in Standardized are validated then, and it needs no cycles.
    """
    run, curated = (checkpoints.get(ALL_TOPICS, name) or {} for name in (_RAW, _CURATED))
    enabled = sorted(
        str(item["topic_name"])
        for item in registry
        if item.get("processing_enabled") is True and names.is_topic(str(item["topic_name"]))
    )
    items = checkpoints.of_topics(enabled, _CURATED)
    through = {topic: _text(items.get(topic, {}).get("delta_through")) for topic in enabled}
    known = {topic: cycle for topic, cycle in through.items() if cycle is not None}
    # A note of Curated names a cycle up to which the topic had taken all when it was held.
    looked = _held(curated)
    skipped = set(left_behind.skipped_in(curated))
    counted = {topic: cycle for topic, cycle in known.items() if topic not in skipped}
    watermark = stored_watermark(curated, counted) or ""
    for topic, cycle in known.items():
        through[topic] = max(cycle, looked.get(topic, watermark if topic in counted else ""))
    through = {topic: one for topic, one in through.items() if one is not None or topic not in skipped}
    return DeltaNeeds(
        complete_through=_text(run.get("complete_through")),
        held=_held(run),
        curated_through=through,
        skipped=skipped,
    )


def with_moved_tables(needs: DeltaNeeds, tables: Tables, checkpoints: Checkpoints) -> DeltaNeeds:
    """Adds what the tables of held topics lack that somebody has moved back during the hold. The release
    takes that again, from the cycle that the table has reached."""
    listed = tables.listed("standardized")
    own = {topic: names.table_name(topic) for topic in needs.held}
    mirrors = checkpoints.of_topics(sorted(own), "standardized") if own else {}
    held = dict(needs.held)
    for topic, table in own.items():
        if table in listed:
            loaded = TopicTable(tables.spark, tables.name("standardized", table))
            position = position_of(loaded, mirrors.get(topic))
            if position.is_moved_back:
                held[topic] = min(held[topic], position.reached or "")
    return replace(needs, held=held)


def with_rebuilds(needs: DeltaNeeds, rebuilds: RebuildNeeds) -> DeltaNeeds:
    """Adds the cycles that rebuilds still take, which are under way."""
    held = dict(needs.held)
    for topic, after in rebuilds.delta_after.items():
        held[topic] = min(after, held.get(topic, after))
    return replace(needs, held=held)


def _held(run: Item) -> dict[str, str]:
    """Topic to the cycle in its note. Raises HeldNotesError: to pass over one could drop what its topic has
    not taken."""
    return {topic: note.cycle_id for topic, note in held_topics.notes_of(run).items()}


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
