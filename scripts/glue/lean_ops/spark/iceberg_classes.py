"""Iceberg's own Java classes, each looked up once for the whole process.

A look-up is slow: for every part of a class's name Python asks the JVM, which then searches all its jars.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lean_ops.errors import LeanOpsError

COMMIT_FAILED = "org.apache.iceberg.exceptions.CommitFailedException"
"""The class of the exception by which Iceberg says that another commit was faster."""


class NotPlainFilesError(LeanOpsError):
    """The table has delete files or files other than Parquet, so only Spark can read it."""


class Iceberg:
    """The classes as attributes. jvm: that of any session, as all sessions of a process share one."""

    def __init__(self, jvm: Any) -> None:
        package = jvm.org.apache.iceberg
        self.spark_util = package.spark.Spark3Util
        self.commit_metadata = package.spark.CommitMetadata
        self.snapshots = package.SnapshotParser
        self.schemas = package.SchemaParser
        self.specs = package.PartitionSpecParser
        self.metadata = package.TableMetadata
        self.table_metadata = package.TableMetadataParser
        self.expressions = package.expressions.Expressions
        self.data_files = package.DataFiles
        self.metrics_config = package.MetricsConfig
        self.parquet = package.parquet.ParquetUtil
        self.footers = package.shaded.org.apache.parquet.format.converter.ParquetMetadataConverter
        self.byte_stream = jvm.java.io.ByteArrayInputStream
        self.stream = jvm.java.util.stream.Stream
        self.string_type = package.types.Types.StringType
        self.hash_map = jvm.java.util.HashMap
        self.java_class = jvm.java.lang.Class


@lru_cache(maxsize=1)
def iceberg_of(jvm: Any) -> Iceberg:
    """The classes of the process, looked up at the first call."""
    return Iceberg(jvm)


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
