"""What the library needs of Java: one list of classes and methods, and the check that a JVM has them.

Much of it is no public interface of Iceberg or Spark, so a build of them can lack it: Glue brings builds of
its own. A missing method would else show in the middle of a run, as an error of py4j.

tests/glue/spark/test_java_api.py holds the list to what the code calls.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError

from lean_ops.errors import LeanOpsError

COMMIT_FAILED = "org.apache.iceberg.exceptions.CommitFailedException"
"""The class of the exception by which Iceberg says that another commit was faster."""

JavaApi = Mapping[str, Sequence[str]]
"""Members by class. A class has its name as in the JVM, with $ before an inner one; a method its parameters'
classes, as reflection writes them; a field its name alone. Inherited members count."""

NEEDED: JavaApi = {
    "org.apache.iceberg.spark.Spark3Util": [
        "loadIcebergTable(org.apache.spark.sql.SparkSession,java.lang.String)",
    ],
    "org.apache.iceberg.spark.CommitMetadata": [
        "withCommitProperties(java.util.Map,java.util.concurrent.Callable,java.lang.Class)",
    ],
    "org.apache.iceberg.spark.FileRewriteCoordinator": [
        "clearRewrite(org.apache.iceberg.Table,java.lang.String)",
        "fetchNewFiles(org.apache.iceberg.Table,java.lang.String)",
        "get()",
    ],
    "org.apache.iceberg.spark.ScanTaskSetManager": [
        "get()",
        "removeTasks(org.apache.iceberg.Table,java.lang.String)",
        "stageTasks(org.apache.iceberg.Table,java.lang.String,java.util.List)",
    ],
    "org.apache.iceberg.spark.SparkTableCache": [
        "add(java.lang.String,org.apache.iceberg.Table)",
        "get()",
        "remove(java.lang.String)",
    ],
    "org.apache.iceberg.SnapshotParser": ["toJson(org.apache.iceberg.Snapshot)"],
    "org.apache.iceberg.SchemaParser": ["toJson(org.apache.iceberg.Schema)"],
    "org.apache.iceberg.TableMetadataParser": ["toJson(org.apache.iceberg.TableMetadata)"],
    "org.apache.iceberg.BaseTable": [
        *("currentSnapshot()", "newOverwrite()", "newScan()", "newTransaction()"),
        *("properties()", "schema()", "snapshot(long)"),
    ],
    "org.apache.iceberg.TableOperations": [
        "commit(org.apache.iceberg.TableMetadata,org.apache.iceberg.TableMetadata)",
        "current()",
        "refresh()",
    ],
    "org.apache.iceberg.TableMetadata": [
        *("buildFrom(org.apache.iceberg.TableMetadata)", "currentSnapshot()", "properties()", "schema()"),
        "snapshot(long)",
    ],
    "org.apache.iceberg.TableMetadata$Builder": [
        "build()",
        "setBranchSnapshot(org.apache.iceberg.Snapshot,java.lang.String)",
        "setProperties(java.util.Map)",
    ],
    "org.apache.iceberg.Snapshot": ["parentId()", "snapshotId()", "summary()"],
    "org.apache.iceberg.OverwriteFiles": [
        "addFile(org.apache.iceberg.DataFile)",
        "apply()",
        "conflictDetectionFilter(org.apache.iceberg.expressions.Expression)",
        "deleteFile(org.apache.iceberg.DataFile)",
        "deleteFiles(org.apache.iceberg.util.DataFileSet,org.apache.iceberg.util.DeleteFileSet)",
        "overwriteByRowFilter(org.apache.iceberg.expressions.Expression)",
        "set(java.lang.String,java.lang.String)",
        "validateFromSnapshot(long)",
        "validateNoConflictingData()",
        "validateNoConflictingDeletes()",
    ],
    "org.apache.iceberg.expressions.Expressions": [
        "alwaysTrue()",
        "equal(java.lang.String,java.lang.Object)",
    ],
    "org.apache.iceberg.TableScan": ["planFiles()", "useSnapshot(long)"],
    "org.apache.iceberg.io.CloseableIterable": ["close()", "iterator()"],
    "org.apache.iceberg.FileScanTask": ["deletes()", "file()", "length()"],
    "org.apache.iceberg.DataFile": ["location()"],
    "org.apache.iceberg.util.DataFileSet": ["create()"],
    "org.apache.iceberg.util.DeleteFileSet": ["add(java.lang.Object)", "create()"],
    "org.apache.iceberg.HasTableOperations": ["operations()"],
    "org.apache.iceberg.Transaction": ["table()", "updateSchema()"],
    "org.apache.iceberg.UpdateSchema": [
        "addColumn(java.lang.String,org.apache.iceberg.types.Type,java.lang.String)",
        "commit()",
        "updateColumnDoc(java.lang.String,java.lang.String)",
    ],
    "org.apache.iceberg.types.Types$StringType": ["get()"],
    COMMIT_FAILED: [],
    "org.apache.spark.sql.Dataset": ["queryExecution()"],
    "org.apache.spark.sql.execution.LogicalRDD": ["rdd()"],
}
"""Without these no job can run."""

NEEDED_BY_TASKS: JavaApi = {
    "org.apache.iceberg.BaseTable": [
        *("locationProvider()", "newIncrementalAppendScan()", "spec()", "specs()"),
    ],
    "org.apache.iceberg.PartitionSpecParser": ["toJson(org.apache.iceberg.PartitionSpec)"],
    "org.apache.iceberg.PartitionSpec": ["partitionToPath(org.apache.iceberg.StructLike)", "specId()"],
    "org.apache.iceberg.io.LocationProvider": ["newDataLocation(java.lang.String)"],
    "org.apache.iceberg.TableScan": [
        "filter(org.apache.iceberg.expressions.Expression)",
    ],
    "org.apache.iceberg.IncrementalAppendScan": [
        "fromSnapshotExclusive(long)",
        "planFiles()",
        "toSnapshot(long)",
    ],
    "org.apache.iceberg.DataFile": [
        *("fileSizeInBytes()", "format()", "partition()", "recordCount()", "specId()"),
    ],
    "org.apache.iceberg.FileFormat": ["name()"],
    "org.apache.iceberg.expressions.Expressions": [
        "and(org.apache.iceberg.expressions.Expression,org.apache.iceberg.expressions.Expression)",
        "greaterThan(java.lang.String,java.lang.Object)",
        "greaterThanOrEqual(java.lang.String,java.lang.Object)",
        "in(java.lang.String,java.lang.Iterable)",
        "isNull(java.lang.String)",
        "lessThanOrEqual(java.lang.String,java.lang.Object)",
        "or(org.apache.iceberg.expressions.Expression,org.apache.iceberg.expressions.Expression)",
    ],
    "org.apache.iceberg.DataFiles": ["builder(org.apache.iceberg.PartitionSpec)"],
    "org.apache.iceberg.DataFiles$Builder": [
        "build()",
        "withFileSizeInBytes(long)",
        "withFormat(java.lang.String)",
        "withMetrics(org.apache.iceberg.Metrics)",
        "withPartitionPath(java.lang.String)",
        "withPath(java.lang.String)",
    ],
    "org.apache.iceberg.MetricsConfig": ["forTable(org.apache.iceberg.Table)"],
    "org.apache.iceberg.parquet.ParquetUtil": [
        "footerMetrics(org.apache.iceberg.shaded.org.apache.parquet.hadoop.metadata.ParquetMetadata,"
        "java.util.stream.Stream,org.apache.iceberg.MetricsConfig)",
    ],
    "org.apache.iceberg.shaded.org.apache.parquet.format.converter.ParquetMetadataConverter": [
        "NO_FILTER",
        "readParquetMetadata(java.io.InputStream,org.apache.iceberg.shaded.org.apache.parquet.format.converter."
        "ParquetMetadataConverter$MetadataFilter)",
    ],
}
"""Without these, tasks cannot read and write the files of tables by themselves, and Spark does all work."""

NEEDED_BY_MOVES: JavaApi = {
    "org.apache.iceberg.TableMetadata$Builder": [
        "removeRef(java.lang.String)",
        "setBranchSnapshot(long,java.lang.String)",
        "setCurrentSchema(int)",
        "setDefaultPartitionSpec(int)",
        "setRef(java.lang.String,org.apache.iceberg.SnapshotRef)",
    ],
    "org.apache.iceberg.SnapshotRef": ["tagBuilder(long)"],
    "org.apache.iceberg.SnapshotRef$Builder": ["build()", "maxRefAgeMs(java.lang.Long)"],
}
"""Without these no operation can move a table to another of its snapshots."""

NEEDED_BY_MAINTENANCE: JavaApi = {
    "org.apache.iceberg.BaseTable": [
        *("currentSnapshot()", "expireSnapshots()", "io()", "location()", "newDelete()", "newRewrite()"),
        *("newScan()", "operations()", "specs()"),
    ],
    "org.apache.iceberg.TableMetadata": ["metadataFileLocation()"],
    "org.apache.iceberg.io.FileIO": ["deleteFile(java.lang.String)", "newInputFile(java.lang.String)"],
    "org.apache.iceberg.io.InputFile": ["getLength()"],
    "org.apache.iceberg.ExpireSnapshots": ["commit()", "expireOlderThan(long)", "expireSnapshotId(long)"],
    "org.apache.iceberg.DeleteFiles": [
        "commit()",
        "deleteFromRowFilter(org.apache.iceberg.expressions.Expression)",
    ],
    "org.apache.iceberg.RewriteFiles": [
        "addFile(org.apache.iceberg.DataFile)",
        "apply()",
        "commit()",
        "deleteFile(org.apache.iceberg.DataFile)",
        "deleteFile(org.apache.iceberg.DeleteFile)",
        "set(java.lang.String,java.lang.String)",
        "validateFromSnapshot(long)",
    ],
    "org.apache.iceberg.DataFile": ["dataSequenceNumber()"],
    "org.apache.iceberg.DeleteFile": ["location()"],
    "org.apache.iceberg.expressions.Expressions": ["lessThan(java.lang.String,java.lang.Object)"],
    "org.apache.iceberg.TableScan": ["ignoreResiduals()"],
    "org.apache.iceberg.ReachableFileUtil": [
        "manifestListLocations(org.apache.iceberg.Table)",
        "metadataFileLocations(org.apache.iceberg.Table,boolean)",
        "statisticsFilesLocations(org.apache.iceberg.Table)",
        "versionHintLocation(org.apache.iceberg.Table)",
    ],
}
"""Without these, maintenance ends before it has done anything. The layers' jobs do not ask for them."""

