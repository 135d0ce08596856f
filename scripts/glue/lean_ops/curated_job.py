"""The Curated job: for topics with an active schema, the latest valid version of each record, typed.

A topic's batch is all that came after its own checkpoint, in one piece: cycle_delta since then, and when its
schema is new, Standardized's rows as well. The commit carries cycle, schema version and counts; errors go
before it, by ids that are hashes, so a killed run leaves nothing twice.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops import curate, delta, judge, ledger, merge, names, raw
from lean_ops.frozen import frozen
from lean_ops.outcome import Outcome
from lean_ops.ports import ALL_TOPICS, Item, Job
from lean_ops.schemas import TopicSchema, read_schema
from lean_ops.tables import CYCLE_ID, Commit, Tables
from lean_ops.topic_pool import TopicPool, reason

LAYER = "curated"
_ERRORS = "errors"
_SCHEMA_VERSION = "lean-ops.schema-version"
_THROUGH = "lean-ops.delta-through"
"""The last cycle of cycle_delta that the table has taken. The commit's own cycle is the run's: a new schema
is judged in a run that may have no new rows."""
_NONE_TAKEN = "0"
_PAUSED = ("MAINTENANCE", "REBUILDING")
_DELTA_COLUMNS = ("topic_name", "cycle_id")


class TableBehindSchema(Exception):
    """The Curated table lacks columns of the active schema."""


@dataclass(frozen=True)
class _Checkpoint:
    through: str
    schema_version: int


@dataclass(frozen=True)
class _Plan:
    """at: None before the first time. commit: the table's last one."""

    topic: str
    schema: TopicSchema
    at: _Checkpoint | None
    commit: Commit | None = None

    @property
    def new_schema(self) -> bool:
        return self.at is None or self.at.schema_version != self.schema.version


@dataclass(frozen=True)
class _Shared:
    """What the topics of a run have in common. cycles: topic to its cycles in cycle_delta. lock: for the
    errors table."""

    job: Job
    through: str
    cycles: Mapping[str, tuple[str, ...]]
    standardized: frozenset[str]
    started: datetime
    lock: threading.Lock


def run(job: Job) -> Outcome:
    tables = Tables(job.spark, job.arguments.database_prefix)
    started = job.clock()
    outcome = Outcome()
    enabled = sorted(str(item["topic_name"]) for item in job.registry.items() if _is_due(item))
    if not enabled:
        job.log("no topic has a schema")
        return outcome
    curated = tables.listed(LAYER)
    with TopicPool(job.spark, job.arguments.database_prefix) as pool:
        plans: list[_Plan] = []
        for topic, plan in pool.each(enabled, lambda own, topic: _plan(job, own, topic, curated)):
            if isinstance(plan, Exception):
                _fail(job, outcome, topic, plan, started)
            elif plan is None:
                outcome.skipped[topic] = "no active schema"
                job.log("topic skipped", topic_name=topic, reason=outcome.skipped[topic])
            else:
                plans.append(plan)
        shared = _share(job, tables, plans, started)
        for plan, commit in pool.each(plans, lambda own, plan: _advance(own, plan, shared)):
            if isinstance(commit, Exception):
                _fail(job, outcome, plan.topic, commit, started)
            else:
                _enter(job, outcome, plan, commit)
    ledger.write(tables, outcome.entries)
    status = "complete" if outcome.complete else "incomplete"
    item = {"cycle_id": job.arguments.cycle_id, "status": status, "updated_at": job.clock().isoformat()}
    job.checkpoints.put(ALL_TOPICS, LAYER, item)
    return outcome


def _is_due(item: Item) -> bool:
    enabled = item.get("processing_enabled") is True and item.get("status") not in _PAUSED
    return enabled and names.is_topic(str(item["topic_name"]))


def _plan(job: Job, tables: Tables, topic: str, curated: set[str]) -> _Plan | None:
    text = job.schemas.active(topic)
    if text is None:
        return None
    schema = read_schema(text, topic)
    if names.table_name(topic) not in curated:
        raise TableBehindSchema(f"{topic} has no Curated table: put its schema under pending/ again")
    table = tables.name(LAYER, names.table_name(topic))
    lacking = [field.column for field in schema.fields if field.column not in set(tables.columns(table))]
    if lacking:
        raise TableBehindSchema(
            f"{table} lacks {', '.join(lacking[:10])}: put the schema under pending/ again"
        )
    commit = tables.last_commit(table)
    if commit is not None:
        return _Plan(topic, schema, _checkpoint(commit), commit)
    # Only where maintenance expired the commits of a filled table.
    mirror = None if tables.is_empty(table) else job.checkpoints.get(topic, LAYER)
    at = None if mirror is None else _Checkpoint(str(mirror["delta_through"]), int(mirror["schema_version"]))
    return _Plan(topic, schema, at)


