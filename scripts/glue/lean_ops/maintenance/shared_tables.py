"""The steps about tables of all topics: cycle_delta's retention, RAW's days, and the ops tables' files."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StructType

from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.maintenance import debt, raw_days
from lean_ops.maintenance.delta_retention import cycles_to_drop
from lean_ops.maintenance.maintenance_run import MaintenanceRun, Table
from lean_ops.maintenance.needs import delta_needs, with_moved_tables, with_rebuilds
from lean_ops.maintenance.raw_days import RawDay, RawFile
from lean_ops.maintenance.rewriting import (
    delete_partitions,
    plain_commit,
    replace_files,
    rewritten,
    scan_tasks,
)
from lean_ops.maintenance.shadows import rebuild_needs
from lean_ops.spark.catalog_calls import READ_BY_SPARK
from lean_ops.spark.iceberg_classes import Iceberg, iceberg_of
from lean_ops.tables.fenced_commits import commit_properties
from lean_ops.tables.metadata_files import missing_properties
from lean_ops.tables.spark_tables import Tables

RAW_TABLE = "events"
_DATA = 0
_DELETED = 2
_ROW_GROUP_SIZE = "write.parquet.row-group-size-bytes"
_SMALL_ROW_GROUPS = str(4 << 20)
_OPS_TARGET_BYTES = 32 << 20
_IDS = ("error_id", "drift_id")
"""The columns by which rows are looked up, with the topic, by lean_ops.tables.known_ids."""
_SORTED_BY = "cycle_id"
"""What the other tables are looked up by."""


def drop_cycles(run: MaintenanceRun) -> None:
    """Drops the cycles that nobody needs from cycle_delta."""

    def work(own: Tables, one: Table) -> Mapping[str, object] | None:
        needs = delta_needs(run.job.checkpoints, run.job.registry.items())
        needs = with_moved_tables(needs, own, run.job.checkpoints)
        needs = with_rebuilds(needs, rebuild_needs(own))
        partitions = own.read(f"{one.name}.partitions")
        rows = partitions.select("partition.cycle_id", "total_data_file_size_in_bytes").collect()
        sizes = {row[0]: row[1] for row in rows}
        found = cycles_to_drop(sizes, needs, now=run.now, kept_days=run.job.arguments.rewind_window_days)
        dropped = list(found.dropped)
        if found.overdue:
            run.job.log(
                "old cycles kept",
                level="WARN",
                table=one.label,
                cycles=len(found.overdue),
                first_cycle_id=found.overdue[0],
                kept_by=found.kept_by,
            )
        if not dropped:
            return None
        delete_partitions(
            own.spark, one.name, lambda iceberg: getattr(iceberg.expressions, "in")("cycle_id", dropped)
        )
        return {
            "cycles": len(dropped),
            "through_cycle_id": dropped[-1],
            "bytes": sum(sizes[cycle] for cycle in dropped),
            "next_kept_by": found.kept_by,
        }

    run.each("cycles dropped", _named(run, "ops", cycle_delta.TABLE), work)


def drop_raw_days(run: MaintenanceRun, taken_sequence: int | None) -> None:
    """Drops the days of RAW that are older than it is kept."""
    kept_days = run.job.arguments.raw_retention_days
    if kept_days is None:
        return

    def work(own: Tables, one: Table) -> Mapping[str, object] | None:
        files = raw_files(own, one.name)
        found = raw_days.days_to_drop(files, now=run.now, kept_days=kept_days, taken_sequence=taken_sequence)
        if found.refused:
            run.job.log(
                "old days of RAW kept",
                level="WARN",
                days=len(found.refused),
                first_day=found.refused[0].isoformat(),
                reason="Standardized has not taken all of their rows",
            )
        if not found.days:
            return None
        delete_partitions(own.spark, one.name, lambda iceberg: _any_day(iceberg, found.days))
        gone = [file for file in files if file.day in found.days]
        return {
            "days": len(found.days),
            "first_day": found.days[0].isoformat(),
            "last_day": found.days[-1].isoformat(),
            "files": len(gone),
            "bytes": sum(file.size for file in gone),
        }

    run.each("days of RAW dropped", _named(run, "raw", RAW_TABLE), work)


def compact_raw(run: MaintenanceRun, taken_sequence: int | None) -> None:
    """Compacts days of RAW, sorted by topic, a group of files and a commit at a time."""

    def work(own: Tables, one: Table) -> Mapping[str, object] | None:
        files = raw_files(own, one.name)
        days = raw_days.days_to_compact(files, now=run.now, taken_sequence=taken_sequence)
        if days:
            _set_small_row_groups(own, one.name)
        for done, day in enumerate(days):
            if not run.has_time:
                run.note(waiting=len(days) - done)
                break
            before = run.job.elapsed()
            after = _compact_day(run, own, one, day)
            run.job.log(
                "day of RAW compacted",
                table=one.label,
                day=day.day.isoformat(),
                files_before=len(day.files),
                files_after=len(after),
                files_a_topic_before=day.depth,
                bytes_before=day.size,
                bytes_after=sum(after),
                seconds=round(run.job.elapsed() - before, 1),
            )
            run.note(done=1)
        return None

    run.note(waiting=len(run.each("days of RAW compacted", _named(run, "raw", RAW_TABLE), work)))


def _compact_day(run: MaintenanceRun, own: Tables, one: Table, day: RawDay) -> list[int]:
    """Returns the sizes of the day's files after it, as far as there was time."""
    iceberg = iceberg_of(own.spark._jvm)
    left = {file.path: file.size for file in day.files}
    after: list[int] = []
    for group in raw_days.groups_of(day.files):
        if after and not run.has_time:
            break
        paths = {file.path for file in group}
        loaded = iceberg.load(own.spark, one.name)
        tasks = [
            task
            for task in scan_tasks(loaded.newScan().filter(_any_day(iceberg, [day.day])))
            if task.file().location() in paths
        ]
        new = rewritten(
            own.spark,
            loaded,
            tasks,
            sort_by=("topic_name", "ingested_at"),
            target_bytes=raw_days.TARGET_BYTES,
        )
        replace_files(loaded, tasks, new, (), plain_commit(iceberg, one.name))
        after += [file.fileSizeInBytes() for file in new]
        for path in paths:
            del left[path]
    return [*after, *left.values()]