NEEDED_BY_REBUILD: JavaApi = {
    "org.apache.iceberg.BaseTable": ["io()", "location()"],
    "org.apache.iceberg.HasTableOperations": ["operations()"],
    "org.apache.iceberg.Transaction": ["newOverwrite()"],
    "org.apache.iceberg.TableMetadata": [
        *("currentSchemaId()", "defaultSpecId()", "lastColumnId()", "spec()"),
    ],
    "org.apache.iceberg.TableMetadata$Builder": [
        "setCurrentSchema(org.apache.iceberg.Schema,int)",
        "setDefaultPartitionSpec(org.apache.iceberg.PartitionSpec)",
        "setRef(java.lang.String,org.apache.iceberg.SnapshotRef)",
    ],
    "org.apache.iceberg.TableMetadataParser": [
        "fromJson(java.lang.String)",
        "write(org.apache.iceberg.TableMetadata,org.apache.iceberg.io.OutputFile)",
    ],
    "org.apache.iceberg.OverwriteFiles": ["commit()"],
    "org.apache.iceberg.Snapshot": ["timestampMillis()"],
    "org.apache.iceberg.SnapshotRef": ["tagBuilder(long)"],
    "org.apache.iceberg.SnapshotRef$Builder": ["build()", "maxRefAgeMs(java.lang.Long)"],
    "org.apache.iceberg.TableScan": ["includeColumnStats()"],
    "org.apache.iceberg.io.FileIO": ["deleteFile(java.lang.String)", "newOutputFile(java.lang.String)"],
    "org.apache.iceberg.catalog.Catalog": [
        "dropTable(org.apache.iceberg.catalog.TableIdentifier,boolean)",
        "registerTable(org.apache.iceberg.catalog.TableIdentifier,java.lang.String)",
    ],
    "org.apache.iceberg.catalog.TableIdentifier": ["parse(java.lang.String)"],
    "org.apache.iceberg.spark.SparkCatalog": ["icebergCatalog()"],
}
"""Without these, a rebuild ends before it has done anything."""

