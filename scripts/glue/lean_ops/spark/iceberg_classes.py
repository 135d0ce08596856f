"""Iceberg's own Java classes, each looked up once for the whole process.

A look-up is slow: for every part of a class's name Python asks the JVM, which then searches all its jars.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from lean_ops.errors import LeanOpsError
from lean_ops.spark import java_api
from lean_ops.spark.catalog_calls import LOAD, CatalogCalls


class NotPlainFilesError(LeanOpsError):
    """Tasks cannot read the table's files by themselves, so Spark has to."""


class Iceberg:
    """The classes as attributes, and the limit of calls of the catalog.

    jvm: that of any session, as all sessions of a process share one.

    missing_for_tasks: what the JVM lacks of java_api.NEEDED_BY_TASKS. With anything missing, Spark does all
    work. Raises JavaApiError when it lacks what no job can do without.
    """

    def __init__(self, jvm: Any) -> None:
        missing = java_api.missing_in(jvm, java_api.NEEDED)
        if missing:
            raise java_api.JavaApiError(java_api.iceberg_version(jvm), missing)
        self.missing_for_tasks = java_api.missing_in(jvm, java_api.NEEDED_BY_TASKS)
        package = jvm.org.apache.iceberg
        self.spark_util = package.spark.Spark3Util
        self.commit_metadata = package.spark.CommitMetadata
        self.written_files = package.spark.FileRewriteCoordinator
        self.table_cache = java_api.singleton_of(jvm, "org.apache.iceberg.spark.SparkTableCache")
        self.task_sets = package.spark.ScanTaskSetManager
        self.snapshots = package.SnapshotParser
        self.schemas = package.SchemaParser
        self.specs = package.PartitionSpecParser
        self.metadata = package.TableMetadata
        self.table_metadata = package.TableMetadataParser
        self.expressions = package.expressions.Expressions
        self.data_files = package.DataFiles
        self.data_file_set = package.util.DataFileSet
        self.delete_file_set = package.util.DeleteFileSet
        self.metrics_config = package.MetricsConfig
        self.parquet = package.parquet.ParquetUtil
        self.footers = package.shaded.org.apache.parquet.format.converter.ParquetMetadataConverter
        self.byte_stream = jvm.java.io.ByteArrayInputStream
        self.stream = jvm.java.util.stream.Stream
        self.string_type = package.types.Types.StringType
        self.hash_map = jvm.java.util.HashMap
        self.array_list = jvm.java.util.ArrayList
        self.java_class = jvm.java.lang.Class
        self.calls = CatalogCalls()
        """Every call of the catalog takes its share here."""

    def load(self, spark: Any, table: str) -> Any:
        """Iceberg's own Table, in Java, by its full name. It gives metadata without a Spark job."""
        with self.calls.made(LOAD, "load", table):
            return self.spark_util.loadIcebergTable(spark._jsparkSession, table)


@lru_cache(maxsize=1)
def iceberg_of(jvm: Any) -> Iceberg:
    """The classes of the process, looked up at the first call."""
    return Iceberg(jvm)


def iceberg_for_tasks(jvm: Any) -> Iceberg:
    """As iceberg_of, for what only tasks need. Raises NotPlainFilesError when the JVM lacks any of that."""
    iceberg = iceberg_of(jvm)
    if iceberg.missing_for_tasks:
        raise NotPlainFilesError(f"Iceberg lacks {', '.join(iceberg.missing_for_tasks)}")
    return iceberg


def plain_files(scan: Any) -> Iterator[Any]:
    """The data files (Iceberg's DataFile, in Java) that a TableScan reads.

    Raises NotPlainFilesError when one of them is not Parquet or has rows deleted by a delete file.
    """
    tasks = scan.planFiles()
    try:
        listed = tasks.iterator()
        while listed.hasNext():
            task = listed.next()
            file = task.file()
            if task.deletes().size() > 0 or file.format().name() != "PARQUET":
                raise NotPlainFilesError("the table has delete files, or files that are not Parquet")
            yield file
    finally:
        tasks.close()


