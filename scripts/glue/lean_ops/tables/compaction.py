"""Which small files of a topic's table are joined: each cycle leaves one, and each look-up reads them all."""

from collections.abc import Sequence

from lean_ops.tables.data_files import DataFile

COMPACT_FROM_FILES = 16
"""So many of one partition become one."""
_FOLDED_AT_MOST = 32


def files_to_compact(files: Sequence[DataFile]) -> tuple[int, ...]:
    """Indexes of the small files that are to be written anew as one, with what comes in. Each row is so
    written once in COMPACT_FROM_FILES cycles, until its file is no longer small."""
    small: dict[str | None, list[int]] = {}
    for index, file in enumerate(files):
        if file.is_small:
            small.setdefault(file.partition, []).append(index)
    many = (group for group in small.values() if len(group) >= COMPACT_FROM_FILES)
    return tuple(index for group in many for index in group[:_FOLDED_AT_MOST])
