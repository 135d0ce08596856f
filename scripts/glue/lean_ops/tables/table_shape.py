"""Reads from a table's Iceberg metadata which columns it has and since when.

A snapshot names the schema that it was written with, so the first snapshot whose schema has a column dates
the column, to the first commit after the ALTER. Columns of the first schema are as old as the table. Where
older snapshots have expired, the oldest one left only tells that the column was there by then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_TYPES = {"long": "bigint", "timestamptz": "timestamp with time zone"}
"""Athena's names of types by those of Iceberg, where they differ:
https://iceberg.apache.org/spec/#primitive-types"""

DATA_PATH = "write.data.path"
LEGACY_PATH = "write.object-storage.path"


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    type: as in Athena's DDL; of a nested type only its kind. since: has a zone. original: whether the first
    schema of the table has the column.
    """

    name: str
    type: str
    since: datetime
    original: bool


@dataclass(frozen=True)
class TableShape:
    """The columns of a table and their history.

    created_at: has a zone. exact: False when snapshots have expired that may have shown columns earlier.
    legacy_path: see legacy_path_of.
    """

    columns: tuple[TableColumn, ...]
    created_at: datetime
    empty: bool
    exact: bool
    legacy_path: str | None = None

    @property
    def types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.columns}


def shape_of(metadata: Mapping[str, Any]) -> TableShape:
    """Reads the shape of a table from its metadata.

    metadata: the JSON of https://iceberg.apache.org/spec/#table-metadata-fields, of format version 1 to 3.
    """
    schemas = {schema["schema-id"]: schema for schema in metadata["schemas"]}
    snapshots = sorted(metadata.get("snapshots", ()), key=lambda snapshot: int(snapshot["timestamp-ms"]))
    first = schemas[min(schemas)]
    # Schemas can expire as well. The first one left is then not the one that the table was created with.
    from_the_start = {field["id"] for field in first["fields"]} if first["schema-id"] == 0 else set()
    created = min(
        [metadata["last-updated-ms"], *_times(snapshots), *_times(metadata.get("metadata-log", ()))]
    )

    def since(field_id: int) -> int:
        if field_id in from_the_start:
            return int(created)
        shown = [
            int(snapshot["timestamp-ms"])
            for snapshot in snapshots
            if field_id in _field_ids(schemas.get(snapshot.get("schema-id")))
        ]
        return min([*shown, int(metadata["last-updated-ms"])])

    originals = _field_ids(first)
    columns = tuple(
        TableColumn(field["name"], _type(field["type"]), _at(since(field["id"])), field["id"] in originals)
        for field in schemas[metadata["current-schema-id"]]["fields"]
    )
    legacy = legacy_path_of(metadata.get("properties", {}))
    return TableShape(columns, _at(created), _is_empty(metadata), _is_exact(first, snapshots), legacy)


def legacy_path_of(properties: Mapping[str, str]) -> str | None:
    """Where the data files of a table go by a property with which Iceberg writes no table since 1.9; None
    where nothing is in the way.

    Athena gives it to tables that are made without write_data_path_enabled.
    """
    if properties.get("write.object-storage.enabled") != "true" or properties.get(DATA_PATH) is not None:
        return None
    return properties.get(LEGACY_PATH)


def data_path_statement(table: str, path: str) -> str:
    """The statement for Athena after which Iceberg writes to a table with a legacy path. It moves no file.

    table: `database.table`. path: see legacy_path_of.
    """
    return f"ALTER TABLE {table} SET TBLPROPERTIES ('{DATA_PATH}' = '{path}')"


def _times(entries: Iterable[Mapping[str, Any]]) -> list[int]:
    return [int(entry["timestamp-ms"]) for entry in entries]


def _field_ids(schema: Mapping[str, Any] | None) -> set[int]:
    return {field["id"] for field in schema["fields"]} if schema else set()


def _is_exact(first: Mapping[str, Any], snapshots: list[Mapping[str, Any]]) -> bool:
    return first["schema-id"] == 0 and (not snapshots or snapshots[0].get("parent-snapshot-id") is None)


def _is_empty(metadata: Mapping[str, Any]) -> bool:
    """True only when the metadata says that the table has no row."""
    current = [
        snapshot
        for snapshot in metadata.get("snapshots", ())
        if snapshot["snapshot-id"] == metadata.get("current-snapshot-id")
    ]
    return all(snapshot.get("summary", {}).get("total-records") == "0" for snapshot in current)


def _type(kind: str | Mapping[str, Any]) -> str:
    if not isinstance(kind, str):
        return str(kind["type"])
    return _TYPES.get(kind, kind).replace(", ", ",")


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
