"""The steps that every table goes through: expiry of snapshots, versions of its entry in the catalog, and
orphans."""

from collections.abc import Mapping, Sequence

from lean_ops.bookkeeping.operation import read_operation
from lean_ops.columns import names
from lean_ops.maintenance.expiry import MIN_EXPIRED, expire
from lean_ops.maintenance.maintenance_run import MaintenanceRun, Table
from lean_ops.maintenance.needs import oldest_running
from lean_ops.maintenance.orphans import LOOKED_AT_EVERY, orphans_of
from lean_ops.maintenance.pace import due
from lean_ops.maintenance.reachable import reachable_paths, stored_objects
from lean_ops.maintenance.shadows import live_layer, remove_shadow, shadows_of
from lean_ops.maintenance.snapshots import KEPT_SNAPSHOTS, Rules
from lean_ops.maintenance.versions import versions_to_delete
from lean_ops.spark.catalog_calls import LOAD
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.spark.session import file_store_of
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.topic_pool import SPARK_JOBS

_REWOUND = ("standardized", "curated")
"""The layers whose tables can be taken back to a day. Kept for the others, a snapshot of each day would keep
all files that compaction and retention have replaced."""


def expire_snapshots(run: MaintenanceRun, raw_taken: Sequence[str]) -> None:
    """Expires snapshots of all tables, RAW's first: the planner reads its metadata in each cycle.

    raw_taken: the snapshots up to which RAW was read.
    """

    def work(own: Tables, one: Table) -> Mapping[str, object] | None:
        epoch = 0 if one.state is None else one.state.epoch
        done = expire(own.spark, one.name, _rules(run, one, raw_taken), at_least=MIN_EXPIRED, epoch=epoch)
        return None if done is None else vars(done)

    run.note(waiting=len(run.each("snapshots expired", run.of("raw"), work)))
    run.by_turns("snapshots expired", run.of("ops", *_REWOUND), work)


def _rules(run: MaintenanceRun, one: Table, raw_taken: Sequence[str]) -> Rules:
    if one.layer == "raw":
        needed = [int(taken) for taken in raw_taken]
        return Rules(now=run.now, kept=KEPT_SNAPSHOTS, needed_after=needed, needs_all=not raw_taken)
    window = run.job.arguments.rewind_window_days if one.layer in _REWOUND else 0
    return Rules(now=run.now, kept=KEPT_SNAPSHOTS, daily_for_days=window)


def delete_versions(run: MaintenanceRun) -> None:
    """Deletes old versions of the tables' entries in the catalog."""

    def work(own: Tables, one: Table) -> Mapping[str, object] | None:
        calls = iceberg_of(own.spark._jvm).calls
        with calls.made(LOAD, "list versions", one.name):
            found = run.job.versions.of_table(one.layer, one.table)
        gone = versions_to_delete(found)
        if not gone:
            return None
        with calls.made(1 + len(gone) // 100, "delete versions", one.name):
            run.job.versions.delete(one.layer, one.table, gone)
        return {"versions": len(gone), "kept": len(found) - len(gone)}

    run.by_turns("versions deleted", run.all_tables, work)


def remove_shadows(run: MaintenanceRun) -> None:
    """Removes the shadows of rebuilds that have ended: a cancelled one may have died before it did."""
    tables, operations = run.tables, run.job.operations
    try:
        for name, operation_id in shadows_of(tables).items():
            item = operations.get(operation_id)
            operation = None if item is None else read_operation(item)
            if operation is None or not operation.is_ended:
                continue
            layer, own = live_layer(name), names.table_name(operation.topic)
            has_live = layer is not None and own in tables.listed(layer)
            remove_shadow(tables, name, tables.name(layer, own) if layer and has_live else None)
            run.job.log("shadow removed", table=f"ops.{name}", operation_id=operation_id)
    except Exception as error:
        run.fail("shadow removed", "operations", error)


def remove_orphans(run: MaintenanceRun) -> None:
    """Reports the objects that belong to no table, and removes those that are old enough."""
    file_store = file_store_of(run.job.spark)
    # What an operation writes that begins after this look is young.
    try:
        oldest_operation = oldest_running(run.job.operations)
    except Exception as error:
        run.fail("orphans found", "operations", error)
        return

    def work(own: Tables, one: Table) -> Mapping[str, object] | None:
        iceberg = iceberg_of(own.spark._jvm)
        # What is committed after the objects are listed is named by the metadata that is read after that.
        objects = list(stored_objects(file_store, iceberg.load(own.spark, one.name).location()))
        loaded = iceberg.load(own.spark, one.name)
        reachable = reachable_paths(own.spark, iceberg, one.name, loaded)
        found = orphans_of(objects, reachable, now=run.now, oldest_operation=oldest_operation)
        scheme = loaded.location().partition("://")[0]
        for orphan in found.removable:
            path = f"{scheme}://{orphan.path}" if "://" in loaded.location() else orphan.path
            loaded.io().deleteFile(path)
        if not found.found:
            return None
        return {
            "orphans": len(found.found),
            "bytes": sum(orphan.size for orphan in found.found),
            "removed": len(found.removable),
            "removed_bytes": sum(orphan.size for orphan in found.removable),
            "first": found.found[0].path,
        }

    count = due(len(run.all_tables), LOOKED_AT_EVERY, run.pace, run.now)
    run.by_turns("orphans found", run.all_tables, work, SPARK_JOBS, at_most=count)
