"""Decides which objects below a table's location belong to no table, and which of them are removed.

A task that ran twice, a commit that was refused, and a run that was killed leave such files.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

ORPHANED_FOR = timedelta(days=3)
"""A younger file may be one that a writer has not committed yet."""
LOOKED_AT_EVERY = timedelta(days=7)
"""Each table is looked at once in such a time: to list its objects and all of its files takes requests."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """An object below a table's location. path: without the scheme, such as `bucket/key`. written_at: an
    aware time."""

    path: str
    size: int
    written_at: datetime


@dataclass(frozen=True, kw_only=True)
class Orphans:
    """found: all objects that nothing names. removable: those of them that are old enough."""

    found: tuple[StoredObject, ...]
    removable: tuple[StoredObject, ...]


def orphans_of(
    objects: Iterable[StoredObject],
    reachable: Collection[str],
    *,
    now: datetime,
    oldest_operation: datetime | None = None,
) -> Orphans:
    """objects: what was listed, *before* the metadata was read that gives `reachable`. reachable: the paths,
    without schemes, of all files that the table's metadata names. oldest_operation: when the oldest operation
    began that still runs; what was written since may be its own."""
    limit = now - ORPHANED_FOR
    if oldest_operation is not None:
        limit = min(limit, oldest_operation)
    found = tuple(one for one in objects if one.path not in reachable)
    return Orphans(found=found, removable=tuple(one for one in found if one.written_at < limit))
