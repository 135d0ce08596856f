"""Proposals to take a topic back to the cycle before a bad one, which a run notes in its item of the mirror.

A cycle of a topic is bad when its table and the ledger disagree, or when Curated rejects more of its messages
for the first time than a bound allows. The run changes nothing by itself. cycle-planner counts what is
proposed and can hold the topic, and `lean-ops status` shows it. Both read the notes by
packages/common/src/core/operations/proposals.ts.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from lean_ops.bookkeeping.cycle_times import iso_text
from lean_ops.bookkeeping.ledger import Entry
from lean_ops.bookkeeping.run_outcome import RunOutcome
from lean_ops.ports.interfaces import Item

PROPOSALS = "proposals"
MAX_PROPOSALS = 100
"""The most topics that an item has proposals for. A bad deployment can make every topic's cycle bad at once;
the item has at most 400 KB and other notes as well."""
MIN_REJECTED = 20
"""A cycle with fewer messages that are rejected for the first time is not bad for them: of three messages,
one is a third."""
_FOR = timedelta(days=1)
"""How long a proposal is kept. A topic that is bad for longer is proposed anew."""
_MAX_WHY = 200


def next_proposals(
    outcome: RunOutcome,
    before: Item | None,
    mirrors: Mapping[str, Item],
    *,
    rejected_percent: int,
    now: datetime,
    log: Callable[..., None],
) -> dict[str, list[dict[str, Any]]]:
    """Returns the attribute of the item, and logs what is proposed for the first time.

    before: the item of the run before. A proposal that it has stays as it is while it is kept, since the
    first bad cycle says where to go back to. mirrors: topic to its item in the layer before the run, which
    names the last cycle that the table had taken. Nothing is proposed for a topic without one.
    rejected_percent: more than this share of a cycle's messages makes it bad; 0: no share does.
    """
    oldest = iso_text(now - _FOR)
    notes = {note["topic_name"]: note for note in _notes_of(before) if note["since"] >= oldest}
    for entry in outcome.entries:
        why = why_bad(entry, rejected_percent)
        to = (mirrors.get(entry.topic) or {}).get("cycle_id")
        if why is None or not isinstance(to, str) or to >= entry.cycle_id or entry.topic in notes:
            continue
        notes[entry.topic] = {
            "topic_name": entry.topic,
            "since": iso_text(now),
            "cycle_id": entry.cycle_id,
            "to_cycle": to,
            "error": why[:_MAX_WHY],
        }
        log(
            "rewind proposed",
            level="WARN",
            topic_name=entry.topic,
            layer=entry.layer,
            bad_cycle=entry.cycle_id,
            to_cycle=to,
            reason=why,
            command=f"lean-ops topic rewind {entry.topic} --to {to}",
        )
    newest_first = sorted(notes.values(), key=lambda note: (note["since"], note["topic_name"]), reverse=True)
    return {PROPOSALS: newest_first[:MAX_PROPOSALS]}


def why_bad(entry: Entry, rejected_percent: int) -> str | None:
    """Returns why a topic's cycle is bad; None for one that is not, or that the topic has not taken."""
    if entry.error is not None:
        return None
    if entry.imbalance is not None:
        return entry.imbalance
    rejected, taken = entry.counts.get("rejected", 0), entry.counts.get("records_in", 0)
    if rejected_percent and rejected >= MIN_REJECTED and rejected * 100 > rejected_percent * taken:
        return (
            f"{rejected} of {taken} messages were rejected, and more than {rejected_percent} % are too many"
        )
    return None


def _notes_of(before: Item | None) -> list[dict[str, Any]]:
    """Returns the notes of the run before. What is no note is left out, as somebody may have edited the
    item."""
    notes = (before or {}).get(PROPOSALS)
    names = ("topic_name", "since", "cycle_id", "to_cycle", "error")
    return [
        note
        for note in (notes if isinstance(notes, list) else [])
        if isinstance(note, dict) and all(isinstance(note.get(name), str) for name in names)
    ]
