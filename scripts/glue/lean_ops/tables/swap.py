"""Replaces a table's rows, and its schema and partitioning with them, by those of a shadow of it, in one
commit.

The commit is an overwrite of the table itself: it removes all files that the table has and adds those of the
shadow, which lie where the table's lie. So location, grants and history stay, a reader sees the old table or
the new one and nothing else, and the snapshot before can be put back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lean_ops.spark.iceberg_classes import Iceberg, RebuildClasses, plain_files
from lean_ops.tables.commits import TableError
from lean_ops.tables.fence import EPOCH, raised
from lean_ops.tables.fenced_commits import commit_metadata
from lean_ops.tables.metadata_files import (
    MERGE_FROM,
    MERGE_FROM_MANIFESTS,
    OWN_METADATA_PROPERTIES,
    missing_properties,
)

OPERATION = "lean-ops.operation"
"""A property of the swap's commit: the operation that made it."""
SNAPSHOT_BEFORE, SCHEMA_BEFORE = "lean-ops.snapshot-before", "lean-ops.schema-before"
SPEC_BEFORE = "lean-ops.spec-before"
"""Properties of the swap's commit: the ids of the snapshot, of the schema and of the partitioning that the
table had before. An undo puts them in force again. Without the first one, there was no snapshot."""


class SwapRefusedError(TableError):
    """The table is not as it was when the swap was decided on. Nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Swap:
    """What a swap is decided on.

    snapshot_id: the table's current snapshot, which the swap replaces; None for a table without any.
    tag, tag_age_ms: the name under which that snapshot is kept, and for how many milliseconds.
    properties: what the commit carries.
    """

    snapshot_id: str | None
    tag: str
    tag_age_ms: int
    properties: Mapping[str, str]


def swap_table(
    iceberg: Iceberg, classes: RebuildClasses, loaded: Any, name: str, epoch: int, shadow: Any, swap: Swap
) -> Any:
    """Puts a shadow's rows, schema and partitioning in the place of a table's, and gives its new metadata.

    loaded, shadow: Iceberg's own Table, in Java. epoch: the writer's. Raises SwapRefusedError, and as
    commit_metadata does.
    """
    files = _files_of(shadow)

    def change(operations: Any) -> tuple[Any, Any]:
        # A transaction commits to a copy of the metadata. So the overwrite finds the new schema and spec
        # there, and only its result is compared with the table and put in force.
        transaction = loaded.newTransaction()
        copy = transaction.table().operations()
        base = operations.current()
        found = base.currentSnapshot()
        current = None if found is None else str(found.snapshotId())
        if current != swap.snapshot_id:
            raise SwapRefusedError(f"somebody has committed to {name} meanwhile: resume the operation")
        prepared = _prepared(iceberg, classes, base, name, epoch, shadow, swap)
        copy.commit(base, prepared)
        update = transaction.newOverwrite().overwriteByRowFilter(iceberg.expressions.alwaysTrue())
        for file in files:
            update.addFile(file)
        properties = {**swap.properties, **_before(base), EPOCH: str(epoch)}
        for key, value in properties.items():
            update.set(key, value)
        update.commit()
        return base, copy.current()

    return commit_metadata(iceberg, loaded, name, epoch, change)


def _before(base: Any) -> dict[str, str]:
    """The properties that say what the table was. base: its metadata, in Java."""
    snapshot = base.currentSnapshot()
    return {
        SCHEMA_BEFORE: str(base.currentSchemaId()),
        SPEC_BEFORE: str(base.defaultSpecId()),
        **({} if snapshot is None else {SNAPSHOT_BEFORE: str(snapshot.snapshotId())}),
    }


def _prepared(
    iceberg: Iceberg, classes: RebuildClasses, base: Any, name: str, epoch: int, shadow: Any, swap: Swap
) -> Any:
    """The table's metadata with the shadow's schema and spec in force, and with the tag."""
    builder = iceberg.metadata.buildFrom(base)
    wanted = shadow.operations().current()
    last_id = max(int(base.lastColumnId()), int(wanted.lastColumnId()))
    builder.setCurrentSchema(wanted.schema(), last_id)
    spec = wanted.spec()
    builder.setDefaultPartitionSpec(spec)
    if base.currentSnapshot() is not None:
        tag = classes.refs.tagBuilder(base.currentSnapshot().snapshotId())
        builder.setRef(swap.tag, tag.maxRefAgeMs(swap.tag_age_ms).build())
    known = base.properties()
    own = {MERGE_FROM: str(MERGE_FROM_MANIFESTS), **OWN_METADATA_PROPERTIES}
    if new := {**missing_properties(own, known), **raised(known, name, epoch)}:
        builder.setProperties(new)
    prepared = builder.build()
    if prepared.defaultSpecId() != spec.specId():
        raise SwapRefusedError(
            f"somebody has changed the partitioning of {name} meanwhile, so the files of the rebuild have "
            "the partitions of another spec: cancel the operation and begin anew"
        )
    return prepared


def _files_of(shadow: Any) -> list[Any]:
    """The data files of a shadow (Iceberg's DataFile, in Java), with their metrics. Raises NotPlainFilesError
    where rows of them are deleted by delete files, which only other engines write."""
    if shadow.currentSnapshot() is None:
        return []
    return list(plain_files(shadow.newScan().includeColumnStats()))
