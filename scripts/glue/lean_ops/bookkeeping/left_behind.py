"""What the mirror's item about a whole run says of topics in trouble: those that the run left behind, those
that were found unbalanced lately, and those that it skipped as they lack a schema, which maintenance asks.

cycle-planner makes the metric of freshness of it, and `lean-ops status` a report. Both read it by
packages/common/src/core/warehouse/freshness.ts.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from lean_ops.bookkeeping.cycle_times import iso_text, planned_at
from lean_ops.bookkeeping.run_outcome import RunOutcome
from lean_ops.ports.interfaces import Item

BEHIND = "behind"
UNBALANCED = "unbalanced"
SKIPPED = "skipped"
MAX_BEHIND = 700
MAX_UNBALANCED = 100
"""The most topics of each kind. Both kinds stand in one item beside the held topics, and it has at most 400
KB. Many topics are left behind at once when a right is missing; hardly ever are many found unbalanced."""
MAX_SKIPPED = 200
"""The most topics that are named as skipped. Cycles are kept for those that are not."""
_UNBALANCED_FOR = timedelta(days=1)
"""A topic is found unbalanced once, so it is kept in the item for as long as people should see it."""
_FEW = 300
_ERROR_BYTES = {True: 200, False: 80}
"""How much of an error is kept, by whether there are few topics."""


def items_of(
    outcome: RunOutcome,
    before: Item | None,
    arrivals: Mapping[tuple[str, str], datetime],
    *,
    cycle_id: str,
    now: datetime,
) -> Item:
    """Returns the attributes of the item.

    before: the item of the run before. A topic that it names keeps its time, since its oldest event still
    waits.
    arrivals: (topic, cycle) to when the first event of the cycle arrived. Where it is not known, the time at
    which the cycle was planned counts; the event arrived before, in the time since the last cycle.
    cycle_id: that of the run.
    """
    known = {note["topic_name"]: note for note in _notes_of(before, BEHIND)}
    cycles = {entry.topic: entry.cycle_id for entry in outcome.entries}
    behind = []
    for topic, why in outcome.failed.items():
        of_cycle = cycles.get(topic, cycle_id)
        arrived = arrivals.get((topic, of_cycle)) or planned_at(of_cycle) or now
        first = known.get(topic, {"since": iso_text(arrived), "cycle_id": of_cycle})
        behind.append(_note(topic, first["since"], first["cycle_id"], why))
    oldest = iso_text(now - _UNBALANCED_FOR)
    unbalanced = {
        note["topic_name"]: note for note in _notes_of(before, UNBALANCED) if note["since"] >= oldest
    }
    for topic, why in outcome.unbalanced.items():
        unbalanced[topic] = _note(topic, iso_text(now), cycles.get(topic, cycle_id), why)
    newest_first = sorted(unbalanced.values(), key=lambda note: note["since"], reverse=True)
    return {
        BEHIND: _bounded(sorted(behind, key=lambda note: (note["since"], note["topic_name"])), MAX_BEHIND),
        UNBALANCED: _bounded(newest_first, MAX_UNBALANCED),
    }


def skipped_of(outcome: RunOutcome) -> list[str]:
    """Returns the topics that the run has skipped, as its item names them."""
    return sorted(outcome.skipped)[:MAX_SKIPPED]


def skipped_in(before: Item | None) -> list[str]:
    """Returns the topics that the run before has skipped, as far as its item names them."""
    named = (before or {}).get(SKIPPED)
    return [str(topic) for topic in named] if isinstance(named, list) else []


def _notes_of(before: Item | None, kind: str) -> list[dict[str, str]]:
    """Returns the notes of the run before. What is no note is left out: a run that has done its work must not
    fail because somebody edited the item or another version wrote it."""
    notes = (before or {}).get(kind)
    return [note for note in notes if _is_note(note)] if isinstance(notes, list) else []


def _is_note(note: object) -> bool:
    return isinstance(note, dict) and all(
        isinstance(note.get(name), str) for name in ("topic_name", "since", "cycle_id", "error")
    )


def _note(topic: str, since: str, cycle_id: str, error: str) -> dict[str, str]:
    return {"topic_name": topic, "since": since, "cycle_id": cycle_id, "error": error}


def _bounded(notes: Iterable[dict[str, str]], most: int) -> list[dict[str, Any]]:
    kept = list(notes)[:most]
    size = _ERROR_BYTES[len(kept) <= _FEW]
    return [{**note, "error": _shortened(note["error"], size)} for note in kept]


def _shortened(text: str, size: int) -> str:
    encoded = text.encode()
    return text if len(encoded) <= size else encoded[: size - 3].decode(errors="ignore") + "…"