def _checkpoint(commit: Commit) -> _Checkpoint:
    return _Checkpoint(commit.properties[_THROUGH], int(commit.properties[_SCHEMA_VERSION]))


def _share(job: Job, tables: Tables, plans: list[_Plan], started: datetime) -> _Shared:
    table = tables.name("ops", delta.TABLE)
    rows = tables.read(table)
    reached = [plan.at.through for plan in plans if plan.at is not None]
    since = min(reached) if len(reached) == len(plans) and reached else None
    found = delta.since(rows, since).select(*_DELTA_COLUMNS).distinct().collect()
    cycles: dict[str, tuple[str, ...]] = {}
    for row in sorted(found, key=lambda row: str(row["cycle_id"])):
        cycles[row["topic_name"]] = (*cycles.get(row["topic_name"], ()), row["cycle_id"])
    # What cycle_delta has, not what this run is called: a cycle may fail before it gets there, and come
    # again.
    taken = raw.last_taken(tables, table, job.checkpoints)
    through = taken.cycle_id if taken else _NONE_TAKEN
    standardized = frozenset(tables.listed("standardized"))
    return _Shared(job, through, cycles, standardized, started, threading.Lock())


def _candidates(tables: Tables, plan: _Plan, shared: _Shared) -> tuple[DataFrame | None, str]:
    """The versions to judge, each once, and the cycle up to which they are. None: nothing new."""
    after = plan.at.through if plan.at else _NONE_TAKEN
    cycles = [cycle for cycle in shared.cycles.get(plan.topic, ()) if cycle > after]
    rows = delta.readable(tables.read(tables.name("ops", delta.TABLE)))
    fresh = curate.versions_of_delta(delta.of_topic(rows, plan.topic, cycles)) if cycles else None
    if not plan.new_schema:
        return fresh, cycles[-1] if cycles else after
    table = names.table_name(plan.topic)
    if table not in shared.standardized:
        return fresh, shared.through
    held = tables.read(tables.name("standardized", table))
    if cycles:
        held = held.where(~F.col("cycle_id").isin(*cycles))
    back_fill = curate.versions_of_standardized(held, plan.topic)
    return back_fill if fresh is None else fresh.unionByName(back_fill), shared.through


def _advance(tables: Tables, plan: _Plan, shared: _Shared) -> Commit | None:
    versions, through = _candidates(tables, plan, shared)
    table = tables.name(LAYER, names.table_name(plan.topic))
    if versions is None and not plan.new_schema:
        return plan.commit
    properties = {
        CYCLE_ID: shared.job.arguments.cycle_id,
        _THROUGH: through,
        _SCHEMA_VERSION: str(plan.schema.version),
    }
    if versions is None:
        return tables.mark(
            table, properties | ledger.commit_properties(_so_far(plan, properties), shared.started)
        )
    with frozen(curate.judge(versions, plan.schema)) as judged:
        counts = _record_errors(tables, plan, shared, judged)
        return _merge(tables, plan, judged, table, properties, counts, shared.started)


def _record_errors(tables: Tables, plan: _Plan, shared: _Shared, judged: DataFrame) -> dict[str, int]:
    """Errors before the rows: after a crash in between they are found again. Gives the counts they stand
    for."""
    errors = tables.name("ops", _ERRORS)
    of_topic = (F.col("topic_name") == plan.topic) & (F.col("schema_version") == plan.schema.version)
    # Known from before this batch: what a killed run of the same batch wrote counts as new.
    earlier = F.lit(False) if plan.new_schema or plan.at is None else F.col("cycle_id") <= plan.at.through
    known = tables.read(errors).where(of_topic & earlier).select("error_id", F.lit(1).alias("known"))
    bad = judged.where(F.col("disposition").isNotNull())
    found = (
        bad.groupBy("error_id", "disposition")
        .agg(F.count(F.lit(1)).alias("n"))
        .join(known, on="error_id", how="left")
        .groupBy("disposition")
        .agg(F.sum("n").alias("n"), F.sum(F.isnull("known").cast("int")).alias("new"))
        .collect()
    )
    if not found:
        return {"rejected": 0, "nulled": 0, "copies": 0}
    messages = {row["disposition"]: row["n"] for row in found}
    new = {row["disposition"]: row["new"] for row in found}
    with shared.lock:
        rows = curate.error_rows(judged, plan.schema, shared.started)
        tables.append_new(rows, errors, "error_id")
    rejected = new.get(judge.REJECTED, 0)
    return {
        "rejected": rejected,
        "nulled": new.get(judge.NULLED, 0),
        "copies": messages.get(judge.REJECTED, 0) - rejected,
    }


