"""The Standardized job: RAW's new rows to cycle_delta once, for all topics, then each topic from its own
checkpoint.

Every step may be killed and run again, by this cycle or the next. What was done is read from commits:
1 cycle_delta takes RAW's range in one commit that carries the range.
2 parse_errors and drift_log follow from cycle_delta; their ids are hashes, so a second time adds nothing.
3 each topic's table takes a cycle in one commit that carries the cycle and its counts.
4 ledger entries follow from those commits, the mirrors in DynamoDB from all of it, last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from pyspark.sql import functions as F

from lean_ops.bookkeeping import checkpoint_mirror, drift_log, ledger, table_ownership
from lean_ops.bookkeeping.run_outcome import Outcome
from lean_ops.bookkeeping.table_ownership import Ownership
from lean_ops.columns import names
from lean_ops.cycle_delta import parse_errors
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.cycle_delta.summary import Limits, topic_cycles
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.payload.flatten_batches import flatten_events
from lean_ops.ports.interfaces import ALL_TOPICS, Job
from lean_ops.raw import snapshot_range
from lean_ops.raw.flatten_files import Source, flatten_files, raw_splits
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.standardized import schema_evolution
from lean_ops.standardized.advance import LAYER, Advance
from lean_ops.standardized.advance_topics import advance_all
from lean_ops.standardized.schema_evolution import Evolution
from lean_ops.tables.commits import Commit
from lean_ops.tables.ops_rows import to_frame
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable
from lean_ops.tasks.topic_pool import TopicPool, reason
from lean_ops.validation.topic_schema import read_schema

_RAW_TABLE = "events"


@dataclass(frozen=True)
class _Plan:
    """What a topic's cycle will do. evolution None: the topic has taken it before (commit tells how)."""

    work: TopicCycle
    table: TopicTable
    commit: Commit | None = None
    evolution: Evolution | None = None


def run(job: Job) -> Outcome:
    tables = Tables(job.spark, job.arguments.database_prefix)
    delta_table = tables.name("ops", cycle_delta.TABLE)
    mirror = job.checkpoints.get(ALL_TOPICS, "raw") or {}
    done_through = mirror.get("complete_through")

    last = snapshot_range.last_taken(tables, delta_table, job.checkpoints)
    owners = table_ownership.owners_of(job.registry.items())
    ownership = _take(job, tables, last, owners)
    # Two more than a table may have, and those that may be listed, whatever the table has already.
    listed = job.arguments.max_columns + drift_log.MAX_RESCUED_LISTED + 2
    limits = Limits(listed, drift_log.MAX_RESCUED_LISTED, drift_log.MAX_PATH)
    pending = topic_cycles(tables, done_through, limits)
    ownership = _ensure_pending(job, tables, pending, owners, ownership)

    outcome = Outcome()
    finished: str | None = done_through
    with TopicPool(job.spark, job.arguments.database_prefix) as pool:
        for cycle_id, works in groupby(pending, key=lambda work: work.cycle_id):
            _run_cycle(job, tables, pool, cycle_id, list(works), ownership, outcome)
            if outcome.complete:
                finished = cycle_id
    ledger.write(tables, outcome.entries)
    _mirror(job, tables, delta_table, outcome, finished)
    return outcome


def _take(job: Job, tables: Tables, last: snapshot_range.Taken | None, owners: dict[str, str]) -> Ownership:
    """Step 1. Who owns a table is settled first: what is refused keeps its payload in the same commit."""
    arguments = job.arguments
    source = tables.name("raw", _RAW_TABLE)
    target = tables.name("ops", cycle_delta.TABLE)
    taken = snapshot_range.range_to_take(tables, source, last, arguments.cycle_id, arguments.to_snapshot_id)
    if taken is None:
        return Ownership()
    events = tables.read_between(source, taken.after, taken.upto)
    if taken.compare:
        others = tables.read(target).where(F.col("cycle_id") != arguments.cycle_id)
        events = snapshot_range.not_taken(events, others)
        why = "no way leads from the last cycle's snapshot to this one's: RAW is compared with cycle_delta"
        job.log("RAW history gone", level="WARN", last_snapshot_id=last and last.snapshot_id, reason=why)
    topics = [row["topic_name"] for row in events.select("topic_name").distinct().collect()]
    valid = [topic for topic in topics if names.is_topic(topic)]
    ownership = table_ownership.ensure_tables(valid, owners, tables.listed(LAYER), job.provisioner)
    properties = snapshot_range.properties(arguments.cycle_id, taken)
    parts = _parts(job, source, taken)
    if parts is not None:
        table = TopicTable(job.spark, target)
        files = flatten_files(job.spark, parts, table, arguments.cycle_id, ownership.refused)
        table.replace_where("cycle_id", arguments.cycle_id, files, properties)
    else:
        flat = flatten_events(events, arguments.cycle_id, ownership.refused)
        # Rows of a topic side by side, so that reading one topic back skips the others.
        flat = flat.sortWithinPartitions("topic_name")
        tables.replace_cycle(flat, target, arguments.cycle_id, properties)
    job.log("took RAW", after_snapshot_id=taken.after, to_snapshot_id=taken.upto, topics=len(topics))
    return ownership


