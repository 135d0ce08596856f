"""FIFO and LIFO for one topic in plain Python: what `order` and `merge` are for DataFrames, for topics whose
batch fits into one task. A test holds the two equal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lean_ops.errors import LeanOpsError

Head = tuple[float, bool, str, float]
Tail = tuple[bool, str, float, float]

_LEAST = float("-inf")
"""Null is the smallest."""


class Stamp(NamedTuple):
    """What decides between versions. Times are microseconds since 1970 (UTC), None where there is none."""

    key: str
    message_id: str | None
    produced_at: int | None
    ingested_at: int | None
    payload_sha256: str | None = None
    received_at: int | None = None
    event_time: int | None = None

    @property
    def head(self) -> Head:
        """produced_at, message_id, earlier ingested_at: see order.head. Text compares as its UTF-8 bytes do:
        by code points."""
        message = self.message_id
        return (_number(self.produced_at), message is not None, message or "", _earlier(self.ingested_at))

    @property
    def tail(self) -> Tail:
        digest = self.payload_sha256
        event = _number(self.event_time)
        return (digest is not None, digest or "", _earlier(self.received_at), event)


def _number(micros: int | None) -> float:
    return _LEAST if micros is None else micros


def _earlier(micros: int | None) -> float:
    return _LEAST if micros is None else -micros


class RowPosition(NamedTuple):
    """A row in a data file. file: index into the topic's files. position: from 0."""

    file: int
    position: int


@dataclass
class ExistingRow:
    """The table's row of a key. places: where it is; more than one in a table that holds the key twice, of
    which the greatest counts."""

    message_id: str | None
    head: Head
    cycle_id: str | None
    places: list[RowPosition] = field(default_factory=list)


class UnsettledTiesError(LeanOpsError):
    """Versions have the same head as the table's rows. cycles: those of the table's rows, whose rows of
    cycle_delta have to settle it."""

    def __init__(self, cycles: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(cycles)))
        self.cycles = cycles


@dataclass(frozen=True)
class Decision:
    """winners: indexes of the versions to write. replaced: rows of the table that make room for them.

    Counts as in merge.MergeCounts: `versions = inserted + duplicates + superseded`.
    """

    winners: Sequence[int]
    replaced: Sequence[RowPosition]
    versions: int
    inserted: int
    updated: int
    duplicates: int

    @property
    def superseded(self) -> int:
        return self.versions - self.inserted - self.duplicates

    @property
    def written(self) -> int:
        return self.inserted + self.updated


Tails = Mapping[tuple[str, str | None, Head], Tail]
"""(key, cycle_id, head) to the greatest tail that cycle_delta knows of it."""


def tails_of(stamps: Iterable[tuple[Stamp, str | None]]) -> dict[tuple[str, str | None, Head], Tail]:
    """stamps: with the cycle that each came in."""
    found: dict[tuple[str, str | None, Head], Tail] = {}
    for stamp, cycle_id in stamps:
        about = (stamp.key, cycle_id, stamp.head)
        found[about] = max(found.get(about, stamp.tail), stamp.tail)
    return found


def decide(
    stamps: Sequence[Stamp], held: Mapping[str, ExistingRow], tails: Tails | None, replace_same: bool = False
) -> Decision:
    """The latest version of each key against what the table holds.

    tails: None where they were not looked for; then ties raise UnsettledTiesError. A row whose cycle
    is gone from there stays. replace_same: the version that is there is written again (a new
    schema reads it anew).
    """
    best: dict[str, int] = {}
    messages: set[tuple[str, str | None]] = set()
    for index, stamp in enumerate(stamps):
        messages.add((stamp.key, stamp.message_id))
        first = best.setdefault(stamp.key, index)
        if first != index and _rank(stamp) > _rank(stamps[first]):
            best[stamp.key] = index
    winners: list[int] = []
    replaced: list[RowPosition] = []
    tied: set[str] = set()
    inserted = seen = 0
    for key, index in best.items():
        row = held.get(key)
        if row is None:
            inserted += 1
            winners.append(index)
            continue
        seen += row.message_id is not None and (key, row.message_id) in messages
        stamp = stamps[index]
        if tails is None and not replace_same and stamp.head == row.head and row.cycle_id is not None:
            tied.add(row.cycle_id)
        elif _replaces(stamp, row, tails or {}, replace_same):
            winners.append(index)
            replaced.extend(row.places)
    if tied:
        raise UnsettledTiesError(frozenset(tied))
    updated = len(winners) - inserted
    return Decision(winners, replaced, len(stamps), inserted, updated, len(stamps) - len(messages) + seen)


def _rank(stamp: Stamp) -> tuple[Head, Tail]:
    return stamp.head, stamp.tail


def _replaces(stamp: Stamp, row: ExistingRow, tails: Tails, replace_same: bool) -> bool:
    head = stamp.head
    if head != row.head:
        return head > row.head
    if replace_same:
        return True
    known = tails.get((stamp.key, row.cycle_id, head))
    return known is not None and stamp.tail > known