NEEDED_BY_ERASURE: JavaApi = {
    "org.apache.iceberg.Transaction": [
        *("newFastAppend()", "newRewrite()", "rewriteManifests()", "table()"),
    ],
    "org.apache.iceberg.RewriteManifests": [
        "clusterBy(java.util.function.Function)",
        "commit()",
        "set(java.lang.String,java.lang.String)",
    ],
    "org.apache.iceberg.AppendFiles": [
        "appendFile(org.apache.iceberg.DataFile)",
        "commit()",
        "set(java.lang.String,java.lang.String)",
    ],
    "org.apache.iceberg.TableMetadata": ["refs()", "snapshots()"],
    "org.apache.iceberg.TableMetadata$Builder": [
        "removePartitionStatistics(long)",
        "removeRef(java.lang.String)",
        "removeSnapshots(java.util.List)",
        "removeStatistics(long)",
    ],
    "org.apache.iceberg.Snapshot": ["allManifests(org.apache.iceberg.io.FileIO)", "manifestListLocation()"],
    "org.apache.iceberg.ManifestFile": ["path()"],
    "org.apache.iceberg.IncrementalAppendScan": [
        "fromSnapshotExclusive(long)",
        "planFiles()",
        "toSnapshot(long)",
    ],
}
"""Without these, and those of maintenance, an erasure ends before it has done anything."""

