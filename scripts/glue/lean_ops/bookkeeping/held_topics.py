"""Held topics: whose tables a run leaves alone, from where they are taken on once they are released, and the
epoch by which a run may write.

A hold is an attribute of the topic's item in the registry, which a run reads once, as it begins. RAW goes to
cycle_delta for held topics as well. What a run leaves there is noted in the item about the whole run, so that
the run after the release reads those cycles again, for those topics alone.
docs/decisions/0040-held-topics.md has the reasons.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from lean_ops.bookkeeping.cycle_times import iso_text, planned_at
from lean_ops.columns import names
from lean_ops.errors import LeanOpsError
from lean_ops.ports.interfaces import Item

PAUSED = ("MAINTENANCE", "REBUILDING")
"""The statuses of a topic's registry item while people work on its tables: no job touches them then."""
HELD = "held"
"""The attribute of the item about a whole run."""
MAX_HELD = 500
"""The most topics that the item names, which has at most 400 KB and names topics in trouble as well."""
DELTA_GONE = "DELTA_GONE"
LEFT_ALONE = "LEFT_ALONE"
"""Why Curated leaves a topic alone that Standardized has left alone in the same cycle."""
_EPOCH = "epoch"
_GAP_ACCEPTED = "gap_accepted"
_LOGGED_TOPICS = 20


class HeldNotesError(LeanOpsError):
    """The notes of held topics cannot be read, so nobody knows from where they are to be taken on."""


@dataclass(frozen=True)
class Holds:
    """What the registry says of topics as a run begins.

    held: topic to why its tables are left alone. epochs: topic to its epoch, where it is not 0. A commit of
    the run to the topic's tables is refused once the tables have a later one. gaps_accepted: topic to the
    operation by which people have accepted that rows are missing in its Standardized table.
    """

    held: Mapping[str, str] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)
    gaps_accepted: Mapping[str, str] = field(default_factory=dict)

    def epoch(self, topic: str) -> int:
        return self.epochs.get(topic, 0)

    def accepts_gap(self, topic: str, cycle_id: str) -> bool:
        """Whether people have accepted that a topic goes on without the rows of a cycle that is gone. An
        operation is about the cycles before it, and the ids of both begin with their times."""
        return cycle_id < self.gaps_accepted.get(topic, "")


def holds_of(registry: Iterable[Item], now: datetime) -> Holds:
    """Reads the items of the registry. now: an aware time."""
    held: dict[str, str] = {}
    epochs: dict[str, int] = {}
    accepted: dict[str, str] = {}
    for item in registry:
        topic = str(item["topic_name"])
        if not names.is_topic(topic):
            continue
        why = _why_held(item, now)
        if why is not None:
            held[topic] = why
        if epoch := epoch_of(item):
            epochs[topic] = epoch
        if operation_id := item.get(_GAP_ACCEPTED):
            accepted[topic] = str(operation_id)
    return Holds(held, epochs, accepted)


def with_left_behind(holds: Holds, below: Item | None) -> Holds:
    """Returns the holds of a run with the topics that the run of the layer below has left alone.

    A topic may have been released between the two. The layer above would find cycles that the one below has
    not taken. below: the item about that run. Raises HeldNotesError.
    """
    left = {topic: LEFT_ALONE for topic in notes_of(below) if topic not in holds.held}
    return replace(holds, held={**holds.held, **left})


def epoch_of(item: Item) -> int:
    """Returns the epoch of a topic by its item; 0 where it was never held."""
    return _whole(item.get(_EPOCH)) or 0


def _why_held(item: Item, now: datetime) -> str | None:
    if item.get("status") in PAUSED:
        return str(item["status"])
    # schema-validator alters the topic's tables just now. A hold past its time is of one that died.
    ddl = item.get("ddl")
    expires_at = _whole(ddl.get("expires_at")) if isinstance(ddl, Mapping) else None
    return "DDL" if expires_at is not None and expires_at > now.timestamp() else None


@dataclass(frozen=True)
class Note:
    """What a run notes of a topic whose tables it left alone, or that is stuck until somebody decides.

    cycle_id: the first cycle that the topic has not taken. since: when its first event came into RAW, as far
    as that is known, as text in ISO 8601.
    """

    cycle_id: str
    since: str


def notes_of(run: Item | None) -> dict[str, Note]:
    """Returns topic to the note that the item about a run has of it.

    Raises HeldNotesError for what is no note: to pass over one would leave a hole in the topic's table.
    """
    notes = (run or {}).get(HELD) or []
    try:
        return {
            str(one["topic_name"]): Note(str(one["cycle_id"]), str(one.get("since", ""))) for one in notes
        }
    except (TypeError, KeyError, AttributeError) as error:
        raise HeldNotesError(
            f"the attribute `{HELD}` of the item about the last run, in the checkpoint table, has another "
            "form than the job gives it, and says from which cycle on held topics are to be taken. Nothing "
            "was written: give it the form again that docs/data-contracts.md names"
        ) from error


def released(notes: Mapping[str, Note], holds: Holds) -> dict[str, str]:
    """Returns the noted topics that are not held, or not any more, each with the first cycle that it has not
    taken."""
    return {topic: note.cycle_id for topic, note in notes.items() if topic not in holds.held}


def next_notes(
    before: Mapping[str, Note],
    holds: Holds,
    left: Mapping[str, str],
    failed: Iterable[str],
    arrivals: Mapping[tuple[str, str], datetime],
) -> dict[str, Note]:
    """Returns the notes after a run.

    before: those that the run found. left: topic to the first cycle that the run left alone, because the
    topic is held or stuck. failed: the topics that the run left behind for another reason, or as stuck.
    arrivals: (topic, cycle) to when its first event arrived.

    A topic that is still held keeps its note, as does a released one that failed: it has not taken all yet.
    """
    undone = {*holds.held, *failed}
    kept = {topic: note for topic, note in before.items() if topic in undone}
    new = {
        topic: Note(cycle_id, iso_text(arrivals.get((topic, cycle_id)) or planned_at(cycle_id)))
        for topic, cycle_id in left.items()
    }
    return {**new, **kept}


def item_of(notes: Mapping[str, Note]) -> list[dict[str, Any]]:
    """Returns the notes as the item about a run has them, the oldest first."""
    in_order = sorted(notes.items(), key=lambda one: (one[1].cycle_id, one[0]))[:MAX_HELD]
    return [{"topic_name": topic, "cycle_id": note.cycle_id, "since": note.since} for topic, note in in_order]


def log_holds(log: Callable[..., None], layer: str, holds: Holds, released_topics: Mapping[str, str]) -> None:
    """Logs which topics a run leaves alone, and one line for each that it takes on after a hold, or after
    somebody has decided what becomes of it."""
    if holds.held:
        first = dict(sorted(holds.held.items())[:_LOGGED_TOPICS])
        log("topics held", layer=layer, topics=len(holds.held), first_topics=first)
    for topic, cycle_id in sorted(released_topics.items()):
        log("topic released", topic_name=topic, layer=layer, from_cycle_id=cycle_id)


def _whole(value: object) -> int | None:
    """A number of DynamoDB, which boto3 gives as Decimal."""
    return int(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
