"""Parquet files shared out among Spark's tasks."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """Of a file: the row groups whose index modulo `of` is `number`. size: about how many bytes those are."""

    path: str
    size: int
    number: int
    of: int

    def row_group_indices(self, row_groups: int) -> list[int]:
        """row_groups: how many the file has."""
        return list(range(self.number, row_groups, self.of))


def splits_of(path: str, size: int, most: int) -> list[Split]:
    """Parts of about `most` bytes. How many row groups the file has is not known here: with fewer of them
    some parts are empty."""
    of = max(1, -(-size // most))
    return [Split(path, size // of, number, of) for number in range(of)]


def group_splits(parts: Sequence[Split], most: int) -> list[list[Split]]:
    """At most so many groups, about equally large, those with most to do first."""
    groups: list[list[Split]] = [[] for _ in range(min(most, len(parts)))]
    sizes = [0] * len(groups)
    for part in sorted(parts, key=lambda one: -one.size):
        least = sizes.index(min(sizes))
        groups[least].append(part)
        sizes[least] += part.size
    return sorted(groups, key=lambda group: -sum(part.size for part in group))
