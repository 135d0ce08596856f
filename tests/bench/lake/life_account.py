"""What a lake has become of: the sizes of its tables, and which of its objects no table names.

PyIceberg reads the metadata, so that the account does not lean on the code that removes such objects.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3

from bench_plan import Plan, iceberg_catalog
from life_requests import OPS_TABLES

_THREADS = 8


@dataclass(frozen=True, kw_only=True)
class TableSize:
    """metadata_bytes: of its current metadata file. snapshots, files: that the file names, and data files of
    the current snapshot."""

    layer: str
    table: str
    metadata_bytes: int
    snapshots: int
    files: int


def tables_of(plan: Plan) -> list[tuple[str, str]]:
    """The layers and names of all tables."""
    topics = [(layer, topic.table) for topic in plan.topics for layer in ("standardized", "curated")]
    return [("raw", "events"), *(("ops", table) for table in OPS_TABLES), *topics]


def load(plan: Plan, name: tuple[str, str]) -> Any:
    """PyIceberg's table of a layer and a name."""
    return iceberg_catalog().load_table((plan.database(name[0]), name[1]))


def size_of(plan: Plan, name: tuple[str, str]) -> TableSize:
    table = load(plan, name)
    current = table.current_snapshot()
    summary = current.summary if current else {}
    return TableSize(
        layer=name[0],
        table=name[1],
        metadata_bytes=len(table.io.new_input(table.metadata_location)),
        snapshots=len(table.metadata.snapshots),
        files=int((summary or {})["total-data-files"]) if current else 0,
    )


def sizes(plan: Plan) -> list[TableSize]:
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda name: size_of(plan, name), tables_of(plan)))


def named_paths(table: Any) -> set[str]:
    """The `bucket/key` of all files that the current metadata of a table leads to, for any of its
    snapshots."""
    found = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    read: set[str] = set()
    for snapshot in table.metadata.snapshots:
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in read:
                continue
            read.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(table.io, discard_deleted=False)
            found |= {entry.data_file.file_path for entry in entries}
    return {path.partition("://")[2] for path in found | read}


def stored(plan: Plan) -> Iterator[tuple[str, datetime]]:
    """The `bucket/key` of each object of the warehouse, and when the store says that it was written."""
    pages = (
        boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=plan.lake, Prefix="warehouse/")
    )
    for page in pages:
        for found in page.get("Contents", ()):
            yield f"{plan.lake}/{found['Key']}", found["LastModified"]


def unnamed(plan: Plan) -> tuple[int, list[tuple[str, datetime]]]:
    """The number of all objects of the warehouse, and those of them that no table's metadata leads to."""
    objects = list(stored(plan))
    with ThreadPoolExecutor(_THREADS) as pool:
        named = set().union(*pool.map(lambda name: named_paths(load(plan, name)), tables_of(plan)))
    return len(objects), [(path, at) for path, at in objects if path not in named]
