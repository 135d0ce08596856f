"""Moves a topic's table to another of its snapshots, and the schema with it, in one commit.

Iceberg's own `rollback_to_snapshot` restores rows and leaves the schema, and refuses to go forward. Here the
branch, the schema and a tag on what was current before change in one compare-and-swap, so a reader sees the
table as it was before, or as it was at the other snapshot, and never rows under a schema of another time.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from lean_ops.spark.catalog_calls import LOAD
from lean_ops.spark.iceberg_classes import Iceberg, iceberg_of, move_classes_of
from lean_ops.tables.commits import TableError, rows_of
from lean_ops.tables.fence import check
from lean_ops.tables.fenced_commits import commit_metadata
from lean_ops.tables.schema_promotion import hidden_columns, reads_as

MOVED = "lean-ops.moved"
"""The property of a table that says which operation has moved it last, as JSON: the members of Moved."""
UNDO_TAG = "lean-ops-undo-"
"""How the tags begin that keep what was current before an operation; the operation's id follows."""
_MAIN = "main"


class MoveRefusedError(TableError):
    """The table cannot be moved there. The message begins with a code of docs/operations.md."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a table is moved to.

    snapshot_id: text. schema_id, spec_id: the schema that becomes current with it, and the spec by which the
    table is partitioned from then on; None where the current one stays. expected: the snapshot that was
    current when the move was planned; None where that does not matter.
    """

    snapshot_id: str
    schema_id: int | None = None
    spec_id: int | None = None
    expected: str | None = None


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A move of a table by an operation. Ids of snapshots are texts.

    from_spec, to_spec: None where an earlier version of the library has moved it, which left the spec alone.
    mirrored: the snapshot that the topic's mirror had then; "" where it had none. While the mirror has it
    still, the table has not caught up since.
    """

    operation_id: str
    from_snapshot: str
    to_snapshot: str
    from_schema: int
    to_schema: int
    mirrored: str
    from_spec: int | None = None
    to_spec: int | None = None

    @staticmethod
    def of(properties: Any) -> "Moved | None":
        """The last move of a table with these properties, of Python or of Java. None where it has none, or
        one that this version does not understand."""
        text = properties.get(MOVED)
        if text is None:
            return None
        try:
            return Moved(**json.loads(text))
        except (TypeError, ValueError):
            return None


def move(
    spark: SparkSession,
    name: str,
    epoch: int,
    operation_id: str,
    target: Target,
    *,
    mirrored: str,
    now: datetime,
    keep: timedelta,
    undoes: str | None = None,
) -> Moved:
    """Moves a table for an operation, unless it has done so already, and returns the move.

    name: the full name. epoch: that under which the operation has the topic. mirrored: as in Moved. keep: for
    how long the tag lasts. undoes: the operation whose tag goes, as it is undone by this.

    Raises FencedError, and MoveRefusedError: PLAN_STALE when the target has gone, or when the snapshot that
    was planned on is no part of the table's history any more; SCHEMA_CHANGED when the target's rows cannot be
    read by the schema that the table would have.
    """
    iceberg = iceberg_of(spark._jvm)
    classes = move_classes_of(spark._jvm)
    loaded = iceberg.load(spark, name)

    def change(operations: Any) -> tuple[Any, Any]:
        base = operations.refresh()
        check(base.properties(), name, epoch)
        done = Moved.of(base.properties())
        if done is not None and done.operation_id == operation_id:
            return base, None
        document = json.loads(iceberg.table_metadata.toJson(base))
        moved = _planned(name, document, operation_id, target, mirrored)
        builder = iceberg.metadata.buildFrom(base)
        if moved.to_schema != moved.from_schema:
            builder.setCurrentSchema(moved.to_schema)
        if moved.to_spec is not None and moved.to_spec != moved.from_spec:
            builder.setDefaultPartitionSpec(moved.to_spec)
        builder.setBranchSnapshot(int(moved.to_snapshot), _MAIN)
        if moved.from_snapshot:
            # A tag's age is that of its snapshot, which may be old already.
            age = now - snapshots_of(document)[moved.from_snapshot].committed_at
            ref = classes.ref.tagBuilder(int(moved.from_snapshot))
            ref.maxRefAgeMs(
                classes.long.valueOf(str(int((max(age, timedelta()) + keep).total_seconds() * 1000)))
            )
            builder.setRef(UNDO_TAG + operation_id, ref.build())
        if undoes is not None and UNDO_TAG + undoes in document.get("refs", {}):
            builder.removeRef(UNDO_TAG + undoes)
        builder.setProperties({MOVED: json.dumps(asdict(moved), sort_keys=True)})
        return base, builder.build()

    metadata = commit_metadata(iceberg, loaded, name, epoch, change)
    with iceberg.calls.made(LOAD, "load", name):
        spark.catalog.refreshTable(name)
    moved = Moved.of(metadata.properties())
    if moved is None:
        raise TableError(f"the commit to {name} does not carry its move by {operation_id}")
    return moved


def drop_undo_tags(iceberg: Iceberg, loaded: Any, name: str, epoch: int, now: datetime) -> bool:
    """Removes the tags of operations whose time is over, and returns whether there were any. Where the table
    as it was loaded has none, nothing is asked of the catalog. Raises FencedError.

    Iceberg would remove them as well when it expires snapshots, but keeps what they name until the next time.
    loaded: Iceberg's own Table, in Java. now: an aware time.
    """

    def old_tags(metadata: Any) -> list[str]:
        return _old_undo_tags(json.loads(iceberg.table_metadata.toJson(metadata)), now)

    def change(operations: Any) -> tuple[Any, Any]:
        base = operations.refresh()
        check(base.properties(), name, epoch)
        builder = iceberg.metadata.buildFrom(base)
        for tag in old_tags(base):
            builder.removeRef(tag)
        return base, builder.build()

    if not old_tags(loaded.operations().current()):
        return False
    commit_metadata(iceberg, loaded, name, epoch, change)
    return True


def _old_undo_tags(document: Mapping[str, Any], now: datetime) -> list[str]:
    snapshots = snapshots_of(document)
    found = []
    for name, ref in document.get("refs", {}).items():
        age, snapshot = ref.get("max-ref-age-ms"), snapshots.get(str(ref["snapshot-id"]))
        if not name.startswith(UNDO_TAG) or age is None or snapshot is None:
            continue
        if now - snapshot.committed_at > timedelta(milliseconds=age):
            found.append(name)
    return found


@dataclass(frozen=True)
class KeptSnapshot:
    """A snapshot of a table's metadata. rows: how many the table had then; None where it does not say."""

    parent: str | None
    committed_at: datetime
    rows: int | None
    schema_id: int | None


