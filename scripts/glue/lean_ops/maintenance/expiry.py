"""Expires snapshots of a table, with the files that no other snapshot names.

Iceberg is given the ids. Left to itself it would go by age alone: it knows neither our readers nor our
checkpoints.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from lean_ops.bookkeeping import ledger
from lean_ops.maintenance.snapshots import (
    Rules,
    Snapshot,
    TableSnapshots,
    checkpoint_is_far,
    snapshots_to_expire,
)
from lean_ops.spark.catalog_calls import COMMIT, LOAD
from lean_ops.spark.iceberg_classes import Iceberg, iceberg_of
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tables.fence import check
from lean_ops.tables.moves import UNDO_TAG, drop_undo_tags
from lean_ops.tables.topic_table import TopicTable

_MAIN = "main"
MIN_EXPIRED = 10
"""With fewer snapshots to expire a table waits: each expiry reads the lists of all manifests that stay."""


@dataclass(frozen=True, kw_only=True)
class Expired:
    """What was done to a table. expired, kept: counts of snapshots. metadata_bytes: the size of its metadata
    file, before and after. carried_over: whether its checkpoint was written anew."""

    expired: int
    kept: int
    metadata_bytes_before: int
    metadata_bytes_after: int
    carried_over: bool = False


def table_snapshots(iceberg: Iceberg, loaded: Any) -> TableSnapshots:
    """The snapshots of a table as it was loaded. loaded: Iceberg's own Table, in Java."""
    document = json.loads(iceberg.table_metadata.toJson(loaded.operations().current()))
    current = document.get("current-snapshot-id")
    refs = {name: ref for name, ref in document.get("refs", {}).items() if name != _MAIN}
    tags = {name: ref["snapshot-id"] for name, ref in refs.items() if ref["type"] == "tag"}
    return TableSnapshots(
        snapshots=[
            Snapshot(
                snapshot_id=one["snapshot-id"],
                parent_id=one.get("parent-snapshot-id"),
                committed_at=datetime.fromtimestamp(one["timestamp-ms"] / 1000, UTC),
                sequence=one.get("sequence-number", 0),
                has_checkpoint=CYCLE_ID in one.get("summary", {}),
            )
            for one in document.get("snapshots", ())
        ],
        # -1 means that there is none, as absence does.
        current=current if current is not None and current >= 0 else None,
        branches={ref["snapshot-id"] for ref in refs.values() if ref["type"] == "branch"},
        tags=set(tags.values()),
        undo_tags={snapshot for name, snapshot in tags.items() if name.startswith(UNDO_TAG)},
    )


def expire(spark: SparkSession, name: str, rules: Rules, *, at_least: int, epoch: int = 0) -> Expired | None:
    """Expires a table's snapshots by the rules, and removes the files that only they named.

    name: the full name of the table. at_least: how many there must be. epoch: that of the table's
    topic, as the registry had it when the run began. Returns None when nothing was to do. Raises FencedError
    when an operation has taken the table over since.

    A tag by which an operation can be undone goes first when its time is over. The ids are chosen from the
    table as it is now. Iceberg refuses when one of them was made current, or named by a tag or a branch, in
    the meantime.
    """
    iceberg = iceberg_of(spark._jvm)
    loaded = iceberg.load(spark, name)
    if drop_undo_tags(iceberg, loaded, name, epoch, rules.now):
        loaded = iceberg.load(spark, name)
    table = table_snapshots(iceberg, loaded)
    carried_over = checkpoint_is_far(table, rules.kept)
    if carried_over:
        carry_checkpoint_over(spark, name, epoch)
        loaded = iceberg.load(spark, name)
        table = table_snapshots(iceberg, loaded)
    gone = snapshots_to_expire(table, rules)
    if len(gone) < max(1, at_least):
        return None
    # Iceberg does not compare it again in the commit, which changes no row.
    check(loaded.properties(), name, epoch)
    before = _metadata_bytes(loaded)
    # Without a time, Iceberg would also expire what is older than five days, whatever the ids say.
    update = loaded.expireSnapshots().expireOlderThan(0)
    for snapshot_id in gone:
        update.expireSnapshotId(snapshot_id)
    with iceberg.calls.made(LOAD + COMMIT + LOAD, "expire", name):
        update.commit()
        loaded.operations().refresh()
    return Expired(
        expired=len(gone),
        kept=len(table.snapshots) - len(gone),
        metadata_bytes_before=before,
        metadata_bytes_after=_metadata_bytes(loaded),
        carried_over=carried_over,
    )


def carry_checkpoint_over(spark: SparkSession, name: str, epoch: int = 0) -> None:
    """Writes the table's last checkpoint once more, in a commit without rows, so that the one that has it may
    expire.

    It is of the same cycle, and has no counts: the ledger has that cycle's entry, and beside the rows of
    another commit the counts would not balance.
    """
    table = TopicTable(spark, name, epoch)
    last = table.last_commit()
    if last is not None:
        counts = ledger.ENTRY_PROPERTIES
        table.commit([], [], {key: one for key, one in last.properties.items() if key not in counts})


def _metadata_bytes(loaded: Any) -> int:
    location = loaded.operations().current().metadataFileLocation()
    return int(loaded.io().newInputFile(location).getLength())
