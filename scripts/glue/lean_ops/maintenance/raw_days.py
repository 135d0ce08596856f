"""Decides which days of RAW are compacted, and which days are dropped.

Firehose leaves a file with each commit, and each of them has all topics. Sorted by topic, few files of a day
have one topic, so that whoever reads one topic back skips the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

TARGET_BYTES = 64 << 20
"""About the size of a compacted file."""
MAX_GROUP_BYTES = 2 << 30
"""How many bytes are sorted together, which the smallest workers can. Of a day with more, each part is sorted
by itself."""
LATE = timedelta(hours=3)
"""A day is compacted once it has been over for so long, as Firehose delivers its last rows after midnight."""
_FULL_BYTES = TARGET_BYTES // 4
"""A file of this size with one topic alone is as a sorted day has it. Sorted rows take less room than they
did, so a file may be smaller than it was meant to be."""
_BOUND_LENGTH = 16
"""How many characters of a text Iceberg keeps as a bound, unless a table says otherwise:
https://iceberg.apache.org/docs/latest/configuration/#write-properties."""
MIN_DEPTH = 5
"""A day with fewer files to read for one topic is left as it is."""


@dataclass(frozen=True, kw_only=True)
class RawFile:
    """A data file of RAW.

    first, last: the bounds of its topics, as the manifest has them; None where it does not say.
    sequence: the sequence number of the commit that brought its rows.
    """

    path: str
    day: date
    size: int
    sequence: int
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, kw_only=True)
class RawDay:
    """A day of RAW and its files, all of which were taken. depth: how many files have to be read for one
    topic, of the worst topic, beside those that sorting would leave to it."""

    day: date
    files: Sequence[RawFile]
    depth: int

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def depth_of(files: Iterable[RawFile]) -> int:
    """The largest number of files that may all have one topic, and need not.

    A file whose bounds are not known may have any topic. A large file with one topic alone does not count: of
    a topic with many events, all files have to be read however they are sorted.
    """
    everywhere, edges = 0, []
    for file in files:
        if file.first is None or file.last is None:
            everywhere += 1
        elif file.size < _FULL_BYTES or not _has_one_topic(file.first, file.last):
            edges += [(file.first, 0), (file.last, 1)]
    depth = deepest = 0
    # Where one file ends with the topic with which another begins, both have it: beginnings come first.
    for _, ends in sorted(edges):
        depth += -1 if ends else 1
        deepest = max(deepest, depth)
    return deepest + everywhere


def days_to_compact(files: Iterable[RawFile], *, now: datetime, taken_sequence: int | None) -> list[RawDay]:
    """The days that are worth it, those first for which most files have to be read.

    taken_sequence: the sequence number of the snapshot up to which the jobs have read RAW; None when they
    have read nothing. A day with a newer file waits, so that its rows are read once as they came.
    """
    found = []
    for day, own in _by_day(files).items():
        depth = depth_of(own)
        groups = len(groups_of(own))
        is_taken = taken_sequence is not None and all(file.sequence <= taken_sequence for file in own)
        # After compaction each group has about two files for a topic, the one in which it begins and the
        # next.
        if is_taken and _is_over(day, now) and depth >= MIN_DEPTH and depth > 2 * groups:
            found.append(RawDay(day=day, files=own, depth=depth))
    return sorted(found, key=lambda one: (-one.depth, one.day))


def _has_one_topic(first: str, last: str) -> bool:
    """Whether a file has one topic, as far as its bounds tell. Of a longer text, an upper bound is what is
    kept with its last character counted up. Topics that only differ behind that are one for a reader, too."""
    if first == last:
        return True
    return len(first) == _BOUND_LENGTH and last == first[:-1] + chr(ord(first[-1]) + 1)


def groups_of(files: Iterable[RawFile], max_bytes: int = MAX_GROUP_BYTES) -> list[list[RawFile]]:
    """The files in groups that are sorted together, in the order in which they came."""
    groups: list[list[RawFile]] = []
    room = 0
    for file in sorted(files, key=lambda file: (file.sequence, file.path)):
        if not groups or file.size > room:
            groups.append([])
            room = max_bytes
        groups[-1].append(file)
        room -= file.size
    return groups


@dataclass(frozen=True, kw_only=True)
class Expired:
    """The days to drop, oldest first, and those that are as old and stay because a job has not taken all of
    their rows."""

    days: tuple[date, ...]
    refused: tuple[date, ...]


def days_to_drop(
    files: Iterable[RawFile], *, now: datetime, kept_days: int | None, taken_sequence: int | None
) -> Expired:
    """kept_days: for how many days RAW is kept; None for ever. taken_sequence: as in days_to_compact."""
    if kept_days is None:
        return Expired(days=(), refused=())
    oldest = (now - timedelta(days=kept_days)).date()
    dropped: list[date] = []
    refused: list[date] = []
    for day, own in sorted(_by_day(files).items()):
        if day >= oldest:
            continue
        is_taken = taken_sequence is not None and all(file.sequence <= taken_sequence for file in own)
        (dropped if is_taken else refused).append(day)
    return Expired(days=tuple(dropped), refused=tuple(refused))


def _by_day(files: Iterable[RawFile]) -> dict[date, list[RawFile]]:
    found: dict[date, list[RawFile]] = {}
    for file in files:
        found.setdefault(file.day, []).append(file)
    return found


def _is_over(day: date, now: datetime) -> bool:
    midnight = datetime(day.year, day.month, day.day, tzinfo=now.tzinfo) + timedelta(days=1)
    return now >= midnight + LATE
