"""Reads which files a table's metadata names, and which objects are there."""

from collections.abc import Iterator
from typing import Any

from pyarrow.fs import FileSelector, FileType
from pyspark.sql import SparkSession

from lean_ops.maintenance.orphans import StoredObject
from lean_ops.spark.catalog_calls import READ_BY_SPARK
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.iceberg_classes import Iceberg, maintenance_classes_of


def stored_objects(file_store: FileStore, location: str) -> Iterator[StoredObject]:
    """The objects below a table's location."""
    selector = FileSelector(path_of(location), allow_not_found=True, recursive=True)
    for info in file_store.open(location).get_file_info(selector):
        if info.type == FileType.File:
            yield StoredObject(path=info.path, size=info.size, written_at=info.mtime)


def reachable_paths(spark: SparkSession, iceberg: Iceberg, name: str, loaded: Any) -> set[str]:
    """The paths, without schemes, of all files that the table's metadata names, for any of its snapshots.

    name: its full name. loaded: Iceberg's own Table, in Java, loaded after the objects were listed.
    """
    files = maintenance_classes_of(spark._jvm).reachable_files
    found = {
        files.versionHintLocation(loaded),
        *files.metadataFileLocations(loaded, False),
        *files.manifestListLocations(loaded),
        *files.statisticsFilesLocations(loaded),
    }
    for kind, column in (("all_manifests", "path"), ("all_files", "file_path")):
        with iceberg.calls.made(READ_BY_SPARK, "load", name):
            rows = spark.table(f"{name}.{kind}").select(column).distinct().collect()
        found |= {row[0] for row in rows}
    return {path_of(location) for location in found}