def _merge(
    tables: Tables,
    plan: _Plan,
    judged: DataFrame,
    table: str,
    properties: dict[str, str],
    errors: dict[str, int],
    started: datetime,
) -> Commit | None:
    held = None
    if not tables.is_empty(table):
        held = tables.read(table).select(merge.KEY, "message_id", "produced_at", "ingested_at", "cycle_id")
    with frozen(merge.latest_versions(curate.valid_versions(judged), held)) as winners:
        counts = merge.count(winners)
        verdicts: tuple[str, ...] = (merge.NEW, merge.NEWER)
        updated = counts.updated
        if plan.new_schema:
            # The version that is there, judged by the new schema: it replaces itself.
            verdicts, updated = (merge.NEW, merge.NEWER, merge.SAME), counts.updated + counts.ties
        elif counts.ties:
            # Only a valid version can be the one that is there.
            rows = delta.readable(tables.read(tables.name("ops", delta.TABLE)))
            known = curate.versions_of_delta(rows.where(F.col("topic_name") == plan.topic))
            winners = merge.settle_ties(winners, curate.valid_versions(curate.judge(known, plan.schema)))
            counts = merge.count(winners)
            updated = counts.updated
        changed = curate.curated_rows(merge.rows_to_write(winners, verdicts), plan.schema)
        written = counts.inserted + updated
        batch = {
            "records_in": counts.versions + errors["rejected"] + errors["copies"],
            "duplicates": counts.duplicates + errors["copies"],
            "superseded": counts.superseded,
            "written": written,
            "rejected": errors["rejected"],
            "nulled": errors["nulled"],
        }
        so_far = _so_far(plan, properties)
        total = {name: so_far.get(name, 0) + n for name, n in batch.items()}
        properties = properties | ledger.commit_properties(total, started)
        if written == 0:
            return tables.mark(table, properties)
        if updated == 0:
            return tables.append(changed, table, properties)
        return tables.upsert(changed, table, [merge.KEY], properties)


def _so_far(plan: _Plan, properties: Mapping[str, str]) -> Mapping[str, int]:
    """Counts of this very cycle's earlier commit: a cycle that runs again after a schema change has two
    batches."""
    if plan.commit is None or plan.commit.cycle_id != properties[CYCLE_ID]:
        return {}
    entry = ledger.entry_of(plan.topic, LAYER, plan.commit)
    return entry.counts if entry else {}


def _fail(job: Job, outcome: Outcome, topic: str, error: Exception, started: datetime) -> None:
    entry = ledger.Entry(topic, LAYER, job.arguments.cycle_id, started, job.clock(), error=reason(error))
    outcome.enter(entry)
    ledger.log_entry(job.log, entry)


def _enter(job: Job, outcome: Outcome, plan: _Plan, commit: Commit | None) -> None:
    """Ledger entry, mirror and log line, also of a commit that a killed run made: it could not say so."""
    if commit is None:
        return
    entry = ledger.entry_of(plan.topic, LAYER, commit)
    counts = dict(entry.counts) if entry else {}
    item = {
        "cycle_id": commit.cycle_id,
        "snapshot_id": commit.snapshot_id,
        "schema_version": int(commit.properties[_SCHEMA_VERSION]),
        "delta_through": commit.properties[_THROUGH],
        "counts": counts,
        "updated_at": job.clock().isoformat(),
    }
    if (
        commit is plan.commit
        and (job.checkpoints.get(plan.topic, LAYER) or {}).get("snapshot_id") == commit.snapshot_id
    ):
        return  # nothing was new, and the last run has told all
    if entry is not None:
        outcome.enter(entry)
        ledger.log_entry(job.log, entry)
    job.checkpoints.put(plan.topic, LAYER, item)