def check_files_complete(iceberg: Iceberg, loaded: Any, schema: Mapping[str, Any]) -> None:
    """Raises NotPlainFilesError where a column that a file lacks may have other values than NULL.

    They are the column's default, and the partition's value where a table is or was partitioned by a column
    itself. loaded: Iceberg's own Table, in Java. schema: its current one, as JSON.
    """
    if any(one.get("initial-default") is not None for one in schema["fields"]):
        raise NotPlainFilesError("a column has a default for files from before")
    specs = loaded.specs()
    for spec in specs.values() if specs.size() > 1 else [loaded.spec()]:
        if any(one["transform"] == "identity" for one in json.loads(iceberg.specs.toJson(spec))["fields"]):
            raise NotPlainFilesError("the table is or was partitioned by a column itself")


class MaintenanceClasses:
    """What only maintenance needs of Iceberg besides.

    Raises JavaApiError when the JVM lacks any of it, before anything was done.
    """

    def __init__(self, jvm: Any) -> None:
        missing = java_api.missing_in(jvm, java_api.NEEDED_BY_MAINTENANCE)
        if missing:
            raise java_api.JavaApiError(java_api.iceberg_version(jvm), missing)
        self.reachable_files = jvm.org.apache.iceberg.ReachableFileUtil


class MoveClasses:
    """What only operations need that move a table to another snapshot. Raises as MaintenanceClasses does."""

    def __init__(self, jvm: Any) -> None:
        missing = java_api.missing_in(jvm, java_api.NEEDED_BY_MOVES)
        if missing:
            raise java_api.JavaApiError(java_api.iceberg_version(jvm), missing)
        self.ref = jvm.org.apache.iceberg.SnapshotRef
        self.long: Any = jvm.java.lang.Long
        """Python's small numbers are no Long to Java by themselves."""


@lru_cache(maxsize=1)
def move_classes_of(jvm: Any) -> MoveClasses:
    """The classes of the process, looked up at the first call."""
    return MoveClasses(jvm)


@lru_cache(maxsize=1)
def maintenance_classes_of(jvm: Any) -> MaintenanceClasses:
    """The classes of the process, looked up at the first call."""
    return MaintenanceClasses(jvm)


class RebuildClasses:
    """What only a rebuild needs of Iceberg and of Spark besides.

    Raises JavaApiError when the JVM lacks any of it, before anything was done.
    """

    def __init__(self, jvm: Any) -> None:
        missing = java_api.missing_in(jvm, java_api.NEEDED_BY_REBUILD)
        if missing:
            raise java_api.JavaApiError(java_api.iceberg_version(jvm), missing)
        package = jvm.org.apache.iceberg
        self.refs = package.SnapshotRef
        self.identifiers = package.catalog.TableIdentifier

    def catalog(self, spark: Any, name: str) -> Any:
        """Iceberg's own Catalog, in Java, behind a catalog of Spark's."""
        return spark._jsparkSession.sessionState().catalogManager().catalog(name).icebergCatalog()


@lru_cache(maxsize=1)
def rebuild_classes_of(jvm: Any) -> RebuildClasses:
    """The classes of the process, looked up at the first call."""
    return RebuildClasses(jvm)


@lru_cache(maxsize=1)
def check_erasure(jvm: Any) -> None:
    """Raises JavaApiError when the JVM lacks what only an erasure calls, before anything was done."""
    maintenance_classes_of(jvm)
    missing = java_api.missing_in(jvm, java_api.NEEDED_BY_ERASURE)
    if missing:
        raise java_api.JavaApiError(java_api.iceberg_version(jvm), missing)


@lru_cache(maxsize=1)
def constant_function(jvm: Any) -> Any:
    """A java.util.function.Function that gives the same text for everything, made without a call back to
    Python."""
    handles, java_class = jvm.java.lang.invoke.MethodHandles, jvm.java.lang.Class
    object_class = java_class.forName("java.lang.Object")
    dropped = jvm.java.lang.reflect.Array.newInstance(java_class.forName("java.lang.Class"), 1)
    dropped[0] = object_class
    handle = handles.dropArguments(handles.constant(object_class, "all"), 0, dropped)
    function = java_class.forName("java.util.function.Function")
    return jvm.java.lang.invoke.MethodHandleProxies.asInterfaceInstance(function, handle)
