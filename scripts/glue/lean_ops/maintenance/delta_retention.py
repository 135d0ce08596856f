"""Decides which cycles cycle_delta drops: those that every topic has taken, and that nobody rewinds to."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lean_ops.bookkeeping.cycle_times import planned_at


@dataclass(frozen=True, kw_only=True)
class DeltaNeeds:
    """Who still needs cycles of cycle_delta.

    complete_through: the last cycle that all topics have taken in Standardized; None when there is none.
    held: topic to the first cycle that it has not taken, of topics that are held or were until lately.
    curated_through: topic to the last cycle that its Curated table has taken; None for a topic whose
    checkpoint is not known. All topics with a schema are in it, also those that are held.
    skipped: those of them of which Curated finds no active schema.
    """

    complete_through: str | None
    held: Mapping[str, str] = field(default_factory=dict)
    curated_through: Mapping[str, str | None] = field(default_factory=dict)
    skipped: Collection[str] = ()


@dataclass(frozen=True, kw_only=True)
class Retention:
    """The cycles to drop, oldest first, and in words what keeps the next one. overdue: those that stay
    although they are older than cycles are kept, oldest first."""

    dropped: tuple[str, ...]
    kept_by: str
    overdue: tuple[str, ...] = ()


def cycles_to_drop(cycles: Iterable[str], needs: DeltaNeeds, *, now: datetime, kept_days: int) -> Retention:
    """cycles: those that cycle_delta has. now: an aware time. kept_days: cycles stay for so many days after
    they were planned.

    The newest cycle always stays: rows of RAW that were not taken are found by comparison with it when RAW's
    snapshots are gone.
    """
    present = sorted(set(cycles))
    oldest = now - timedelta(days=kept_days)
    dropped: list[str] = []
    for cycle in present[:-1]:
        why = _kept_by(cycle, needs, oldest)
        if why is not None:
            rest = present[len(dropped) : -1]
            overdue = tuple(one for one in rest if not _is_within_window(one, oldest))
            return Retention(dropped=tuple(dropped), kept_by=why, overdue=overdue)
        dropped.append(cycle)
    return Retention(dropped=tuple(dropped), kept_by="the newest cycle stays")


def _kept_by(cycle: str, needs: DeltaNeeds, oldest: datetime) -> str | None:
    planned = planned_at(cycle)
    if planned is None:
        return f"the cycle {cycle} has an id that does not tell its time"
    if planned >= oldest:
        return "the rewind window"
    if needs.complete_through is None or cycle > needs.complete_through:
        return "topics that Standardized has left behind"
    for topic, first in sorted(needs.held.items()):
        if cycle >= first:
            return f"the topic {topic}, which is held"
    for topic, through in sorted(needs.curated_through.items()):
        if through is None or cycle > through:
            why = "Curated skips, as it has no active schema" if topic in needs.skipped else _NOT_TAKEN
            return f"the topic {topic}, which {why}"
    return None


_NOT_TAKEN = "Curated has not taken further"


def _is_within_window(cycle: str, oldest: datetime) -> bool:
    """Also false of a cycle whose id does not tell: it would stay for ever, and all later ones with it."""
    planned = planned_at(cycle)
    return planned is not None and planned >= oldest
