"""Erases rows of a table for good: in one commit the files that hold them are replaced, the manifests are
written anew without a trace of the old ones, and every earlier snapshot goes, with the branches and tags that
keep it. The files that only those named are deleted after it.

What is to be deleted is written down beside the table before the commit, so that a run which takes the place
of one that was killed deletes it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lean_ops.errors import LeanOpsError
from lean_ops.forget.keys import Forgotten
from lean_ops.forget.traces import holds_bounds, holds_rows, without_rows
from lean_ops.maintenance.reachable import reachable_paths, stored_objects
from lean_ops.maintenance.rewriting import rewritten, scan_tasks
from lean_ops.spark.catalog_calls import LOAD, READ_BY_SPARK
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.iceberg_classes import Iceberg, constant_function, iceberg_of
from lean_ops.tables.fenced_commits import commit_metadata
from lean_ops.tables.metadata_files import OWN_METADATA_PROPERTIES, missing_properties
from lean_ops.tables.spark_tables import Tables

OPERATION = "lean-ops.forgotten-by"
"""A property of a commit that erased rows: the operation."""
ROWS = "lean-ops.forgotten-rows"
"""A property of the same commit: how many rows of the table the operation has erased until then."""
STAGED_FOR = timedelta(hours=1)
"""A younger file that nothing names may be one that another writer is about to commit."""
_TARGET_BYTES = 64 << 20
_TRIES = 8


class ErasureOvertakenError(LeanOpsError):
    """Others kept committing to a table while its rows were erased."""


class _Overtaken(Exception):
    """Files came, or went, since the rows were looked for."""


@dataclass(frozen=True, kw_only=True)
class Appended:
    """The files that a reader takes next, by their paths: they are appended anew behind the erasure, so that
    it takes them from there. None of a table that nobody reads in such a way."""

    paths: Collection[str] = ()


@dataclass(frozen=True, kw_only=True)
class Target:
    """A table, and what goes from it.

    name: its full name. condition: which rows. epoch: that of the operation's topic, 0 for a table of all
    topics. is_held: whether nobody else writes to it now, so that whatever it does not name is nobody's.
    is_due: whether there is work although no row and no former snapshot is left. keeps_staged: whether files
    that nothing names are somebody's, and lose only the rows that go. properties: what the last commit of the
    library carries on, from the table's metadata (in Java). appended: which files are appended anew, from the
    table as loaded (in Java).
    """

    name: str
    condition: Column
    epoch: int = 0
    is_held: bool = False
    is_due: bool = False
    keeps_staged: bool = False
    properties: Callable[[Any], Mapping[str, str]] = lambda _: {}
    appended: Callable[[Any], Appended] = lambda _: Appended()


@dataclass(kw_only=True)
class Erased:
    """What was done to a table. rows: by all runs of the operation. snapshots: how many went. files: how many
    objects were deleted. upto: the snapshot behind which rows lie that a reader takes next."""

    rows: int = 0
    snapshots: int = 0
    files: int = 0
    upto: str | None = None
    refs: list[str] = field(default_factory=list)


def erase(
    tables: Tables, file_store: FileStore, target: Target, forgotten: Forgotten, now: datetime
) -> Erased:
    """Erases the rows, and everything that still held them. It can be repeated.

    now: an aware time. Raises FencedError, and ErasureOvertakenError when others were faster each time.
    """
    iceberg = iceberg_of(tables.spark._jvm)
    done = Erased(rows=rows_erased(tables, target.name, forgotten.operation_id))
    loaded = iceberg.load(tables.spark, target.name)
    if loaded.currentSnapshot() is not None and _has_work(tables, loaded, target, forgotten):
        _commit(tables, iceberg, file_store, target, forgotten, done)
    done.files = _delete_files(tables, iceberg, file_store, target, forgotten, now)
    return done


def rows_erased(tables: Tables, name: str, operation_id: str) -> int:
    """How many rows an operation has erased from a table already, by the commits that are kept."""
    found = 0
    for one in tables.metadata(name).get("snapshots", ()):
        if one.get("summary", {}).get(OPERATION) == operation_id:
            found = max(found, int(one["summary"].get(ROWS, 0)))
    return found


def erasing_snapshot(tables: Tables, name: str, operation_id: str) -> str | None:
    """The last snapshot by which an operation has erased rows of a table, before what it has appended
    anew."""
    own = [
        one
        for one in tables.metadata(name).get("snapshots", ())
        if one.get("summary", {}).get(OPERATION) == operation_id and ROWS in one["summary"]
    ]
    newest = max(own, key=lambda one: one.get("sequence-number", 0), default=None)
    return None if newest is None else str(newest["snapshot-id"])


def _has_work(tables: Tables, loaded: Any, target: Target, forgotten: Forgotten) -> bool:
    """Whether there is a row, or an earlier snapshot that may have had one."""
    if target.is_due:
        return True
    if _is_cut_by(tables, target.name, forgotten.operation_id):
        return bool(_files_with_rows(tables, target))
    return True


def _is_cut_by(tables: Tables, name: str, operation_id: str) -> bool:
    """Whether the oldest snapshot of a table is one of this operation's."""
    snapshots = tables.metadata(name).get("snapshots", ())
    oldest = min(snapshots, key=lambda one: one.get("sequence-number", 0), default=None)
    return oldest is not None and oldest.get("summary", {}).get(OPERATION) == operation_id


