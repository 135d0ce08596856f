"""Merges versions in plain Python, for topics whose batch fits into one task.

It does what total_order.py and merge_spark.py do for DataFrames; tests/glue/versions/test_versions.py holds
the two equal. merge_arrow.py applies it to Arrow tables.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lean_ops.errors import LeanOpsError

Head = tuple[float, bool, str, float]
"""The part of the order that every table keeps, as a value that compares: see total_order.head."""
Tail = tuple[bool, str, float, float]
"""The part of the order that decides between versions with the same head: see total_order.tail."""

_SMALLEST = float("-inf")
"""Stands for null, which is the smallest value."""


class Stamp(NamedTuple):
    """The values of a version that decide between it and others.

    Times are microseconds since 1970 (UTC), or None where there is none.
    """

    key: str
    message_id: str | None
    produced_at: int | None
    ingested_at: int | None
    payload_sha256: str | None = None
    received_at: int | None = None
    event_time: int | None = None

    @property
    def head(self) -> Head:
        """produced_at, message_id and the earlier ingested_at.

        Python compares text by code points, which gives the same order as UTF-8 bytes.
        """
        message = self.message_id
        return (_number(self.produced_at), message is not None, message or "", _earlier(self.ingested_at))

    @property
    def tail(self) -> Tail:
        """payload_sha256, the earlier received_at and event_time."""
        digest = self.payload_sha256
        event = _number(self.event_time)
        return (digest is not None, digest or "", _earlier(self.received_at), event)


def _number(micros: int | None) -> float:
    return _SMALLEST if micros is None else micros


def _earlier(micros: int | None) -> float:
    """A number that is greater for an earlier time."""
    return _SMALLEST if micros is None else -micros


class RowPosition(NamedTuple):
    """The position of a row in the files of a table.

    file: the index of its file in the topic's list. position: its index in the file.
    """

    file: int
    position: int


@dataclass
class ExistingRow:
    """The row that a table has of a key.

    cycle_id: the cycle that the row came in. positions: where the row is. A table may have the key twice:
    then positions has both rows, and the rest is that of the greater one.
    """

    message_id: str | None
    head: Head
    cycle_id: str | None
    positions: list[RowPosition] = field(default_factory=list)


class UnsettledTiesError(LeanOpsError):
    """Versions have the same head as existing rows, and the tails of these have not been looked up.

    cycles: the cycles of these existing rows, whose rows in cycle_delta settle the ties.
    """

    def __init__(self, cycles: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(cycles)))
        self.cycles = cycles


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Which versions are written, and what becomes of all.

    winners: the indices of the versions to write. replaced: the existing rows that they replace. The counts
    are those of merge_spark.MergeCounts: `versions = inserted + duplicates + superseded`.
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
"""By key, cycle_id and head: the greatest tail that cycle_delta has of them."""


def tails_of(stamps: Iterable[tuple[Stamp, str | None]]) -> dict[tuple[str, str | None, Head], Tail]:
    """The tails of stamps, each of which comes with the cycle of its row."""
    found: dict[tuple[str, str | None, Head], Tail] = {}
    for stamp, cycle_id in stamps:
        about = (stamp.key, cycle_id, stamp.head)
        found[about] = max(found.get(about, stamp.tail), stamp.tail)
    return found


def decide(
    stamps: Sequence[Stamp],
    existing: Mapping[str, ExistingRow],
    tails: Tails | None,
    *,
    replace_same: bool = False,
) -> Decision:
    """Compares the greatest version of each key with the existing row.

    tails: None when they have not been looked up; a tie then raises UnsettledTiesError. An existing row whose
    cycle is gone from cycle_delta stays. replace_same: the version that is there is written again, as when a
    new schema reads it anew.
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
        row = existing.get(key)
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
            replaced.extend(row.positions)
    if tied:
        raise UnsettledTiesError(frozenset(tied))
    return Decision(
        winners=winners,
        replaced=replaced,
        versions=len(stamps),
        inserted=inserted,
        updated=len(winners) - inserted,
        duplicates=len(stamps) - len(messages) + seen,
    )


def _rank(stamp: Stamp) -> tuple[Head, Tail]:
    return stamp.head, stamp.tail


def _replaces(stamp: Stamp, row: ExistingRow, tails: Tails, replace_same: bool) -> bool:
    """Whether a version takes the place of an existing row."""
    head = stamp.head
    if head != row.head:
        return head > row.head
    if replace_same:
        return True
    known = tails.get((stamp.key, row.cycle_id, head))
    return known is not None and stamp.tail > known
