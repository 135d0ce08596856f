"""What a table's snapshots say of our commits. A commit's properties are entries of the snapshot's summary
whose key starts with `lean-ops.`."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lean_ops.errors import LeanOpsError
from lean_ops.spark.iceberg_classes import Iceberg

CYCLE_ID = "lean-ops.cycle-id"
_PREFIX = "lean-ops."


class TableError(LeanOpsError):
    """A table is not as this library needs it."""


@dataclass(frozen=True)
class Commit:
    """One of our commits. snapshot_id is text: it passes 2^53. properties: those with our prefix.

    rows: of the table after it. rows_before: when the cycle before it was done; None where that is not known
    any more, or was not asked for.
    """

    snapshot_id: str
    committed_at: datetime
    properties: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    rows_before: int | None = None

    @property
    def cycle_id(self) -> str:
        return self.properties[CYCLE_ID]


def lineage(iceberg: Iceberg, loaded: Any) -> Iterator[tuple[Commit, int | None]]:
    """Our commits, newest first, as far back as snapshots are kept, with the rows of the snapshot that each
    came on top of. Compaction and other engines are passed over. loaded: Iceberg's Table (Java)."""
    to_json = iceberg.snapshots.toJson
    found = loaded.currentSnapshot()
    snapshot = None if found is None else json.loads(to_json(found))
    while snapshot is not None:
        summary = snapshot["summary"]
        parent = snapshot.get("parent-snapshot-id")
        found = None if parent is None else loaded.snapshot(parent)
        before = None if found is None else json.loads(to_json(found))
        if CYCLE_ID in summary:
            ours = {key: value for key, value in summary.items() if key.startswith(_PREFIX)}
            at = datetime.fromtimestamp(snapshot["timestamp-ms"] / 1000, UTC)
            rows_before = 0 if parent is None else before and _rows(before["summary"])
            yield Commit(str(snapshot["snapshot-id"]), at, ours, _rows(summary)), rows_before
        snapshot = before


def last_commit(iceberg: Iceberg, loaded: Any) -> Commit | None:
    """With rows_before. Two commits of one cycle (a new schema came in between) count as one."""
    last = next(_by_cycle(iceberg, loaded), None)
    return None if last is None else last[0]


def commits_since(iceberg: Iceberg, loaded: Any, snapshot_id: str | None) -> list[Commit]:
    """Those after a snapshot, oldest first, as last_commit gives them; all that are kept when it is not among
    them."""
    found: list[Commit] = []
    for commit, snapshots in _by_cycle(iceberg, loaded):
        if commit.snapshot_id == snapshot_id:
            break
        found.append(commit)
        if snapshot_id in snapshots:
            break
    return found[::-1]


def _by_cycle(iceberg: Iceberg, loaded: Any) -> Iterator[tuple[Commit, Collection[str]]]:
    """Each cycle's last commit, newest first, and the snapshots of all that the cycle has made."""
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
    """A commit that lost its checkpoint would be done again for ever, and not be noticed. Raises
    TableError."""
    if commit is None or any(commit.properties.get(key) != value for key, value in properties.items()):
        raise TableError(f"the commit to {table} does not carry its checkpoint {properties.get(CYCLE_ID)}")
    return commit


def _rows(summary: Mapping[str, str]) -> int | None:
    """Of the table, as its snapshot says. Athena deletes by position, and no engine of ours by equality."""
    total, deleted = summary.get("total-records"), summary.get("total-position-deletes")
    return None if total is None else int(total) - int(deleted or 0)