def compact_ops(run: MaintenanceRun) -> None:
    """Joins the small files of the ops tables, sorted by what they are looked up by."""

    def work(own: Tables, one: Table) -> Mapping[str, object] | None:
        iceberg = iceberg_of(own.spark._jvm)
        loaded = iceberg.load(own.spark, one.name)
        if loaded.currentSnapshot() is None:
            return None
        tasks = {task.file().location(): task for task in scan_tasks(loaded.newScan())}
        found = debt.rewrite_of(one.name, table_files(loaded, tasks.values()), _OPS_TARGET_BYTES)
        if found is None:
            return None
        chosen = [tasks[file.path] for group in found.groups for file in group]
        new = rewritten(
            own.spark,
            loaded,
            chosen,
            sort_by=_order_of(own.columns(one.name)),
            target_bytes=_OPS_TARGET_BYTES,
        )
        replace_files(loaded, chosen, new, deletes_of(chosen), plain_commit(iceberg, one.name))
        return rewrite_line(found, new)

    shared = [one for one in run.of("ops") if one.table != cycle_delta.TABLE]
    run.by_turns("table rewritten", shared, work, at_once=1)


def _order_of(columns: Collection[str]) -> Sequence[str]:
    for key in _IDS:
        if key in columns:
            return ("topic_name", key)
    return (_SORTED_BY,) if _SORTED_BY in columns else ()


