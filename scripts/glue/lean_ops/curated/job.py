"""The Curated job: for topics with an active schema, the latest valid version of each record, typed.

A topic's batch is all that came after its own checkpoint, in one piece: cycle_delta since then, and when its
schema is new, Standardized's rows as well. The commit carries cycle, schema version and counts; errors go
before it, by ids that are hashes, so a killed run leaves nothing twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lean_ops.bookkeeping import checkpoint_mirror, ledger
from lean_ops.bookkeeping.curated_watermark import item_of as looked_item
from lean_ops.bookkeeping.curated_watermark import looked_through
from lean_ops.bookkeeping.run_outcome import Outcome
from lean_ops.columns import names
from lean_ops.curated.advance import LAYER, NONE_TAKEN, Advance, Checkpoint
from lean_ops.curated.advance_topics import advance_all
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.cycle_delta.summary import times_of, topic_cycles
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.errors import LeanOpsError
from lean_ops.ports.interfaces import ALL_TOPICS, Item, Job
from lean_ops.raw import snapshot_range
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable
from lean_ops.tasks.topic_pool import TopicPool, reason
from lean_ops.validation.topic_schema import TopicSchema, read_schema

_PAUSED = ("MAINTENANCE", "REBUILDING")


class TableBehindSchemaError(LeanOpsError):
    """The Curated table lacks columns of the active schema."""


@dataclass(frozen=True)
class _Plan:
    """at: None before the first time. commit: the table's last one. untold: those of runs that were killed
    before they could say so. standardized: the table to back-fill from."""

    topic: str
    schema: TopicSchema
    table: TopicTable
    at: Checkpoint | None
    commit: Commit | None
    untold: Sequence[Commit]
    standardized: TopicTable | None


def run(job: Job) -> Outcome:
    tables = Tables(job.spark, job.arguments.database_prefix)
    started = job.clock()
    outcome = Outcome()
    enabled = sorted(str(item["topic_name"]) for item in job.registry.items() if _is_due(item))
    if not enabled:
        job.log("no topic has a schema")
        return outcome
    listed = {layer: tables.listed(layer) for layer in (LAYER, "standardized")}
    mirrors = job.checkpoints.of_topics(enabled, LAYER)
    with TopicPool(job.spark, job.arguments.database_prefix) as pool:
        plans: list[_Plan] = []
        for topic, plan in pool.each(
            enabled, lambda own, topic: _plan(job, own, topic, listed, mirrors.get(topic))
        ):
            if isinstance(plan, Exception):
                _fail(job, outcome, topic, plan, started)
            elif plan is None:
                outcome.skipped[topic] = "no active schema"
                job.log("topic skipped", topic_name=topic, reason=outcome.skipped[topic])
            else:
                plans.append(plan)
        made: list[tuple[str, Commit]] = []
        looked = _looked(job, plans)
        # What cycle_delta has, not what this run is called: a cycle may fail before it gets there, and come
        # again.
        taken = snapshot_range.last_taken(tables, tables.name("ops", cycle_delta.TABLE), job.checkpoints)
        upto = taken.cycle_id if taken else NONE_TAKEN
        done = advance_all(tables, pool, _advances(job, tables, plans, looked, upto, started))
        for plan in plans:
            commit = done[plan.topic]
            if isinstance(commit, Exception):
                _fail(job, outcome, plan.topic, commit, started)
            else:
                made += [(plan.topic, one) for one in _untold(plan, commit)]
        for topic, commit in made:
            _enter(job, outcome, topic, commit)
        ledger.write(tables, outcome.entries)
        # What a mirror shows, the ledger has.
        items = {topic: _mirror_item(topic, commit) for topic, commit in made}
        checkpoint_mirror.put(job, pool, LAYER, items, outcome)
    status = "complete" if outcome.complete else "incomplete"
    item = {"cycle_id": job.arguments.cycle_id, "status": status, "updated_at": job.clock().isoformat()}
    # A topic that was left behind has not taken what is up to now, but has what was looked through before.
    through = upto if outcome.complete else looked
    job.checkpoints.put(ALL_TOPICS, LAYER, {**item, **looked_item(through, _reached(plans, done))})
    return outcome


def _looked(job: Job, plans: Sequence[_Plan]) -> str | None:
    """The cycle after which there may be something for one of the topics; None for from the first."""
    reached = _reached(plans)
    if not reached or len(reached) < len(plans):
        return None
    known = looked_through(job.checkpoints.get(ALL_TOPICS, LAYER), reached)
    return known or min(reached.values())


def _reached(
    plans: Iterable[_Plan], done: Mapping[str, Commit | Exception | None] | None = None
) -> dict[str, str]:
    """Topic to its checkpoint, by the commits that were made of the plans."""
    reached = {plan.topic: plan.at.through for plan in plans if plan.at is not None}
    made = {topic: commit for topic, commit in (done or {}).items() if isinstance(commit, Commit)}
    return reached | {topic: Checkpoint.of(commit).through for topic, commit in made.items()}


def _untold(plan: _Plan, commit: Commit | None) -> Iterator[Commit]:
    """The commits that ledger and mirror do not know, those included that killed runs made. Of two of one
    cycle the later has the counts of both."""
    new = None if commit is plan.commit else commit
    for before in plan.untold:
        if new is None or new.cycle_id != before.cycle_id:
            yield before
    if new is not None:
        yield new


def _is_due(item: Item) -> bool:
    enabled = item.get("processing_enabled") is True and item.get("status") not in _PAUSED
    return enabled and names.is_topic(str(item["topic_name"]))


def _plan(
    job: Job, tables: Tables, topic: str, listed: Mapping[str, set[str]], mirror: Item | None
) -> _Plan | None:
    text = job.schemas.active(topic)
    if text is None:
        return None
    schema = read_schema(text, topic)
    name = names.table_name(topic)
    if name not in listed[LAYER]:
        raise TableBehindSchemaError(f"{topic} has no Curated table: put its schema under pending/ again")
    table = TopicTable(tables.spark, tables.name(LAYER, name))
    there = {column.name for column in table.columns}
    lacking = [field.column for field in schema.fields if field.column not in there]
    if lacking:
        raise TableBehindSchemaError(
            f"{tables.name(LAYER, name)} lacks {', '.join(lacking[:10])}: put the schema under pending/ again"
        )
    commit = table.last_commit()
    at = None if commit is None else Checkpoint.of(commit)
    if commit is None and mirror is not None and not table.is_empty:
        # Maintenance expired the commits of a filled table.
        at = Checkpoint(str(mirror["delta_through"]), int(mirror["schema_version"]))
    first = at is None or at.schema_version == 0
    to_fill = first or (at is not None and at.schema_version != schema.version and schema.backfill)
    standardized = None
    if to_fill and name in listed["standardized"]:
        standardized = TopicTable(tables.spark, tables.name("standardized", name))
    told = None if mirror is None else mirror.get("snapshot_id")
    untold = [] if commit is None or commit.snapshot_id == told else table.commits_since(told)
    return _Plan(topic, schema, table, at, commit, untold, standardized)


def _advances(
    job: Job, tables: Tables, plans: list[_Plan], looked: str | None, upto: str, started: datetime
) -> list[Advance]:
    """What there is to judge for each topic: cycle_delta's cycles since its own checkpoint. looked: see
    _looked. upto: cycle_delta's last cycle."""
    found: dict[str, list[TopicCycle]] = {}
    for one in topic_cycles(tables, looked, None):
        if one.readable:
            found.setdefault(one.topic, []).append(one)
    advances = []
    for plan in plans:
        after = plan.at.through if plan.at else NONE_TAKEN
        new = [one for one in found.get(plan.topic, ()) if one.cycle_id > after]
        own = {one.cycle_id: one.readable for one in new}
        new_schema = plan.at is None or plan.at.schema_version != plan.schema.version
        through = upto if new_schema else max(own, default=after)
        advances.append(
            Advance(
                topic=plan.topic,
                table=plan.table,
                started=started,
                schema=plan.schema,
                at=plan.at,
                commit=plan.commit,
                cycle_id=job.arguments.cycle_id,
                cycles=own,
                times=times_of(new),
                through=through,
                standardized=plan.standardized,
            )
        )
    return advances


def _fail(job: Job, outcome: Outcome, topic: str, error: Exception, started: datetime) -> None:
    entry = ledger.Entry(topic, LAYER, job.arguments.cycle_id, started, job.clock(), error=reason(error))
    outcome.enter(entry)
    ledger.log_entry(job.log, entry)


def _enter(job: Job, outcome: Outcome, topic: str, commit: Commit) -> None:
    """Ledger entry and log line, also of a commit that a killed run made: it could not say so."""
    entry = ledger.entry_of(topic, LAYER, commit)
    if entry is not None:
        outcome.enter(entry)
        ledger.log_entry(job.log, entry)


def _mirror_item(topic: str, commit: Commit) -> Item:
    at = Checkpoint.of(commit)
    item = checkpoint_mirror.item_of(topic, LAYER, commit)
    return {**item, "schema_version": at.schema_version, "delta_through": at.through}