def _files_with_rows(tables: Tables, target: Target) -> dict[str, int]:
    """Path to the number of rows that go, of the files that have any."""
    tables.spark.catalog.refreshTable(target.name)
    found = tables.read(target.name).where(target.condition)
    counted = found.groupBy(F.col("_file").alias("path")).count().collect()
    return {row["path"]: row["count"] for row in counted}


def _commit(
    tables: Tables,
    iceberg: Iceberg,
    file_store: FileStore,
    target: Target,
    forgotten: Forgotten,
    done: Erased,
) -> None:
    before = done.rows
    for _ in range(_TRIES):
        loaded = iceberg.load(tables.spark, target.name)
        counts = _files_with_rows(tables, target)
        tasks = {task.file().location(): task for task in scan_tasks(loaded.newScan())}
        chosen = [task for path, task in tasks.items() if path in counts or task.deletes().size()]
        later = target.appended(loaded).paths
        new = _rewritten(tables, loaded, chosen, later, ~F.coalesce(target.condition, F.lit(False)))
        erasure = _Erasure(
            tables=tables,
            iceberg=iceberg,
            file_store=file_store,
            target=target,
            forgotten=forgotten,
            known=frozenset(tasks),
            chosen=chosen,
            new=new,
            rows=before + sum(counts.values()),
        )
        try:
            commit_metadata(
                iceberg,
                loaded,
                target.name,
                target.epoch,
                partial(erasure.change, loaded),
            )
        except _Overtaken:
            continue
        done.rows, done.snapshots, done.refs, done.upto = (
            erasure.rows,
            erasure.snapshots,
            erasure.refs,
            erasure.upto,
        )
        tables.spark.catalog.refreshTable(target.name)
        return
    raise ErasureOvertakenError(
        f"others committed to {target.name} each of {_TRIES} times while rows were erased from it. Nothing "
        "was changed there: resume the operation (lean-ops op resume)"
    )


def _rewritten(
    tables: Tables, loaded: Any, chosen: list[Any], later: Collection[str], keep: Column
) -> dict[str, list[Any]]:
    """The new files of the chosen ones. Files of one partition are joined, and their new files stand by the
    path of the first; but each file that is appended anew is written by itself.

    later: the paths of those.
    """
    specs = loaded.specs()
    groups: dict[str, list[Any]] = {}
    for task in chosen:
        file = task.file()
        partition = f"{file.specId()}/{specs.get(file.specId()).partitionToPath(file.partition())}"
        groups.setdefault(file.location() if file.location() in later else partition, []).append(task)
    return {
        tasks[0].file().location(): rewritten(
            tables.spark, loaded, tasks, sort_by=(), target_bytes=_TARGET_BYTES, where=keep
        )
        for tasks in groups.values()
    }