def _parts(job: Job, source: str, taken: snapshot_range.RawRange) -> Source | None:
    """RAW's new files; None where Spark has to say which rows are new."""
    if taken.compare:
        return None
    try:
        return raw_splits(job.spark, source, taken.after, taken.upto)
    except NotPlainFilesError:
        return None


def _ensure_pending(
    job: Job, tables: Tables, pending: Iterable[TopicCycle], owners: dict[str, str], known: Ownership
) -> Ownership:
    """Adds the topics that an earlier cycle has left behind."""
    settled = known.ready | set(known.refused) | set(known.failed)
    others = {work.topic for work in pending if work.readable} - settled
    more = table_ownership.ensure_tables(others, owners, tables.listed(LAYER), job.provisioner)
    return Ownership(
        known.ready | more.ready,
        known.created | more.created,
        {**known.refused, **more.refused},
        {**known.failed, **more.failed},
    )


def _run_cycle(
    job: Job,
    tables: Tables,
    pool: TopicPool,
    cycle_id: str,
    works: Sequence[TopicCycle],
    ownership: Ownership,
    outcome: Outcome,
) -> None:
    """Steps 2 and 3 for one cycle. A topic that failed in an earlier cycle waits: its cycles go in order."""
    started = job.clock()
    refused_counts = _record_refused(job, tables, cycle_id, works, started)
    unready = {topic: f"{code}: {message}" for topic, (code, message) in ownership.refused.items()}
    unready |= ownership.failed
    waiting = [work for work in works if work.readable and work.topic not in outcome.failed]
    for work in waiting:
        if work.topic not in ownership.ready:
            _fail(job, outcome, work, unready.get(work.topic, "the topic has no table"), started)

    ready = [work for work in waiting if work.topic in ownership.ready]
    plans: list[_Plan] = []
    for work, plan in pool.each(ready, lambda own, work: _plan(job, own, work)):
        if isinstance(plan, Exception):
            _fail(job, outcome, work, reason(plan), started)
        else:
            plans.append(plan)
    added = _record_drift(tables, cycle_id, plans, ownership.created, started)

    commits = {plan.work.topic: plan.commit for plan in plans if plan.evolution is None}
    advances = [
        Advance(
            topic=plan.work.topic,
            table=plan.table,
            started=started,
            work=plan.work,
            evolution=plan.evolution,
            refused=refused_counts.get(plan.work.topic, (0, 0)),
            new_columns=added.get(plan.work.topic, 0),
        )
        for plan in plans
        if plan.evolution is not None
    ]
    by_topic = {work.topic: work for work in works}
    for topic, commit in advance_all(tables, pool, advances, lambda topic: _is_stable(job, topic)).items():
        if isinstance(commit, Exception):
            _fail(job, outcome, by_topic[topic], reason(commit), started)
        else:
            commits[topic] = commit
    for work in works:
        _enter(job, outcome, work, commits.get(work.topic), refused_counts.get(work.topic, (0, 0)), started)
    items = {
        topic: checkpoint_mirror.item_of(topic, LAYER, commit) for topic, commit in commits.items() if commit
    }
    checkpoint_mirror.put(job, pool, LAYER, items, outcome)


def _is_stable(job: Job, topic: str) -> bool:
    """Raises schemas.SchemaError."""
    text = job.schemas.active(topic)
    return text is not None and read_schema(text, topic).event_time_stable


def _plan(job: Job, tables: Tables, work: TopicCycle) -> _Plan:
    table = TopicTable(tables.spark, tables.name(LAYER, names.table_name(work.topic)))
    reached = _reached_cycle(job, work.topic, table)
    if reached is not None and reached >= work.cycle_id:
        return _Plan(work, table, table.commit_of(work.cycle_id))
    seen = schema_evolution.plan((one.name for one in table.columns), work.columns, job.arguments.max_columns)
    return _Plan(work, table, None, seen)


