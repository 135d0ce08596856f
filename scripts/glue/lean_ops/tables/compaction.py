"""Chooses the small files of a topic's table that are joined into one.

Each cycle leaves one file in the table, and each look-up of keys reads all files.
"""

from collections.abc import Sequence

from lean_ops.tables.data_files import DataFile

COMPACT_FROM_FILES = 16
"""When a partition has so many small files, they are joined."""
_MAX_COMPACTED_FILES = 32
"""At most so many files of a partition are joined at a time."""


def files_to_compact(files: Sequence[DataFile]) -> tuple[int, ...]:
    """The indices of the small files that are to be written anew as one, together with the new rows.

    A row is therefore written once in COMPACT_FROM_FILES cycles, until its file is no longer small.
    """
    small: dict[str | None, list[int]] = {}
    for index, file in enumerate(files):
        if file.is_small:
            small.setdefault(file.partition, []).append(index)
    many = (indices for indices in small.values() if len(indices) >= COMPACT_FROM_FILES)
    return tuple(index for indices in many for index in indices[:_MAX_COMPACTED_FILES])