@dataclass(kw_only=True)
class _Erasure:
    """One commit, prepared: known: all files of the table as the rows were looked for. chosen: the tasks
    whose files go. new: their rows that stay, by path. rows: how many the operation has erased with it."""

    tables: Tables
    iceberg: Iceberg
    file_store: FileStore
    target: Target
    forgotten: Forgotten
    known: Collection[str]
    chosen: list[Any]
    new: Mapping[str, list[Any]]
    rows: int
    snapshots: int = 0
    refs: list[str] = field(default_factory=list)
    upto: str | None = None
    _doomed: set[str] = field(default_factory=set)

    def change(self, loaded: Any, operations: Any) -> tuple[Any, Any]:
        """Makes the metadata from what is there now. It is called again after a race that was lost."""
        base = operations.refresh()
        tasks = {task.file().location(): task for task in scan_tasks(loaded.newScan())}
        self._check(tasks)
        appended = self.target.appended(loaded).paths
        if not set(appended) <= set(tasks):
            raise LeanOpsError(
                f"files of {self.target.name} that no cycle has taken yet were rewritten by somebody: let a "
                "cycle run, then resume the operation"
            )
        # What this and the tries before leave behind is nobody's once the commit is there.
        self._doomed |= reachable_paths(self.tables.spark, self.iceberg, self.target.name, loaded)
        with self.iceberg.calls.made(LOAD, "load", self.target.name):
            transaction = loaded.newTransaction()
        erased = self._replace(transaction, tasks, appended)
        kept = [self._rewrite_manifests(transaction, base)]
        self.upto = str(kept[0])
        if appended:
            kept.append(self._append(transaction, tasks, appended))
        metadata = transaction.table().operations().current()
        self._doomed |= _files_of(loaded, metadata, erased)
        gone = [one for one in metadata.snapshots() if one.snapshotId() not in kept]
        self.snapshots, self.refs = len(base.snapshots()), sorted(set(base.refs()) - {"main"})
        builder = self.iceberg.metadata.buildFrom(metadata)
        for name in self.refs:
            builder.removeRef(name)
        ids = self.iceberg.array_list()
        for one in gone:
            builder.removeStatistics(one.snapshotId()).removePartitionStatistics(one.snapshotId())
            ids.add(one)
        builder.removeSnapshots(ids)
        known = base.properties()
        if new := missing_properties(OWN_METADATA_PROPERTIES, known) if self.target.is_held else {}:
            builder.setProperties(new)
        write_down(self.file_store, loaded.location(), self.forgotten.operation_id, self._doomed)
        return base, builder.build()

    def _check(self, tasks: Mapping[str, Any]) -> None:
        """Raises _Overtaken when a file to be replaced is gone, or one has come that has such rows."""
        if not {task.file().location() for task in self.chosen} <= set(tasks):
            raise _Overtaken
        for path in set(tasks) - set(self.known):
            files = self.file_store.open(path)
            if tasks[path].deletes().size() or holds_rows(files, path_of(path), self.forgotten):
                raise _Overtaken

    def _replace(self, transaction: Any, tasks: Mapping[str, Any], appended: Iterable[str]) -> int | None:
        """Takes the files away, and puts the new ones in their place that no reader is to take anew."""
        going = {task.file().location(): task for task in self.chosen}
        later = set(appended)
        away = {**going, **{path: tasks[path] for path in later}}
        if not away:
            return None
        # Without a snapshot to begin at, Iceberg looks for concurrent deletes back to the table's first one,
        # and refuses where that has expired. What has come until here was checked above.
        update = transaction.newRewrite().validateFromSnapshot(self._current(transaction))
        deletes: dict[str, Any] = {}
        for path, task in away.items():
            update.deleteFile(task.file())
            deletes |= {one.location(): one for one in task.deletes()}
            for file in () if path in later else self.new.get(path, ()):
                update.addFile(file)
        for file in deletes.values():
            update.deleteFile(file)
        return self._committed(transaction, update, {})

    def _rewrite_manifests(self, transaction: Any, base: Any) -> int:
        """Manifests name the files that went, with the bounds of their columns, until they are written
        anew."""
        update = transaction.rewriteManifests().clusterBy(constant_function(self.tables.spark._jvm))
        return self._committed(transaction, update, {**self.target.properties(base), ROWS: str(self.rows)})

    def _append(self, transaction: Any, tasks: Mapping[str, Any], appended: Iterable[str]) -> int:
        update = transaction.newFastAppend()
        for path in appended:
            for file in self.new.get(path, (tasks[path].file(),)):
                update.appendFile(file)
        return self._committed(transaction, update, {})

    def _committed(self, transaction: Any, update: Any, properties: Mapping[str, str]) -> int:
        for key, value in {**properties, OPERATION: self.forgotten.operation_id}.items():
            update.set(key, value)
        update.commit()
        return self._current(transaction)

    @staticmethod
    def _current(transaction: Any) -> int:
        return int(transaction.table().operations().current().currentSnapshot().snapshotId())