_ABSENT = (
    "java.lang.ClassNotFoundException",
    "java.lang.NoClassDefFoundError",
    "java.lang.NoSuchFieldException",
    "java.lang.NoSuchMethodException",
)


class JavaApiError(LeanOpsError):
    """The JVM lacks classes or methods without which no job can run."""

    def __init__(self, iceberg: str, missing: Sequence[str]) -> None:
        super().__init__(f"Iceberg {iceberg} lacks what the jobs call: {', '.join(missing)}")
        self.iceberg = iceberg
        self.missing = list(missing)


def missing_in(jvm: Any, needed: JavaApi) -> list[str]:
    """The classes, and members as `class.member`, that the JVM lacks, sorted."""
    reflection = _Reflection(jvm)
    found: list[str] = []
    for name, members in needed.items():
        if not reflection.has_class(name):
            found.append(name)
        else:
            found += [f"{name}.{member}" for member in members if not reflection.has_member(name, member)]
    return sorted(found)


class _Reflection:
    """Looks classes up in the loader from which py4j takes them."""

    def __init__(self, jvm: Any) -> None:
        self._jvm = jvm
        self._loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
        self._classes: dict[str, Any] = {
            "long": jvm.java.lang.Long.TYPE,
            "boolean": jvm.java.lang.Boolean.TYPE,
            "int": jvm.java.lang.Integer.TYPE,
        }

    def has_class(self, name: str) -> bool:
        return self._found(lambda: self._class(name))

    def has_member(self, class_name: str, member: str) -> bool:
        loaded = self._class(class_name)
        name, is_method, parameters = member.removesuffix(")").partition("(")
        if not is_method:
            return self._found(lambda: loaded.getField(name))
        return self._found(lambda: loaded.getMethod(name, self._array(parameters)))

    def _class(self, name: str) -> Any:
        if name not in self._classes:
            self._classes[name] = self._jvm.java.lang.Class.forName(name, False, self._loader)
        return self._classes[name]

    def _array(self, parameters: str) -> Any:
        classes = [self._class(name) for name in parameters.split(",") if name]
        array = self._jvm.java.lang.reflect.Array.newInstance(self._class("java.lang.Class"), len(classes))
        for n, one in enumerate(classes):
            array[n] = one
        return array

    @staticmethod
    def _found(look_up: Callable[[], object]) -> bool:
        try:
            look_up()
        except Py4JJavaError as error:
            # A class that is there may name one in a method that is not.
            if error.java_exception.getClass().getName() not in _ABSENT:
                raise
            return False
        return True


def singleton_of(jvm: Any, name: str) -> Any:
    """What the static method `get()` of a class gives, where a method of objects has the same name: py4j
    takes the one for the other."""
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    array = jvm.java.lang.reflect.Array.newInstance
    no_classes = array(jvm.java.lang.Class.forName("java.lang.Class"), 0)
    get = jvm.java.lang.Class.forName(name, True, loader).getMethod("get", no_classes)
    return get.invoke(None, array(jvm.java.lang.Class.forName("java.lang.Object"), 0))


def iceberg_threads(jvm: Any) -> int | None:
    """How many threads Iceberg has for manifests; None where its build does not say it."""
    try:
        return int(jvm.org.apache.iceberg.util.ThreadPools.WORKER_THREAD_POOL_SIZE)
    except (TypeError, Py4JError):
        return None


def iceberg_version(jvm: Any) -> str:
    """The version of Iceberg that its build says; `unknown` where none is there or does not say it."""
    try:
        return str(jvm.org.apache.iceberg.IcebergBuild.version())
    except (TypeError, Py4JError):
        return "unknown"
