"""Reads from a table's snapshots which commits this library has made, and with which properties.

The properties of a commit are the entries of its snapshot's summary whose keys start with `lean-ops.`.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lean_ops.errors import LeanOpsError
from lean_ops.spark.iceberg_classes import Iceberg

CYCLE_ID = "lean-ops.cycle-id"
"""The property that every commit of the library has. A snapshot without it is somebody else's."""
_PREFIX = "lean-ops."


class TableError(LeanOpsError):
    """A table is not as the library needs it."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit that the library has made.

    snapshot_id: text, as it can exceed 2^53. properties: those whose keys start with `lean-ops.`. rows: how
    many the table had after the commit. rows_before: how many it had after the cycle before; None when that
    is not known any more, or was not looked up. sequence_number: it grows with every commit to a table; None
    in tables of format version 1.
    """

    snapshot_id: str
    committed_at: datetime
    properties: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    rows_before: int | None = None
    sequence_number: int | None = None

    @property
    def cycle_id(self) -> str:
        return self.properties[CYCLE_ID]


def lineage(
    iceberg: Iceberg, loaded: Any, snapshot_id: str | None = None
) -> Iterator[tuple[Commit, int | None]]:
    """The library's commits, newest first, each with the number of rows in the snapshot before it.

    They go back as far as snapshots are kept. Commits of compaction and of other engines are left out.
    loaded: Iceberg's own Table, in Java. snapshot_id: from which snapshot on, None for the current one. There
    are none where the table does not keep it.
    """
    to_json = iceberg.snapshots.toJson
    found = loaded.currentSnapshot() if snapshot_id is None else loaded.snapshot(int(snapshot_id))
    snapshot = None if found is None else json.loads(to_json(found))
    while snapshot is not None:
        summary = snapshot["summary"]
        parent = snapshot.get("parent-snapshot-id")
        found = None if parent is None else loaded.snapshot(parent)
        before = None if found is None else json.loads(to_json(found))
        if CYCLE_ID in summary:
            ours = {key: value for key, value in summary.items() if key.startswith(_PREFIX)}
            at = datetime.fromtimestamp(snapshot["timestamp-ms"] / 1000, UTC)
            rows_before = 0 if parent is None else before and rows_of(before["summary"])
            commit = Commit(
                snapshot_id=str(snapshot["snapshot-id"]),
                committed_at=at,
                properties=ours,
                rows=rows_of(summary),
                sequence_number=snapshot.get("sequence-number"),
            )
            yield commit, rows_before
        snapshot = before


def last_commit(iceberg: Iceberg, loaded: Any) -> Commit | None:
    """The last commit, with its rows_before.

    Two commits of one cycle count as one; there are two when a new schema came in between.
    """
    last = next(_by_cycle(iceberg, loaded), None)
    return None if last is None else last[0]


def commits_since(iceberg: Iceberg, loaded: Any, snapshot_id: str | None) -> list[Commit]:
    """The commits after a snapshot, oldest first, in the form of last_commit.

    When the snapshot is not among those of the table, all commits that are kept are given.
    """
    found: list[Commit] = []
    for commit, snapshots in _by_cycle(iceberg, loaded):
        if commit.snapshot_id == snapshot_id:
            break
        found.append(commit)
        if snapshot_id in snapshots:
            break
    return found[::-1]


def _by_cycle(iceberg: Iceberg, loaded: Any) -> Iterator[tuple[Commit, Collection[str]]]:
    """The last commit of each cycle, newest first, with the snapshots of all commits of that cycle."""
    last: Commit | None = None
    before: int | None = None
    snapshots: list[str] = []
    for commit, rows_of_parent in lineage(iceberg, loaded):
        if last is not None and commit.cycle_id != last.cycle_id:
            yield replace(last, rows_before=commit.rows), snapshots
            last, snapshots = None, []
        last = last or commit
        before = rows_of_parent
        snapshots.append(commit.snapshot_id)
    if last is not None:
        yield replace(last, rows_before=before), snapshots


def confirmed(commit: Commit | None, table: str, properties: Mapping[str, str]) -> Commit:
    """Gives the commit back, or raises TableError when it lacks any of the properties it was made with.

    A commit without its checkpoint would be repeated in every cycle, and nobody would notice.
    """
    if commit is None or any(commit.properties.get(key) != value for key, value in properties.items()):
        raise TableError(f"the commit to {table} does not carry its checkpoint {properties.get(CYCLE_ID)}")
    return commit


def rows_of(summary: Mapping[str, str]) -> int | None:
    """How many rows the table has, by the summary of its snapshot.

    Athena deletes by position. No engine that writes these tables deletes by equality, so only positions
    count.
    """
    total, deleted = summary.get("total-records"), summary.get("total-position-deletes")
    return None if total is None else int(total) - int(deleted or 0)