def _reached_cycle(job: Job, topic: str, table: TopicTable) -> str | None:
    """The last cycle a table has taken: by its own commits; by the mirror when maintenance expired those of a
    filled one."""
    last = table.last_commit()
    if last is not None:
        return last.cycle_id
    mirror = None if table.is_empty else job.checkpoints.get(topic, LAYER)
    return None if mirror is None else str(mirror["cycle_id"])


def _record_refused(
    job: Job, tables: Tables, cycle_id: str, works: Sequence[TopicCycle], at: datetime
) -> dict[str, tuple[int, int]]:
    """Topic to (messages that could not be read, copies of such). Copies are not errors of their own."""
    refused = {work.topic: work.refused for work in works if work.refused}
    if not refused:
        return {}
    table = tables.name("ops", parse_errors.TABLE)
    cycle = tables.read(tables.name("ops", cycle_delta.TABLE)).where(F.col("cycle_id") == cycle_id)
    tables.append_new(parse_errors.parse_error_rows(cycle, at), table, "error_id")
    recorded = parse_errors.recorded_in(tables.read(table), cycle_id)
    job.log("recorded parse errors", of_cycle_id=cycle_id, messages=sum(refused.values()))
    return {topic: (recorded.get(topic, 0), n - recorded.get(topic, 0)) for topic, n in refused.items()}


def _record_drift(
    tables: Tables, cycle_id: str, plans: Iterable[_Plan], created: frozenset[str], at: datetime
) -> dict[str, int]:
    """Before any ALTER: see schema_evolution.drift_of. Topic to columns that it gets in this cycle, as on
    record: a run that was killed after the ALTER has added some."""
    log = tables.name("ops", drift_log.TABLE)
    found = {
        one.drift_id: one
        for plan in plans
        if plan.evolution is not None
        for one in schema_evolution.drift_of(
            plan.work.topic,
            plan.work.cycle_id,
            plan.evolution,
            plan.work.rescued_paths,
            plan.work.topic in created,
        )
    }
    if found:
        rows = to_frame(tables.spark, [drift_log.row_of(one, at) for one in found.values()], drift_log.SCHEMA)
        tables.append_new(rows.coalesce(1), log, "drift_id")
    this_cycle = (F.col("cycle_id") == cycle_id) & (F.col("change_type") == drift_log.COLUMN_ADDED)
    counts = tables.read(log).where(this_cycle).groupBy("topic_name").count().collect()
    return {row["topic_name"]: row["count"] for row in counts}


def _fail(job: Job, outcome: Outcome, work: TopicCycle, why: str, started: datetime) -> None:
    _report(job, outcome, ledger.Entry(work.topic, LAYER, work.cycle_id, started, job.clock(), error=why))


def _enter(
    job: Job,
    outcome: Outcome,
    work: TopicCycle,
    commit: Commit | None,
    refused: tuple[int, int],
    started: datetime,
) -> None:
    """The ledger entry and the log line of a topic that is through with the cycle."""
    if work.topic in outcome.failed:
        return
    entry = ledger.entry_of(work.topic, LAYER, commit) if commit else None
    if entry is None and work.readable:
        return  # taken long ago, and the commit that told of it has expired: the ledger has its entry
    if entry is None:
        counts = {"records_in": work.refused, "duplicates": refused[1], "parse_errors": refused[0]}
        entry = ledger.Entry(work.topic, LAYER, work.cycle_id, started, job.clock(), counts)
    _report(job, outcome, entry)


def _report(job: Job, outcome: Outcome, entry: ledger.Entry) -> None:
    outcome.enter(entry)
    ledger.log_entry(job.log, entry)


def _mirror(job: Job, tables: Tables, delta_table: str, outcome: Outcome, finished: str | None) -> None:
    """complete_through: cycles up to it need not be looked at again. It saves time only; absent, all are
    looked at."""
    taken = snapshot_range.last_taken(tables, delta_table, job.checkpoints)
    job.checkpoints.put(
        ALL_TOPICS,
        "raw",
        {
            "snapshot_id": (taken.snapshot_id if taken else None) or "",
            "cycle_id": job.arguments.cycle_id,
            "status": "complete" if outcome.complete else "incomplete",
            "complete_through": finished,
            "updated_at": job.clock().isoformat(),
        },
    )
