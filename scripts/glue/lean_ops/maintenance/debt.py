"""Decides which tables are rewritten, by what that saves: tables are ranked by gain under a budget of bytes,
and not each of them rewritten now and then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

TARGET_BYTES = 8 << 20
"""About the size of a rewritten file of a topic's table. A correction rewrites the file of its key, so large
files would be paid for in each cycle."""
SMALL_BYTES = 1 << 20
"""Files below this are joined, as in a cycle; see lean_ops.tables.data_files."""
MIN_SMALL_FILES = 4
"""In a partition with fewer small files nothing is joined."""
RECENT = timedelta(hours=6)
"""Files that came so lately are not joined: what a cycle corrects has mostly just come, and a correction
writes the whole file of its key anew."""
_DELETE_FILE_GAIN = 100
"""How many small files a delete file counts for. With one, a topic goes by Spark, which takes some hundred
times as long as a task."""


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """A data file. partition: its partition as text. deletes: the paths of the delete files that a reader has
    to apply to it. sequence: the sequence number of the commit that brought its rows."""

    path: str
    size: int
    partition: str = ""
    deletes: Sequence[str] = ()
    sequence: int = 0


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """What is rewritten of a table.

    files: the groups of files that are written anew, each of one partition. delete_files: the paths of those
    that go with them, as all files that they are about are in the groups. gain: in files that a reader of the
    table is spared.
    """

    table: str
    groups: Sequence[Sequence[TableFile]]
    delete_files: frozenset[str] = field(default_factory=frozenset)
    gain: int

    @property
    def size(self) -> int:
        return sum(file.size for group in self.groups for file in group)


def rewrite_of(
    table: str,
    files: Iterable[TableFile],
    target_bytes: int = TARGET_BYTES,
    recent_from: int | None = None,
) -> Rewrite | None:
    """What is worth rewriting of a table; None when nothing is.

    recent_from: the sequence number from which on files are too recent to be joined; None to join them all.

    A file that has deleted rows is always rewritten, and with it each other file that its delete files are
    about: then the delete files go too, and the counts of rows in the table's summary stay right.
    """
    by_partition: dict[str, list[TableFile]] = {}
    for file in files:
        by_partition.setdefault(file.partition, []).append(file)
    groups: list[list[TableFile]] = []
    delete_files: set[str] = set()
    gain = 0
    for _, own in sorted(by_partition.items()):
        deleted_from = [file for file in own if file.deletes]
        small = [
            file
            for file in own
            if file.size < SMALL_BYTES and (recent_from is None or file.sequence < recent_from)
        ]
        chosen = deleted_from
        if deleted_from or len(small) >= MIN_SMALL_FILES:
            rest = {file.path for file in deleted_from}
            chosen = [*deleted_from, *(file for file in small if file.path not in rest)]
        if not chosen:
            continue
        applied = {path for file in deleted_from for path in file.deletes}
        after = max(1, -(-sum(file.size for file in chosen) // target_bytes))
        gain += max(0, len(chosen) - after) + _DELETE_FILE_GAIN * len(applied)
        delete_files |= applied
        groups.append(chosen)
    if gain <= 0:
        return None
    return Rewrite(table=table, groups=groups, delete_files=frozenset(delete_files), gain=gain)


def within_budget(rewrites: Iterable[Rewrite], max_bytes: int) -> list[Rewrite]:
    """The rewrites that are done, those first that gain most for their bytes. The first is always done, so
    that a table larger than the budget does not wait for ever."""
    chosen: list[Rewrite] = []
    room = max_bytes
    for one in sorted(rewrites, key=lambda one: (-one.gain / (one.size + SMALL_BYTES), one.table)):
        if chosen and one.size > room:
            continue
        chosen.append(one)
        room -= one.size
    return chosen


def summary_is_clean(summary: Mapping[str, str], max_files: int) -> bool:
    """Whether a snapshot's summary shows that a table need not be looked at: no delete files, and few files.

    A count that is missing tells nothing.
    """
    counts = [summary.get(name, "") for name in ("total-data-files", "total-delete-files")]
    if not all(count.isdigit() for count in counts):
        return False
    return int(counts[0]) < max_files and int(counts[1]) == 0
