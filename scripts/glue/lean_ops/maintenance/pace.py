"""Decides how the steps of maintenance share a run's time, which tables a step takes first, and when it no
longer keeps up.

A run ends by its budget, and often with work left. So each step has a share that no step before it can use
up, and begins where the last run had to stop: whatever is left, is left by turns. What a step has to remember
for that is small, and lies beside the checkpoints. Without it, a step begins anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from lean_ops.ports.interfaces import Item

DROPS = "days and cycles dropped"
EXPIRY = "snapshots expired"
VERSIONS = "versions deleted"
OPS_FILES = "ops tables rewritten"
TOPIC_FILES = "topic tables rewritten"
RAW_FILES = "days of RAW compacted"
ORPHANS = "orphans found"

SHARES: Mapping[str, int] = {
    DROPS: 5,
    EXPIRY: 35,
    VERSIONS: 10,
    OPS_FILES: 5,
    TOPIC_FILES: 15,
    RAW_FILES: 15,
    ORPHANS: 15,
}
"""The steps in their order, each with its percentage of the time. What a step does not use, those after it
have, and what one that cannot be stopped uses beyond its share, they all lack."""

BEHIND_AFTER = timedelta(days=7)
"""After so long without getting on, what a step leaves to the next run is reported as trouble. A lake that
was never maintained takes some days, and gets on in each of them."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a step came to in a run.

    after: the last table that had its turn; None where none had. done: how many tables, or days of RAW, had
    theirs. waiting: how many are left to the next run, for lack of time.
    """

    after: str | None = None
    done: int = 0
    waiting: int = 0


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How a step has kept up so far, as the next run finds it.

    at: when it last ran; None before that. since: since when it has not got on; None where nothing waits.
    left: how many of those that waited then still do. fewest: how many waited then.
    """

    at: datetime | None = None
    after: str | None = None
    waiting: int = 0
    since: datetime | None = None
    left: int = 0
    fewest: int = 0


def end_of(step: str, begins_at: float, ends_at: float) -> float:
    """When a step has to stop beginning with tables: after its share of the time that is left, beside those
    of the steps to come.

    begins_at: when it begins. ends_at: when the budget of the run is used up. All are seconds of one clock.
    """
    steps = list(SHARES)
    to_come = sum(SHARES[one] for one in steps[steps.index(step) :])
    return begins_at + max(0.0, ends_at - begins_at) * SHARES[step] / to_come


def by_turns(labels: Iterable[str], after: str | None) -> list[str]:
    """The tables in the order in which they have their turn: that one first which waits longest.

    after: the one that had its turn last, which may be gone. A new one gets in at its place.
    """
    ordered = sorted(labels)
    return [one for one in ordered if after is None or one > after] + [
        one for one in ordered if after is not None and one <= after
    ]


def due(tables: int, every: timedelta, pace: Pace, now: datetime) -> int:
    """How many tables have to have their turn now, so that each of them has one in such a time, however often
    maintenance runs. Those that had no time in the last run are due as well."""
    passed = timedelta(days=1) if pace.at is None else max(timedelta(0), now - pace.at)
    share = -(-tables * passed // every)
    return min(tables, pace.waiting + share)


def next_pace(before: Pace, turn: Turn, now: datetime) -> Pace:
    """The pace after a run. A step gets on when all that waited had their turn, or fewer wait than ever since
    then: that many tables are taken by turns over several runs is no delay."""
    known = Pace(at=now, after=turn.after or before.after, waiting=turn.waiting)
    if not turn.waiting:
        return known
    gets_on = before.since is None or turn.done >= before.left or turn.waiting < before.fewest
    return Pace(
        at=known.at,
        after=known.after,
        waiting=known.waiting,
        since=now if gets_on else before.since,
        left=turn.waiting if gets_on else before.left - turn.done,
        fewest=turn.waiting if gets_on else before.fewest,
    )


def behind(paces: Mapping[str, Pace], now: datetime) -> dict[str, Pace]:
    """The steps that have not got on for too long."""
    return {
        step: pace
        for step, pace in paces.items()
        if pace.since is not None and now - pace.since >= BEHIND_AFTER
    }


def item_of(paces: Mapping[str, Pace]) -> Item:
    """The attributes to store."""
    return {
        "steps": {
            step: {name: _stored(value) for name, value in vars(pace).items() if value is not None}
            for step, pace in paces.items()
        }
    }


def paces_of(item: Item | None) -> dict[str, Pace]:
    """The paces of the steps, by what was stored. What another version of the library has stored besides is
    passed over."""
    stored: Mapping[str, Mapping[str, Any]] = (item or {}).get("steps") or {}
    known = [one.name for one in fields(Pace)]
    return {
        step: Pace(**{name: _read(name, pace[name]) for name in known if name in pace})
        for step, pace in stored.items()
        if step in SHARES
    }


def _stored(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _read(name: str, value: Any) -> Any:
    if name in ("at", "since"):
        return datetime.fromisoformat(value)
    return value if name == "after" else int(value)
