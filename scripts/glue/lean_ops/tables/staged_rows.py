"""Rows that Spark writes to files which no commit has made part of the table yet.

Spark's own append and MERGE end in a commit of their own that nobody can fence. So Spark writes in the way in
which Iceberg's own compaction has it write: the new files are handed to the driver and not committed, and
what a file had is read from the very files that a commit is to replace. All of it goes by an id that is an
option of one read or one write, as all threads of the driver share one session and its settings.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lean_ops.spark.iceberg_classes import Iceberg

_NOT_COMMITTED = "rewritten-file-scan-task-set-id"
_FROM_TASKS = "scan-task-set-id"
_AT_SNAPSHOT = "snapshot-id"
_FANOUT = "fanout-enabled"
_DISTRIBUTION = "distribution-mode"

MAX_CLEANED_BYTES = 1 << 30
"""How many bytes of data files with deleted rows are written anew beside those that have to be replaced."""


@dataclass(frozen=True)
class ReplacedFiles:
    """The files that a commit replaces.

    tasks: those that read the data files (Iceberg's FileScanTask, in Java). delete_files: Iceberg's
    DeleteFile, in Java; of none of them is a row in any other data file.
    """

    tasks: Sequence[Any] = ()
    delete_files: Sequence[Any] = ()


class StagedRows:
    """Reads and writes files of one table for one commit; see `staged`."""

    def __init__(self, spark: SparkSession, iceberg: Iceberg, loaded: Any, own_id: str) -> None:
        self._spark = spark
        self._iceberg = iceberg
        self._loaded = loaded
        self._id = own_id

    def whole(self, rows: DataFrame) -> DataFrame:
        """The rows with NULL in the columns of the table that they lack.

        The table can have more columns than the active schema: schema-validator adds them before a schema
        becomes active, and leaves those of a schema that was overtaken. A table of format version 3 has ids
        of its rows besides, which new rows get by the commit.
        """
        known = {name.lower() for name in rows.columns}
        missing = [field for field in self._of_tasks().schema.fields if field.name.lower() not in known]
        return rows.select("*", *(F.lit(None).cast(field.dataType).alias(field.name) for field in missing))

    def write(self, whole: DataFrame, *, is_distributed: bool = True) -> list[Any]:
        """Writes whole rows to new files. Returns them (Iceberg's DataFile, in Java), with their metrics.

        is_distributed: whether the rows of a partition come together first, as the table says. Rows of a
        single partition would all go through one task; without it they stay in the tasks and in the order
        that they have.
        """
        writer = whole.write.format("iceberg").option(_NOT_COMMITTED, self._id)
        if is_distributed:
            # Spark sorts by partition whatever it writes. Otherwise Iceberg keeps a file open for each
            # partition that a task meets, and a producer with made-up event times would make the job run out
            # of memory.
            writer = writer.option(_FANOUT, "false")
        else:
            writer = writer.option(_FANOUT, "true").option(_DISTRIBUTION, "none")
        writer.mode("append").save(self._id)
        coordinator = self._iceberg.written_files.get()
        files = list(coordinator.fetchNewFiles(self._loaded, self._id))
        coordinator.clearRewrite(self._loaded, self._id)
        return files

    def files_with(self, keys: DataFrame, key: str, snapshot: Any) -> ReplacedFiles:
        """The files of a snapshot (Iceberg's Snapshot, in Java) in which any of the keys is. keys: values in
        the column `key`.

        Where other engines have deleted rows by delete files, these go as well, with all data files that they
        are about. A delete file that outlived the rows of a replaced file would be counted as deleting rows
        until some later commit took it away, and neither number would be that of the table.
        """
        snapshot_id = snapshot.snapshotId()
        rows = self._spark.read.format("iceberg").option(_AT_SNAPSHOT, snapshot_id).load(self._id)
        found = rows.select(key, "_file").join(keys, on=key, how="left_semi").select("_file").distinct()
        paths = {row["_file"] for row in found.collect()}
        if not paths:
            return ReplacedFiles()
        has_deletes = snapshot.summary().get("total-delete-files") != "0"
        return _replaced(self._tasks(snapshot_id), paths, has_deletes)

    def _tasks(self, snapshot_id: int) -> Iterator[Any]:
        planned = self._loaded.newScan().useSnapshot(snapshot_id).planFiles()
        try:
            listed = planned.iterator()
            while listed.hasNext():
                yield listed.next()
        finally:
            planned.close()

    def rows_of(self, tasks: Sequence[Any]) -> DataFrame:
        """The rows that the tasks read, as whole rows. They can be read until `staged` ends."""
        listed = self._iceberg.array_list()
        for task in tasks:
            listed.add(task)
        self._iceberg.task_sets.get().stageTasks(self._loaded, self._id, listed)
        return self._of_tasks()

    def _of_tasks(self) -> DataFrame:
        return self._spark.read.format("iceberg").option(_FROM_TASKS, self._id).load(self._id)


def _replaced(tasks: Iterator[Any], paths: Collection[str], has_deletes: bool) -> ReplacedFiles:
    """paths: the data files that have to be replaced. has_deletes: whether there may be delete files."""
    wanted, others, size = [], [], 0
    for task in tasks:
        if task.file().location() in paths:
            wanted.append(task)
        elif has_deletes and task.deletes().size():
            others.append(task)
            size += task.length()
    if not has_deletes or size > MAX_CLEANED_BYTES:
        return ReplacedFiles(wanted)
    everything = [*wanted, *others]
    return ReplacedFiles(everything, [file for task in everything for file in task.deletes()])


@contextmanager
def staged(spark: SparkSession, iceberg: Iceberg, loaded: Any) -> Iterator[StagedRows]:
    """Makes a table known to Spark as it was loaded, under an id of its own, without a call of the catalog.

    loaded: Iceberg's own Table, in Java.
    """
    own_id = uuid4().hex
    iceberg.table_cache.add(own_id, loaded)
    try:
        yield StagedRows(spark, iceberg, loaded, own_id)
    finally:
        iceberg.table_cache.remove(own_id)
        iceberg.task_sets.get().removeTasks(loaded, own_id)