def snapshots_of(document: Mapping[str, Any]) -> dict[str, KeptSnapshot]:
    """The snapshots of a table's metadata, by id. document: its JSON."""
    return {
        str(one["snapshot-id"]): KeptSnapshot(
            None if one.get("parent-snapshot-id") is None else str(one["parent-snapshot-id"]),
            datetime.fromtimestamp(one["timestamp-ms"] / 1000, UTC),
            rows_of(one.get("summary", {})),
            one.get("schema-id"),
        )
        for one in document.get("snapshots", ())
    }


def _planned(
    name: str, document: Mapping[str, Any], operation_id: str, target: Target, mirrored: str
) -> Moved:
    snapshots = snapshots_of(document)
    current = document.get("current-snapshot-id")
    # -1 means that there is none, as absence does.
    current_id = "" if current is None or current < 0 else str(current)
    found = snapshots.get(target.snapshot_id)
    if found is None:
        raise MoveRefusedError(
            f"PLAN_STALE: {name} does not keep the snapshot {target.snapshot_id} any more: cancel the "
            "operation (lean-ops op cancel) and look at the points that there are (lean-ops topic points)"
        )
    if target.expected is not None and target.expected not in _lineage(snapshots, current_id):
        raise MoveRefusedError(
            f"PLAN_STALE: {name} was moved since the plan was made, which was for the snapshot "
            f"{target.expected}: cancel the operation (lean-ops op cancel), and look at a new plan"
        )
    now_schema = int(document["current-schema-id"])
    then = now_schema if target.schema_id is None else target.schema_id
    schemas = {int(one["schema-id"]): one for one in document["schemas"]}
    written = schemas.get(now_schema if found.schema_id is None else int(found.schema_id))
    if then not in schemas or (written is not None and not _is_read_by(written, schemas[then])):
        raise MoveRefusedError(
            f"SCHEMA_CHANGED: the rows of {name} at the snapshot {target.snapshot_id} cannot be read by its "
            f"schema {then}, in which a column has another type: cancel the operation (lean-ops op cancel)"
        )
    now_spec = int(document["default-spec-id"])
    return Moved(
        operation_id=operation_id,
        from_snapshot=current_id,
        to_snapshot=target.snapshot_id,
        from_schema=now_schema,
        to_schema=then,
        mirrored=mirrored,
        from_spec=now_spec,
        to_spec=_spec(document, target, schemas[then]),
    )


def _is_read_by(written: Mapping[str, Any], reading: Mapping[str, Any]) -> bool:
    return reads_as(written, reading) and not hidden_columns(written, reading)


def _spec(document: Mapping[str, Any], target: Target, schema: Mapping[str, Any]) -> int:
    """The spec that the table gets: the one that it has, where the other one is not there or needs a column
    that the schema has not."""
    ids = {int(field["id"]) for field in schema["fields"]}
    for spec in document["partition-specs"]:
        if int(spec["spec-id"]) == target.spec_id and all(
            int(field["source-id"]) in ids for field in spec["fields"] if field["transform"] != "void"
        ):
            return int(spec["spec-id"])
    return int(document["default-spec-id"])


def _lineage(snapshots: Mapping[str, KeptSnapshot], snapshot_id: str) -> Iterator[str]:
    """The snapshot and those before it; the last one given may have expired itself."""
    following: str | None = snapshot_id
    while following:
        yield following
        found = snapshots.get(following)
        following = None if found is None else found.parent
