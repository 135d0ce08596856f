"""Divides Parquet files into splits and shares these out among Spark's tasks."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """Every `count`-th row group of a file, beginning with the one at `index`.

    size: the approximate number of bytes in these row groups.
    """

    path: str
    size: int
    index: int
    count: int

    def row_group_indices(self, row_groups: int) -> list[int]:
        """The indices of the row groups of this split. row_groups: how many the whole file has."""
        return list(range(self.index, row_groups, self.count))


def splits_of(path: str, size: int, max_bytes: int) -> list[Split]:
    """The splits of a file, each of about `max_bytes`.

    How many row groups the file has is not known here. If it has fewer than there are splits, some splits are
    empty.
    """
    count = max(1, -(-size // max_bytes))
    return [Split(path, size // count, index, count) for index in range(count)]


def group_splits(splits: Sequence[Split], max_groups: int) -> list[list[Split]]:
    """The splits in at most `max_groups` groups of about equal size, the largest group first."""
    groups: list[list[Split]] = [[] for _ in range(min(max_groups, len(splits)))]
    sizes = [0] * len(groups)
    for split in sorted(splits, key=lambda one: -one.size):
        smallest = sizes.index(min(sizes))
        groups[smallest].append(split)
        sizes[smallest] += split.size
    return sorted(groups, key=lambda group: -sum(split.size for split in group))
