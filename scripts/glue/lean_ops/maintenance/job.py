"""The job maintenance: what keeps the tables from growing with the number of commits to them.

It runs under the pipeline's lease, so never beside a cycle, and for a budget of minutes. First comes what
waits least: RAW's metadata, which each cycle reads; last what only costs. Each step has its share of the
time, and where there is time in the end, it goes on. What a run does not come to, the next one does first
(pace.py). Each step decides anew from the tables as they are, so a run may be killed at any moment.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from lean_ops.columns import names
from lean_ops.maintenance.every_table import (
    delete_versions,
    expire_snapshots,
    remove_orphans,
    remove_shadows,
)
from lean_ops.maintenance.expiry import table_snapshots
from lean_ops.maintenance.maintenance_run import MaintenanceRun, Table
from lean_ops.maintenance.needs import TopicState, raw_snapshots_taken, topic_states
from lean_ops.maintenance.pace import (
    DROPS,
    EXPIRY,
    OPS_FILES,
    ORPHANS,
    RAW_FILES,
    TOPIC_FILES,
    VERSIONS,
    Pace,
)
from lean_ops.maintenance.shadows import is_shadow, rebuild_needs
from lean_ops.maintenance.shared_tables import (
    RAW_TABLE,
    compact_ops,
    compact_raw,
    drop_cycles,
    drop_raw_days,
)
from lean_ops.maintenance.steps import read_paces, take_steps
from lean_ops.maintenance.topic_tables import rewrite_topic_tables
from lean_ops.ports.interfaces import Maintenance
from lean_ops.spark.iceberg_classes import iceberg_of, maintenance_classes_of
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.topic_pool import TopicPool

_LAYERS = ("raw", "ops", "standardized", "curated")


def run(job: Maintenance) -> MaintenanceRun:
    """Maintains all tables, but those of topics that are held. Gives how it went."""
    maintenance_classes_of(job.spark._jvm)
    tables = Tables(job.spark, job.arguments.database_prefix)
    with _begun(job, tables, _tables(job, tables), read_paces(job)) as own:
        remove_shadows(own)
        taken = raw_snapshots_taken(tables, job.checkpoints)
        # What a rebuild reads of RAW stays until it is over. Days may be compacted all the same.
        read = [*taken, *rebuild_needs(tables).raw_snapshots] if taken else taken
        sequence = _sequence(tables, taken)
        take_steps(
            own,
            {
                DROPS: lambda: _drop(own, sequence),
                EXPIRY: lambda: expire_snapshots(own, read),
                VERSIONS: lambda: delete_versions(own),
                OPS_FILES: lambda: compact_ops(own),
                TOPIC_FILES: lambda: rewrite_topic_tables(own),
                RAW_FILES: lambda: compact_raw(own, sequence),
                ORPHANS: lambda: remove_orphans(own),
            },
        )
    return own


def _drop(run: MaintenanceRun, sequence: int | None) -> None:
    drop_raw_days(run, sequence)
    drop_cycles(run)


def run_topic(job: Maintenance, topic: str, epoch: int) -> MaintenanceRun:
    """Expires the snapshots and rewrites the files of one topic's tables, for an operation that has the topic
    to itself.

    epoch: that of the operation. The registry may have a later one meanwhile, when the operation was
    cancelled.
    """
    tables = Tables(job.spark, job.arguments.database_prefix)
    name = names.table_name(topic)
    state = TopicState(topic=topic, epoch=epoch, is_held=True)
    chosen = [
        Table(layer=layer, table=name, name=tables.name(layer, name), state=state)
        for layer in ("standardized", "curated")
        if name in tables.listed(layer)
    ]
    with _begun(job, tables, chosen, {}) as own:
        own.begin(EXPIRY, own.ends_at)
        expire_snapshots(own, ())
        own.begin(TOPIC_FILES, own.ends_at)
        rewrite_topic_tables(own, also_recent=True)
    return own


@contextmanager
def _begun(
    job: Maintenance, tables: Tables, chosen: list[Table], paces: Mapping[str, Pace]
) -> Iterator[MaintenanceRun]:
    budget = timedelta(minutes=job.arguments.budget_minutes).total_seconds()
    with TopicPool(job.spark, job.arguments.database_prefix, job.arguments.driver_threads) as pool:
        own = MaintenanceRun(
            job=job,
            tables=tables,
            pool=pool,
            now=job.clock(),
            ends_at=job.elapsed() + budget,
            all_tables=chosen,
            paces=paces,
        )
        yield own
    job.log("maintenance done", tables=len(own.all_tables), failed=len(own.failed), waiting=own.waiting)


def _tables(job: Maintenance, tables: Tables) -> list[Table]:
    """The tables to maintain. Those of topics that are held, or whose schema is being changed, are left
    alone."""
    states = topic_states(job.registry.items(), job.clock())
    found = []
    for layer in _LAYERS:
        for name in sorted(tables.listed(layer)):
            state = states.get(name) if layer in ("standardized", "curated") else None
            if not is_shadow(layer, name) and (state is None or not state.is_held):
                found.append(Table(layer=layer, table=name, name=tables.name(layer, name), state=state))
    held = sorted(state.topic for state in states.values() if state.is_held)
    if held:
        job.log("topics left alone", topics=len(held), first_topics=held[:20])
    return found


def _sequence(tables: Tables, taken: list[str]) -> int | None:
    """The sequence number up to which all of RAW was read; None where that is not known."""
    if not taken:
        return None
    iceberg = iceberg_of(tables.spark._jvm)
    by_id = table_snapshots(iceberg, iceberg.load(tables.spark, tables.name("raw", RAW_TABLE))).by_id
    known = [by_id[int(one)].sequence for one in taken if int(one) in by_id]
    return min(known) if len(known) == len(taken) else None
