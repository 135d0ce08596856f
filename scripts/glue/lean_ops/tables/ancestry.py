"""Tells, of a table that has no commit of the library among its snapshots any more, whether they have expired
or somebody has undone them.

Expiry removes snapshots and leaves the commits in force. A rollback, or a table that was made anew, takes the
commits back. What either has left of a table looks alike at first: a current snapshot, and none of ours.
"""

import json
from dataclasses import dataclass
from typing import Any

from lean_ops.spark.iceberg_classes import Iceberg


@dataclass(frozen=True)
class Ancestry:
    """How far back the snapshots of a table are kept, from the current one over its parents.

    is_whole: whether they reach the table's first snapshot; also true of a table without a snapshot.
    oldest: the sequence number of the oldest one; None where there is none, and in tables of format version
    1.
    """

    is_whole: bool
    oldest: int | None

    def lacks(self, sequence_number: int | None) -> bool:
        """Whether a commit that is not among these snapshots was undone.

        sequence_number: that of the commit, if it is known. An ancestor is older than its descendants, so a
        commit that is newer than the oldest snapshot and none of them is no ancestor. Where neither shows it,
        the commit has expired.
        """
        if self.is_whole:
            return True
        return sequence_number is not None and self.oldest is not None and self.oldest < sequence_number


def is_ancestor(loaded: Any, snapshot_id: str) -> bool:
    """Whether a snapshot is the current one of a table, or one of those before it as far as they are kept.
    loaded: Iceberg's own Table, in Java."""
    snapshot = loaded.currentSnapshot()
    while snapshot is not None:
        if str(snapshot.snapshotId()) == snapshot_id:
            return True
        parent = snapshot.parentId()
        if parent is not None and str(parent) == snapshot_id:
            return True
        snapshot = None if parent is None else loaded.snapshot(parent)
    return False


def ancestry(iceberg: Iceberg, loaded: Any) -> Ancestry:
    """Follows the parents of a table's current snapshot. loaded: Iceberg's own Table, in Java."""
    snapshot = loaded.currentSnapshot()
    oldest: int | None = None
    while snapshot is not None:
        found = json.loads(iceberg.snapshots.toJson(snapshot))
        oldest = found.get("sequence-number")
        parent = found.get("parent-snapshot-id")
        if parent is None:
            return Ancestry(is_whole=True, oldest=oldest)
        snapshot = loaded.snapshot(parent)
        if snapshot is None:
            return Ancestry(is_whole=False, oldest=oldest)
    return Ancestry(is_whole=True, oldest=None)