def table_files(loaded: Any, tasks: Any) -> list[debt.TableFile]:
    """The files of scan tasks, as the decision needs them."""
    specs = loaded.specs()
    found = []
    for task in tasks:
        file = task.file()
        partition = specs.get(file.specId()).partitionToPath(file.partition())
        found.append(
            debt.TableFile(
                path=file.location(),
                size=file.fileSizeInBytes(),
                partition=f"{file.specId()}/{partition}",
                deletes=tuple(one.location() for one in task.deletes()),
                sequence=file.dataSequenceNumber() or 0,
            )
        )
    return found


def deletes_of(tasks: Any) -> list[Any]:
    """The delete files (Iceberg's DeleteFile, in Java) that are about the files of these tasks, each once."""
    return list({one.location(): one for task in tasks for one in task.deletes()}.values())


def rewrite_line(rewrite: debt.Rewrite, new: list[Any]) -> dict[str, object]:
    """What the log says of a rewrite. new: the new files, in Java."""
    return {
        "files_before": sum(len(group) for group in rewrite.groups),
        "files_after": len(new),
        "delete_files_applied": len(rewrite.delete_files),
        "bytes_before": rewrite.size,
        "bytes_after": sum(file.fileSizeInBytes() for file in new),
    }


def raw_files(tables: Tables, name: str) -> list[RawFile]:
    """The data files of RAW, by one Spark job over its manifests. Empty where RAW is not partitioned by
    day."""
    iceberg = iceberg_of(tables.spark._jvm)
    with iceberg.calls.made(READ_BY_SPARK, "load", name):
        entries = tables.read(f"{name}.entries")
    file = entries.schema["data_file"].dataType
    partition = (
        file["partition"].dataType if isinstance(file, StructType) and "partition" in file.names else None
    )
    days = [
        one.name
        for one in (partition.fields if isinstance(partition, StructType) else ())
        if isinstance(one.dataType, DateType)
    ]
    if len(days) != 1:
        return []
    rows = (
        entries.where((F.col("status") != _DELETED) & (F.col("data_file.content") == _DATA))
        .select(
            F.col("data_file.file_path").alias("path"),
            F.col("data_file.file_size_in_bytes").alias("size"),
            F.col("data_file.partition").getField(days[0]).alias("day"),
            F.col("sequence_number"),
            F.col("readable_metrics.topic_name.lower_bound").alias("first"),
            F.col("readable_metrics.topic_name.upper_bound").alias("last"),
        )
        .collect()
    )
    return [
        RawFile(
            path=row["path"],
            day=row["day"],
            size=row["size"],
            sequence=row["sequence_number"],
            first=row["first"],
            last=row["last"],
        )
        for row in rows
        if row["day"] is not None
    ]


def _any_day(iceberg: Iceberg, days: Any) -> Any:
    """The expression (Iceberg's, in Java) for rows that came on any of these days."""
    expressions = iceberg.expressions
    found = None
    for day in days:
        first = datetime.combine(day, time())
        inside = getattr(expressions, "and")(
            expressions.greaterThanOrEqual("ingested_at", first.isoformat(timespec="microseconds")),
            expressions.lessThan(
                "ingested_at", (first + timedelta(days=1)).isoformat(timespec="microseconds")
            ),
        )
        found = inside if found is None else getattr(expressions, "or")(found, inside)
    return found


def _set_small_row_groups(tables: Tables, name: str) -> None:
    """Lets a reader of one topic skip most of a file. Firehose goes by settings of its own."""
    iceberg = iceberg_of(tables.spark._jvm)
    loaded = iceberg.load(tables.spark, name)
    wanted = {_ROW_GROUP_SIZE: _SMALL_ROW_GROUPS}
    commit_properties(iceberg, loaded, name, 0, lambda properties: missing_properties(wanted, properties))


def _named(run: MaintenanceRun, layer: str, table: str) -> list[Table]:
    return [one for one in run.of(layer) if one.table == table]
