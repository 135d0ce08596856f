"""Writes data files of a table anew: joined, sorted, and without the rows that delete files take away.

Spark reads and writes them as it does for Iceberg's own rewrite (lean_ops.spark.iceberg_classes has the
classes), which has no place to compare a topic's epoch in. So the commit is made here.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import uuid4

from pyspark.sql import Column, SparkSession

from lean_ops.spark.catalog_calls import COMMIT, LOAD
from lean_ops.spark.iceberg_classes import Iceberg, iceberg_of
from lean_ops.tables.fenced_commits import commit_snapshot
from lean_ops.tables.metadata_files import OWN_METADATA_PROPERTIES

Commit = Callable[[Any], object]
"""Commits an update (Iceberg's SnapshotUpdate, in Java)."""


def scan_tasks(scan: Any) -> list[Any]:
    """The tasks (Iceberg's FileScanTask, in Java) of a TableScan, one for each data file."""
    planned = scan.ignoreResiduals().planFiles()
    try:
        listed, found = planned.iterator(), []
        while listed.hasNext():
            found.append(listed.next())
        return found
    finally:
        planned.close()


def rewritten(
    spark: SparkSession,
    loaded: Any,
    tasks: Sequence[Any],
    *,
    sort_by: Sequence[str],
    target_bytes: int,
    where: Column | None = None,
) -> list[Any]:
    """Writes the rows of these files to new ones, and gives those (Iceberg's DataFile, in Java).

    loaded: Iceberg's own Table, in Java, from which the tasks were planned. sort_by: the columns by which the
    rows are sorted over all new files; none to keep their order. where: which rows are written; None for all.
    The new files belong to no table before a commit says so.
    """
    iceberg = iceberg_of(spark._jvm)
    cache, staged, written = iceberg.table_cache, iceberg.task_sets.get(), iceberg.written_files.get()
    group = str(uuid4())
    listed = iceberg.array_list()
    for task in tasks:
        listed.add(task)
    count = max(1, -(-sum(task.length() for task in tasks) // target_bytes))
    cache.add(group, loaded)
    staged.stageTasks(loaded, group, listed)
    try:
        rows = spark.read.format("iceberg").option("scan-task-set-id", group).load(group)
        if where is not None:
            rows = rows.where(where)
        if sort_by:
            rows = rows.repartitionByRange(count, *sort_by).sortWithinPartitions(*sort_by)
        else:
            rows = rows.coalesce(count)
        writer = rows.write.format("iceberg").option("rewritten-file-scan-task-set-id", group)
        # The files are of one partition, but may be of an older spec than the table has now.
        writer = writer.option("fanout-enabled", "true").option("distribution-mode", "none")
        writer.option("target-file-size-bytes", str(target_bytes)).mode("append").save(group)
        return list(written.fetchNewFiles(loaded, group))
    finally:
        cache.remove(group)
        staged.removeTasks(loaded, group)
        written.clearRewrite(loaded, group)


def replace_files(
    loaded: Any, tasks: Iterable[Any], new: Iterable[Any], delete_files: Iterable[Any], commit: Commit
) -> None:
    """Puts the new files in the place of those of the tasks, in one commit, which changes no row.

    delete_files: those (Iceberg's DeleteFile, in Java) of which every row is applied in the new files. Raises
    Java's ValidationException when one of the files is gone, or rows of it were deleted, since the table was
    loaded.
    """
    update = loaded.newRewrite().validateFromSnapshot(loaded.currentSnapshot().snapshotId())
    for task in tasks:
        update.deleteFile(task.file())
    for file in new:
        update.addFile(file)
    for file in delete_files:
        update.deleteFile(file)
    commit(update)


def delete_partitions(spark: SparkSession, name: str, wanted: Callable[[Iceberg], Any]) -> None:
    """Deletes the rows for which an expression holds, in one commit that opens no data file.

    wanted: makes the expression (Iceberg's Expression, in Java). Raises Java's ValidationException where a
    file has such rows and others.
    """
    iceberg = iceberg_of(spark._jvm)
    loaded = iceberg.load(spark, name)
    update = loaded.newDelete().deleteFromRowFilter(wanted(iceberg))
    with iceberg.calls.made(LOAD + COMMIT + LOAD, "commit", name):
        update.commit()


def fenced_commit(iceberg: Iceberg, loaded: Any, name: str, epoch: int) -> Commit:
    """Commits to a topic's table, unless an operation has fenced it since the run began. epoch: the topic's,
    as the registry had it then. The commit raises FencedError."""

    def commit(update: Any) -> None:
        commit_snapshot(iceberg, loaded, name, epoch, update, {}, OWN_METADATA_PROPERTIES)

    return commit


def plain_commit(iceberg: Iceberg, name: str) -> Commit:
    """Commits to a table of all topics, which no operation fences. Iceberg tries again when another commit
    was faster, and validates anew."""

    def commit(update: Any) -> None:
        with iceberg.calls.made(LOAD + COMMIT + LOAD, "commit", name):
            update.commit()

    return commit
