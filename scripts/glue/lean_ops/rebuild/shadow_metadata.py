"""The metadata that a shadow table begins with: that of the live table without its snapshots, and with the
schema and the partitioning that the live table is to get.

A column that stays as it is keeps its field id. One that is new, or has another type, gets an id that the
live table has never had: a table whose snapshots disagree about the type of an id cannot be read any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lean_ops.errors import LeanOpsError

ROOM_FOR_IDS = 10_000
"""So many ids are left to the live table, which may get columns of its own while the shadow is built."""
_LEFT_BEHIND = (
    *("lean-ops.epoch", "lean-ops.moved", "schema.name-mapping.default"),
    *("write.data.path", "write.metadata.path"),
)
"""Properties of the live table that are about its own commits, columns or places."""
_FIRST_PARTITION_ID = 1000
_VOID = "void"


class PartitionColumnError(LeanOpsError):
    """The new schema changes a column that the table is, or was, partitioned by."""


@dataclass(frozen=True)
class WantedColumn:
    """A column of the table as it is to be. type: by Iceberg's name, such as `long` or `decimal(10, 2)`."""

    name: str
    type: str


@dataclass(frozen=True)
class WantedPartition:
    """The field by which the table is to be partitioned. transform: by Iceberg's name, such as `day`."""

    column: str
    transform: str

    @property
    def name(self) -> str:
        return f"{self.column}_{self.transform.partition('[')[0]}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a shadow is. location: the folder of its metadata. data_path: where its data files go, which is
    where those of the live table go, so that the swap moves none."""

    location: str
    data_path: str


def current_fields(metadata: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The fields of a table's current schema. metadata: its JSON."""
    current = metadata["current-schema-id"]
    return next(one["fields"] for one in metadata["schemas"] if one["schema-id"] == current)


def with_ids(
    fields: Sequence[Mapping[str, Any]], wanted: Sequence[WantedColumn], first_id: int
) -> list[dict[str, Any]]:
    """The wanted columns as fields of a schema. fields: those of the live table. first_id: the first id that
    is free."""
    known = {one["name"]: one for one in fields}
    found: list[dict[str, Any]] = []
    for column in wanted:
        live = known.get(column.name)
        if live is not None and _same(live["type"], column.type):
            found.append(dict(live))
            continue
        found.append({"id": first_id, "name": column.name, "required": False, "type": column.type})
        first_id += 1
    return found


def shadow_metadata(
    live: Mapping[str, Any],
    *,
    table_uuid: str,
    place: Place,
    columns: Sequence[WantedColumn] | None = None,
    partition: WantedPartition | None = None,
    properties: Mapping[str, str],
) -> dict[str, Any]:
    """The JSON of the shadow's first metadata: https://iceberg.apache.org/spec/#table-metadata-fields.

    live: that of the live table. columns: None for those that it has. partition: None to partition as it
    does. properties: what the shadow has besides those of the live table. Raises PartitionColumnError.
    """
    free = int(live["last-column-id"]) + ROOM_FOR_IDS
    present = current_fields(live)
    fields = [dict(one) for one in present] if columns is None else with_ids(present, columns, free + 1)
    specs = [dict(spec) for spec in live["partition-specs"]]
    _check_sources(specs, present, fields)
    spec_id, last_partition_id = _default_spec(live, specs, fields, partition)
    kept = {name: value for name, value in live.get("properties", {}).items() if name not in _LEFT_BEHIND}
    return {
        "format-version": live["format-version"],
        "table-uuid": table_uuid,
        "location": place.location,
        "last-sequence-number": 0,
        "last-updated-ms": live["last-updated-ms"],
        "last-column-id": max([free, *(one["id"] for one in fields)]),
        "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}],
        "default-spec-id": spec_id,
        "partition-specs": specs,
        "last-partition-id": last_partition_id,
        "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}],
        "properties": {**kept, "write.data.path": place.data_path, **properties},
        "current-snapshot-id": -1,
        "next-row-id": 0,
        "refs": {},
        "snapshots": [],
        "statistics": [],
        "partition-statistics": [],
        "snapshot-log": [],
        "metadata-log": [],
    }


def _check_sources(
    specs: Sequence[Mapping[str, Any]],
    present: Sequence[Mapping[str, Any]],
    fields: Sequence[Mapping[str, Any]],
) -> None:
    """Some engines cannot read a table any more when a column is gone that an older spec names."""
    ids = {one["id"] for one in fields}
    names = {one["id"]: one["name"] for one in present}
    gone = {
        field["source-id"]
        for spec in specs
        for field in spec["fields"]
        if field["transform"] != _VOID and field["source-id"] not in ids
    }
    if gone:
        listed = ", ".join(sorted(names.get(one, str(one)) for one in gone))
        raise PartitionColumnError(
            f"PARTITION_COLUMN: the table is partitioned by {listed}, which the schema drops or gives "
            "another type: keep that field as it is, and add another one beside it"
        )


def _default_spec(
    live: Mapping[str, Any],
    specs: list[dict[str, Any]],
    fields: Sequence[Mapping[str, Any]],
    partition: WantedPartition | None,
) -> tuple[int, int]:
    """The id of the spec that the shadow's files have, and the last id of a partition field. It adds the spec
    where the table has none like it."""
    last = max(int(live.get("last-partition-id", 0)), _FIRST_PARTITION_ID - 1)
    current = int(live["default-spec-id"])
    if partition is None:
        return current, last
    source = next(one["id"] for one in fields if one["name"] == partition.column)
    wanted = (source, partition.transform)
    # The current one first, as it needs no change of the table.
    for spec in sorted(specs, key=lambda one: one["spec-id"] != current):
        active = [one for one in spec["fields"] if one["transform"] != _VOID]
        if [(one["source-id"], one["transform"]) for one in active] == [wanted]:
            return int(spec["spec-id"]), last
    added = {
        "name": partition.name,
        "transform": partition.transform,
        "source-id": source,
        "field-id": last + 1,
    }
    spec_id = max(int(one["spec-id"]) for one in specs) + 1
    specs.append({"spec-id": spec_id, "fields": [added]})
    return spec_id, last + 1


def _same(live: Any, wanted: str) -> bool:
    return isinstance(live, str) and live.replace(" ", "") == wanted.replace(" ", "")
