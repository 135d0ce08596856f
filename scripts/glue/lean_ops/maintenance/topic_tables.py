"""The step about the files of topics' tables: those are rewritten whose rewriting gains most."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lean_ops.maintenance import expiry
from lean_ops.maintenance.debt import (
    MIN_SMALL_FILES,
    RECENT,
    TARGET_BYTES,
    Rewrite,
    rewrite_of,
    summary_is_clean,
    within_budget,
)
from lean_ops.maintenance.maintenance_run import MaintenanceRun, Table
from lean_ops.maintenance.rewriting import fenced_commit, replace_files, rewritten, scan_tasks
from lean_ops.maintenance.shared_tables import deletes_of, rewrite_line, table_files
from lean_ops.maintenance.snapshots import first_sequence_since
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.topic_pool import SPARK_JOBS

MAX_BYTES = 4 << 30
"""How many bytes of topics' tables one run rewrites."""


def rewrite_topic_tables(run: MaintenanceRun, *, also_recent: bool = False) -> None:
    """Rewrites the tables that gain most for their bytes. Files with deleted rows come first, as their topics
    go by Spark in each cycle until then.

    also_recent: whether files are joined that came lately, too.
    """
    since = None if also_recent else run.now - RECENT
    ordered = run.in_turn(run.of("standardized", "curated"))
    # The other half of the time is for what was found worth it.
    until = (run.job.elapsed() + run.ends_at) / 2
    planned, left = run.results(
        "table rewritten", ordered, lambda own, one: _plan(own, one, since)[2], None, until
    )
    run.note_turns(ordered, left)
    by_name = {one.name: one for one in ordered}
    wanted = [found for _, found in planned if found is not None]
    chosen = within_budget(wanted, MAX_BYTES)

    def work(own: Tables, one: Table) -> Mapping[str, object] | None:
        # Time has gone by, so what is rewritten is decided from the table as it is now.
        loaded, tasks, found = _plan(own, one, since)
        return None if found is None else _rewrite(own, one, loaded, tasks, found)

    tables = [by_name[found.table] for found in chosen]
    late = run.each("table rewritten", tables, work, at_once=SPARK_JOBS)
    run.note(waiting=len(wanted) - len(chosen) + len(late))


def _plan(own: Tables, one: Table, since: datetime | None) -> tuple[Any, Mapping[str, Any], Rewrite | None]:
    """The table as loaded, its scan tasks by path (both in Java), and what is worth rewriting. since: from
    when on files are too recent to be joined; None to join them all."""
    iceberg = iceberg_of(own.spark._jvm)
    loaded = iceberg.load(own.spark, one.name)
    snapshot = loaded.currentSnapshot()
    if snapshot is None or summary_is_clean(snapshot.summary(), MIN_SMALL_FILES):
        return loaded, {}, None
    tasks = {task.file().location(): task for task in scan_tasks(loaded.newScan())}
    recent_from = None
    if since is not None:
        recent_from = first_sequence_since(expiry.table_snapshots(iceberg, loaded), since)
    files = table_files(loaded, tasks.values())
    return loaded, tasks, rewrite_of(one.name, files, recent_from=recent_from)


def _rewrite(
    own: Tables, one: Table, loaded: Any, tasks: Mapping[str, Any], found: Rewrite
) -> Mapping[str, object]:
    iceberg = iceberg_of(own.spark._jvm)
    chosen = [[tasks[file.path] for file in group] for group in found.groups]
    new = [
        file
        for group in chosen
        for file in rewritten(own.spark, loaded, group, sort_by=(), target_bytes=TARGET_BYTES)
    ]
    everything = [task for group in chosen for task in group]
    epoch = 0 if one.state is None else one.state.epoch
    commit = fenced_commit(iceberg, loaded, one.name, epoch)
    replace_files(loaded, everything, new, deletes_of(everything), commit)
    return rewrite_line(found, new)