def _files_of(loaded: Any, metadata: Any, snapshot_id: int | None) -> set[str]:
    """The list and the manifests of a snapshot that the table does not keep."""
    if snapshot_id is None:
        return set()
    snapshot = metadata.snapshot(snapshot_id)
    manifests = [one.path() for one in snapshot.allManifests(loaded.io())]
    return {path_of(one) for one in (snapshot.manifestListLocation(), *manifests)}


def _note_path(location: str, operation_id: str) -> str:
    return f"{path_of(location)}/metadata/forget-{operation_id}.json"


def write_down(file_store: FileStore, location: str, operation_id: str, paths: Iterable[str]) -> None:
    """Writes beside a table which files are to be deleted once its commit is there, with those that an
    earlier run has written down."""
    path = _note_path(location, operation_id)
    found = sorted({*paths, *_written_down(file_store, location, operation_id)})
    with file_store.open(location).open_output_stream(path) as target:
        target.write(json.dumps(found).encode())


def _written_down(file_store: FileStore, location: str, operation_id: str) -> list[str]:
    try:
        with file_store.open(location).open_input_stream(_note_path(location, operation_id)) as source:
            return [str(path) for path in json.loads(source.read())]
    except (FileNotFoundError, ValueError):
        # The run was killed while it wrote, so it has committed nothing.
        return []


def _delete_files(
    tables: Tables,
    iceberg: Iceberg,
    file_store: FileStore,
    target: Target,
    forgotten: Forgotten,
    now: datetime,
) -> int:
    """Deletes what the table does not name any more: all of it where nobody else writes, and otherwise what
    was written down, and older files that hold a key."""
    loaded = iceberg.load(tables.spark, target.name)
    location = loaded.location()
    files = file_store.open(location)
    objects = list(stored_objects(file_store, location))
    note = _note_path(location, forgotten.operation_id)
    doomed = set(_written_down(file_store, location, forgotten.operation_id))
    with iceberg.calls.made(READ_BY_SPARK, "load", target.name):
        loaded = iceberg.load(tables.spark, target.name)
    named = reachable_paths(tables.spark, iceberg, target.name, loaded)
    found = 0
    for one in objects:
        if one.path in named or one.path == note:
            continue
        is_old = now - one.written_at > STAGED_FOR
        if target.is_held or one.path in doomed:
            files.delete_file(one.path)
            found += 1
        elif is_old and _holds(files, one.path, forgotten):
            if target.keeps_staged and one.path.endswith(".parquet"):
                without_rows(files, one.path, forgotten)
            else:
                files.delete_file(one.path)
            found += 1
    if any(one.path == note for one in objects):
        files.delete_file(note)
    return found


def _holds(files: Any, path: str, forgotten: Forgotten) -> bool:
    if path.endswith(".parquet"):
        return holds_rows(files, path, forgotten)
    return path.endswith(".avro") and holds_bounds(files, path, forgotten)
