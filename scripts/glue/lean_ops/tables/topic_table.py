"""A topic's table as loaded once: tells what a task has to know of it, and commits the files that tasks
wrote.

It handles metadata only; rows stay on the executors. A commit succeeds only if no other writer has added or
removed rows since the table was loaded (Iceberg's serializable isolation), so that a run that was thought
dead cannot write a cycle twice; and only if no operation has fenced the table (fence.py). Both hold for every
form of commit: of the files of tasks, of rows that Spark writes, and of a checkpoint alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lean_ops.columns.column_paths import column_paths
from lean_ops.errors import LeanOpsError
from lean_ops.spark.iceberg_classes import (
    NotPlainFilesError,
    check_files_complete,
    iceberg_for_tasks,
    iceberg_of,
    plain_files,
)
from lean_ops.tables.ancestry import Ancestry, ancestry, is_ancestor
from lean_ops.tables.commits import (
    CYCLE_ID,
    Commit,
    TableError,
    commits_since,
    confirmed,
    last_commit,
    lineage,
)
from lean_ops.tables.compaction import COMPACT_FROM_FILES
from lean_ops.tables.data_files import DataFile, NewFile
from lean_ops.tables.data_location import DataLocation, data_location
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.fenced_commits import Accept, commit_snapshot
from lean_ops.tables.metadata_files import MERGE_FROM, MERGE_FROM_MANIFESTS, OWN_METADATA_PROPERTIES
from lean_ops.tables.moves import KeptSnapshot, Moved, snapshots_of
from lean_ops.tables.staged_rows import ReplacedFiles, staged
from lean_ops.tables.table_files import Column, Partitioning, is_supported
from lean_ops.tables.table_shape import LEGACY_PATH, data_path_statement, legacy_path_of

MAX_LOOKUP_FILES = 500
"""How many files of the table one task may look keys up in."""
MAX_LOOKUP_ROWS = 5_000_000
"""How many rows these files may have."""


class LegacyPathError(LeanOpsError):
    """Athena made the table without write_data_path_enabled; Iceberg 1.9 and later write no such table."""

    def __init__(self, table: str, path: str) -> None:
        name = ".".join(part.strip("`") for part in table.split(".")[1:])
        super().__init__(
            f"nothing can be written to {name}, as it has the deprecated property {LEGACY_PATH}: run "
            f"{data_path_statement(name, path)} in Athena"
        )


class NotForOneTaskError(LeanOpsError):
    """Spark has to do the work, as it is too much for one task."""


class OvertakenError(TableError):
    """Another run has made a commit since this one decided what its own is to be."""

    def __init__(self, table: str, last: Commit | None) -> None:
        now = "no commit of a run" if last is None else f"the one of cycle {last.cycle_id}"
        super().__init__(
            f"the last commit to {table} is {now}, which is not the one that this run went by: another run "
            "went on meanwhile. Nothing was written, and the next cycle goes on from there"
        )


class TopicTable:
    """A table as it was when loaded, or as its own last commit left it. Two threads must not use it at once.

    name: the full name, safe in SQL. epoch: the writer's, as the registry had it when the run began.
    """

    def __init__(self, spark: SparkSession, name: str, epoch: int = 0) -> None:
        self._spark: Any = spark
        self._name = name
        self.epoch = epoch
        self._iceberg = iceberg_of(spark._jvm)
        self._table = self._iceberg.load(spark, name)
        self._schema = json.loads(self._iceberg.schemas.toJson(self._table.schema()))
        fields = self._schema["fields"]
        self.columns = tuple(
            Column(one["name"], one["id"], _type(one["type"]), one.get("doc")) for one in fields
        )
        # The ids by name. Those of the entries of a map are under `name.key` and `name.value`.
        self.field_ids = dict(_field_ids(fields))
        self._loaded_at = self._table.currentSnapshot()
        self._planned: dict[str, Any] = {}

    def last_commit(self) -> Commit | None:
        """The last commit of the library, as commits.last_commit gives it."""
        return last_commit(self._iceberg, self._table)

    def commits_since(self, snapshot_id: str | None) -> list[Commit]:
        """The commits of the library after a snapshot, as commits.commits_since gives them."""
        return commits_since(self._iceberg, self._table, snapshot_id)

    def commits_in_force(self, snapshot_id: str | None = None) -> list[Commit]:
        """Every commit of the library at a snapshot, newest first, as far as they are kept; also several of
        one cycle, as a rebuild's swap is of the cycle before it. snapshot_id: None for the current one."""
        return [commit for commit, _ in lineage(self._iceberg, self._table, snapshot_id)]

    def kept_snapshots(self) -> dict[str, KeptSnapshot]:
        """All snapshots of the table, by id."""
        current = self._table.operations().current()
        return snapshots_of(json.loads(self._iceberg.table_metadata.toJson(current)))

    def commit_of(self, cycle_id: str) -> Commit | None:
        """The newest commit of a cycle, which need not be the last cycle; None when it has expired."""
        commits = (commit for commit, _ in lineage(self._iceberg, self._table))
        return next((commit for commit in commits if commit.cycle_id == cycle_id), None)

    def cycle_at(self, snapshot_id: str) -> str | None:
        """The cycle of the last commit at a snapshot, which need not be part of the table's history; None
        where there is none, or none any more."""
        snapshot = self._table.snapshot(int(snapshot_id)) if snapshot_id else None
        while snapshot is not None:
            cycle = snapshot.summary().get(CYCLE_ID)
            if cycle is not None:
                return str(cycle)
            parent = snapshot.parentId()
            snapshot = None if parent is None else self._table.snapshot(parent)
        return None

    def ancestry(self) -> Ancestry:
        """How far back the table's snapshots are kept."""
        return ancestry(self._iceberg, self._table)

    def moved(self) -> Moved | None:
        """The last move of the table by an operation, as long as the snapshot that it was moved to is part of
        the table's history. None where somebody else has moved it elsewhere since."""
        found = Moved.of(self._table.properties())
        return found if found and is_ancestor(self._table, found.to_snapshot) else None

    def column_paths(self) -> dict[str, str]:
        """The paths that have the table's columns, as columns.column_paths has them."""
        return column_paths({column.name: column.comment for column in self.columns})

    @property
    def is_empty(self) -> bool:
        """True only when the table's own metadata says that it has no row."""
        return self._loaded_at is None or self._loaded_at.summary().get("total-records") == "0"

    @property
    def rows(self) -> int:
        """How many rows the table has by its own metadata, including deleted ones."""
        return 0 if self._loaded_at is None else int(self._loaded_at.summary().get("total-records") or 0)

    @property
    def location(self) -> DataLocation:
        """Where new files go. Raises LegacyPathError."""
        legacy = legacy_path_of(self._table.properties())
        if legacy is not None:
            raise LegacyPathError(self._name, legacy)
        return data_location(self._table.locationProvider())

    def partitioning(self) -> Partitioning | None:
        """How the table is partitioned; None when it is not.

        Raises NotPlainFilesError when the spec has several fields, or a transform that tasks do not compute.
        """
        spec = json.loads(self._iceberg.specs.toJson(self._table.spec()))
        fields = [field for field in spec["fields"] if field["transform"] != "void"]
        if not fields:
            return None
        transform = fields[0]["transform"]
        if len(fields) > 1 or not (transform == "day" or transform.startswith("bucket[")):
            raise NotPlainFilesError("the table is partitioned in a way of its own")
        source = next(one.name for one in self.columns if one.field_id == fields[0]["source-id"])
        return Partitioning(fields[0]["name"], transform, source)

    def files(self, prune_to: EventTimes | None) -> tuple[DataFile, ...]:
        """The data files that may have the keys of a batch.

        prune_to: the batch's event times, when a key never changes its event time; files of other times are
        then left out. Raises NotForOneTaskError when there are too many files or rows, and NotPlainFilesError
        when tasks do not read them.
        """
        # Also for a table without files, as a task would write to it by these classes.
        iceberg = iceberg_for_tasks(self._spark._jvm)
        if self._loaded_at is None:
            return ()
        if not all(is_supported(column) for column in self.columns):
            raise NotPlainFilesError("the table has columns of other types than topics have")
        check_files_complete(iceberg, self._table, self._schema)
        found: list[DataFile] = []
        rows = 0
        scan = self._table.newScan()
        if prune_to is not None:
            scan = scan.filter(self._expression(prune_to))
        for file in plain_files(scan):
            # The statistics are left out, as only planning needs them.
            one = DataFile(file.location(), file.fileSizeInBytes(), file.recordCount())
            rows += one.rows
            if len(found) >= MAX_LOOKUP_FILES or rows > MAX_LOOKUP_ROWS:
                raise NotForOneTaskError(
                    f"more than {MAX_LOOKUP_FILES} files or {MAX_LOOKUP_ROWS} rows to look keys up in"
                )
            self._planned[one.path] = file
            found.append(one)
        # To ask Java for partitions takes longer than all else, so it is done only where they are needed.
        may_compact = len(found) >= COMPACT_FROM_FILES
        return tuple(self._with_partition(one) if may_compact or not one.is_small else one for one in found)

    def _with_partition(self, one: DataFile) -> DataFile:
        file, spec = self._planned[one.path], self._table.spec()
        if file.specId() != spec.specId():
            return one
        return replace(one, partition=spec.partitionToPath(file.partition()))

    def _expression(self, prune_to: EventTimes) -> Any:
        expressions = self._iceberg.expressions
        null = expressions.isNull("event_time")
        if prune_to.first is None or prune_to.last is None:
            return null
        # Standardized has event_time as text that ends in Z. For a timestamp without a zone Iceberg takes no
        # Z.
        zone = "Z" if ("event_time", "string") in ((one.name, one.type) for one in self.columns) else ""
        times = (prune_to.first, prune_to.last)
        first, last = (f"{one.isoformat(timespec='microseconds')}{zone}" for one in times)
        inside = getattr(expressions, "and")(
            expressions.greaterThanOrEqual("event_time", first),
            expressions.lessThanOrEqual("event_time", last),
        )
        return getattr(expressions, "or")(inside, null) if prune_to.some_null else inside

    def commit(
        self, files: Sequence[NewFile], removed: Sequence[str], properties: Mapping[str, str]
    ) -> Commit:
        """Adds files and removes those that they replace, in one commit that carries the checkpoint.

        removed: paths that `files` has given. Without either kind of files, the commit only moves the
        checkpoint. Raises FencedError, and Java's ValidationException when another writer has committed rows
        since the table was loaded, or has rolled it back.
        """
        added = [self._data_file(new) for new in files]
        return self._commit(added, [self._planned[path] for path in removed], properties)

    def append_rows(self, rows: DataFrame, properties: Mapping[str, str]) -> Commit:
        """Appends rows that Spark writes; columns of the table that they lack become null. Raises as commit
        does."""
        with staged(self._spark, self._iceberg, self._table) as rows_to_be:
            added = rows_to_be.write(rows_to_be.whole(rows))
        return self._commit(added, [], properties)

    def upsert_rows(self, rows: DataFrame, key: str, properties: Mapping[str, str]) -> Commit:
        """Inserts rows that Spark writes, or replaces those of the same key, which must be unique in `rows`.

        The files that have any of the keys are written anew, as Spark's own MERGE does it, and with them
        those of which others have deleted rows by delete files. Raises as commit does.
        """
        before, replaced = self._loaded_at, ReplacedFiles()
        with staged(self._spark, self._iceberg, self._table) as rows_to_be:
            new, keys = rows_to_be.whole(rows), rows.select(key)
            if before is not None:
                replaced = rows_to_be.files_with(keys, key, before)
            if replaced.tasks:
                kept = rows_to_be.rows_of(replaced.tasks).join(keys, on=key, how="left_anti")
                new = kept.unionByName(new)
            added = rows_to_be.write(new)
        removed = [task.file() for task in replaced.tasks]
        return self._commit(added, removed, properties, replaced.delete_files)

    def _commit(
        self,
        added: Sequence[Any],
        removed: Sequence[Any],
        properties: Mapping[str, str],
        delete_files: Sequence[Any] = (),
    ) -> Commit:
        """added, removed: data files, in Java. delete_files: those of which every row is in `removed`.

        A commit without files is an overwrite, too: an append is not validated, and would set its checkpoint
        upon a table that was rolled back meanwhile.
        """
        update = self._table.newOverwrite()
        for file in removed:
            update.deleteFile(file)
        for file in added:
            update.addFile(file)
        if delete_files:
            applied = self._iceberg.delete_file_set.create()
            for file in delete_files:
                applied.add(file)
            update.deleteFiles(self._iceberg.data_file_set.create(), applied)
        if self._loaded_at is not None:
            update.validateFromSnapshot(self._loaded_at.snapshotId())
        update.conflictDetectionFilter(self._iceberg.expressions.alwaysTrue())
        update.validateNoConflictingData()
        update.validateNoConflictingDeletes()
        return self._committed(update, properties)

    def replace_where(
        self,
        column: str,
        value: str,
        files: Sequence[NewFile],
        properties: Mapping[str, str],
        *,
        after: str | None,
    ) -> Commit:
        """Replaces the partitions in which `column` has this value, as a whole; there may be no new files.

        after: the snapshot of the library's last commit, by which the caller has decided what to write; None
        when there was none. Raises FencedError, and OvertakenError when that is not the last one any more.
        """
        return self._replace((column, value), [self._data_file(new) for new in files], properties, after)

    def replace_rows_where(
        self, column: str, value: str, rows: DataFrame, properties: Mapping[str, str], *, after: str | None
    ) -> Commit:
        """As replace_where, with rows that Spark writes."""
        with staged(self._spark, self._iceberg, self._table) as rows_to_be:
            added = rows_to_be.write(rows_to_be.whole(rows), is_distributed=False)
        return self._replace((column, value), added, properties, after)

    def _replace(
        self, where: tuple[str, str], added: Sequence[Any], properties: Mapping[str, str], after: str | None
    ) -> Commit:
        """where: column and value. added: data files, in Java."""
        update = self._table.newOverwrite().overwriteByRowFilter(self._iceberg.expressions.equal(*where))
        for file in added:
            update.addFile(file)

        # Iceberg validates rows and no checkpoints: a later cycle may have moved the checkpoint by a commit
        # without rows, and rows of other partitions are no conflict by this filter.
        def accept(base: Any) -> None:
            last = last_commit(self._iceberg, base)
            if (None if last is None else last.snapshot_id) != after:
                raise OvertakenError(self._name, last)

        return self._committed(update, properties, accept)

    def _committed(self, update: Any, properties: Mapping[str, str], *accept: Accept) -> Commit:
        """Commits an update. What is committed later must find the table as this leaves it."""
        wanted = {MERGE_FROM: str(MERGE_FROM_MANIFESTS), **OWN_METADATA_PROPERTIES}
        metadata = commit_snapshot(
            self._iceberg, self._table, self._name, self.epoch, update, properties, wanted, *accept
        )
        self._loaded_at = metadata.currentSnapshot()
        return confirmed(last_commit(self._iceberg, metadata), self._name, properties)

    def _data_file(self, new: NewFile) -> Any:
        builder = self._iceberg.data_files.builder(self._table.spec())
        builder.withPath(new.file.path).withFormat("parquet").withFileSizeInBytes(new.file.size)
        if new.file.partition:
            builder.withPartitionPath(new.file.partition)
        return builder.withMetrics(self._metrics(new.footer)).build()

    def _metrics(self, footer: bytes) -> Any:
        """The metrics of a file, which Iceberg reads from the footer that the task gave, without a
        request."""
        iceberg = self._iceberg
        metadata = iceberg.footers().readParquetMetadata(
            iceberg.byte_stream(footer[:-8]), iceberg.footers.NO_FILTER
        )
        config = iceberg.metrics_config.forTable(self._table)
        return iceberg.parquet.footerMetrics(metadata, iceberg.stream.empty(), config)


def _field_ids(fields: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    for one in fields:
        yield one["name"], one["id"]
        if _type(one["type"]) == "map":
            yield f"{one['name']}.key", one["type"]["key-id"]
            yield f"{one['name']}.value", one["type"]["value-id"]


def _type(found: Any) -> str:
    """Iceberg's name of a type; of a nested type, which no topic table has, its kind."""
    return found.replace(" ", "") if isinstance(found, str) else str(found["type"])
