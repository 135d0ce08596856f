"""historical_catch_up: brings topics that are older than drift_log or the registry in line with them.

Everything is looked at before anything is written, in an order that a cycle or a schema-validator at work
beside it cannot spoil: first the tables' columns, then the registry, then drift_log. The Standardized job
records a column before it adds it, and schema-validator before it settles an upload; so whatever has no row
by then gets none from them.

A topic is written in the order drift_log, columns, owner of the table, registry item; a batch of topics with
one commit to drift_log. What is done is left out: a run that was killed is simply run again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pyspark.sql import functions as F

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.table_ownership import owners_of
from lean_ops.catch_up import plan as catch_up_plan
from lean_ops.catch_up import table_owners
from lean_ops.catch_up.plan import CURATED, STANDARDIZED, OnRecord, TopicPlan, TopicState
from lean_ops.catch_up.table_owners import TableOwners
from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.ports.interfaces import ICEBERG, CatchUp, Item
from lean_ops.tables.commits import TableError
from lean_ops.tables.ops_rows import to_frame
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.table_shape import TableShape, shape_of
from lean_ops.tasks.topic_pool import TopicPool, reason

BATCH = 50
"""Topics of one commit to drift_log, and of one line of progress."""

_LAYERS = (STANDARDIZED, CURATED)
_Key = tuple[str, str]
"""Layer and table."""
_T = TypeVar("_T")


@dataclass
class Outcome:
    """plans: by topic, also of those in line already. left: `layer.table`, or a topic, to why nothing is done
    for it and what to do. failed: likewise, to the error: another run may do it."""

    dry_run: bool
    plans: dict[str, TopicPlan] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class _Survey:
    shapes: dict[_Key, TableShape] = field(default_factory=dict)
    broken: dict[_Key, str] = field(default_factory=dict)

    @property
    def tables(self) -> set[str]:
        return {table for _, table in (*self.shapes, *self.broken)}


def run(job: CatchUp) -> Outcome:
    tables = Tables(job.spark, job.arguments.database_prefix)
    if drift_log.TABLE not in tables.listed("ops"):
        raise TableError(f"{tables.name('ops', drift_log.TABLE)} is missing: terraform apply makes it")
    outcome = Outcome(job.arguments.dry_run)
    with TopicPool(job.spark, job.arguments.database_prefix) as pool:
        survey = _survey(job, pool, outcome)
        registry = list(job.registry.items())
        owners = _owners(job, tables, survey, registry)
        topics = _topics(job, survey, owners, outcome)
        _plan(job, tables, pool, survey, registry, topics, outcome)
        if not outcome.dry_run:
            _write(job, tables, pool, outcome)
    return outcome


# --- what is there -----------------------------------------------------------------------------------------


def _survey(job: CatchUp, pool: TopicPool, outcome: Outcome) -> _Survey:
    """The shape of every table that can be a topic's. What cannot is said."""
    limit = {names.table_name(topic) for topic in job.arguments.topics}
    to_read: list[_Key] = []
    for layer in _LAYERS:
        for entry in sorted(job.catalog.entries(layer), key=lambda entry: entry.name):
            if limit and entry.name not in limit:
                continue
            if entry.kind != ICEBERG:
                outcome.left[f"{layer}.{entry.name}"] = (
                    f"it is a {entry.kind}, which the pipeline never writes"
                )
            elif not names.is_table(entry.name):
                outcome.left[f"{layer}.{entry.name}"] = "no topic's table can be called so"
            else:
                to_read.append((layer, entry.name))
    survey = _Survey()
    for batch in _batches(to_read, 2 * BATCH):
        for key, shape in pool.each(batch, lambda own, key: shape_of(own.metadata(own.name(*key)))):
            if isinstance(shape, Exception):
                survey.broken[key] = reason(shape)
            else:
                survey.shapes[key] = shape
        job.log("read tables", done=len(survey.shapes) + len(survey.broken), of=len(to_read))
    return survey


def _owners(job: CatchUp, tables: Tables, survey: _Survey, registry: Sequence[Item]) -> TableOwners:
    owners = table_owners.settle_by_registry(survey.tables, registry, job.arguments.owners)
    if owners.rest:
        known = set(job.schemas.topics())
        for layer, table in (("ops", cycle_delta.TABLE), ("raw", "events")):
            if table in tables.listed(layer):
                found = tables.read(tables.name(layer, table)).select("topic_name").distinct().collect()
                known |= {row["topic_name"] for row in found}
        owners.settle_by_names(known)
        owners.give_up_on_rest()
    return owners


def _topics(job: CatchUp, survey: _Survey, owners: TableOwners, outcome: Outcome) -> list[str]:
    """The topics to look at. A table that cannot be read is a failure of its topic."""
    asked = job.arguments.topics
    for layer, table in (*survey.shapes, *survey.broken):
        if table in owners.unclear:
            outcome.left[f"{layer}.{table}"] = owners.unclear[table]
    for topic in asked:
        owner = owners.topics.get(names.table_name(topic))
        if owner is None and names.table_name(topic) not in owners.unclear:
            outcome.left[topic] = "it has no table yet: its first events or its schema make one"
        elif owner not in (None, topic):
            outcome.left[topic] = f"its table belongs to the topic {owner}: rename this one"
    for (layer, table), why in survey.broken.items():
        topic = owners.topics.get(table, f"{layer}.{table}")
        if not asked or topic in asked:
            outcome.failed[topic] = f"its {layer} table cannot be read: {why}"
    return sorted(
        topic
        for topic in owners.topics.values()
        if topic not in outcome.failed and (not asked or topic in asked)
    )


def _plan(
    job: CatchUp,
    tables: Tables,
    pool: TopicPool,
    survey: _Survey,
    registry: Sequence[Item],
    topics: Sequence[str],
    outcome: Outcome,
) -> None:
    items = {str(item["topic_name"]): item for item in registry}
    owners = owners_of(registry)
    on_record = _on_record(tables)

    def decide(_: Tables, topic: str) -> TopicPlan:
        table = names.table_name(topic)
        shapes = {layer: shape for (layer, name), shape in survey.shapes.items() if name == table}
        active, known = job.schemas.active_file(topic), on_record.get(topic, OnRecord())
        state = TopicState(topic, shapes, items.get(topic), owners.get(table), active, known)
        return catch_up_plan.plan(state)

    for topic, plan in pool.each(topics, decide):
        if isinstance(plan, Exception):
            _fail(job, outcome, topic, reason(plan))
        else:
            outcome.plans[topic] = plan
            _tell(job, plan, outcome.dry_run)


def _on_record(tables: Tables) -> dict[str, OnRecord]:
    """Read once: names of columns, no data."""
    log = tables.read(tables.name("ops", drift_log.TABLE))
    rows = log.where(F.col("change_type").isin(drift_log.TABLE_CREATED, drift_log.COLUMN_ADDED))
    kept = rows.select("topic_name", "layer", "change_type", "column_name", "new_value").distinct()
    return catch_up_plan.on_record(row.asDict() for row in kept.collect())


# --- what is done ------------------------------------------------------------------------------------------


def _write(job: CatchUp, tables: Tables, pool: TopicPool, outcome: Outcome) -> None:
    todo = [plan for plan in outcome.plans.values() if plan.changes]
    done = 0
    for batch in _batches(todo, BATCH):
        try:
            _record(job, tables, batch)
        except Exception as error:
            for plan in batch:
                _fail(job, outcome, plan.topic, reason(error))
            continue
        for plan, why in pool.each(batch, lambda own, plan: _settle(job, own, plan)):
            if isinstance(why, Exception):
                _fail(job, outcome, plan.topic, reason(why))
            elif why:
                outcome.left[plan.topic] = why
        done += len(batch)
        job.log("progress", done=done, of=len(todo))


def _record(job: CatchUp, tables: Tables, plans: Iterable[TopicPlan]) -> None:
    now = job.clock()
    rows = [drift_log.row_of(row.drift, row.at or now) for plan in plans for row in plan.rows]
    if rows:
        frame = to_frame(tables.spark, rows, drift_log.SCHEMA).coalesce(1)
        tables.append_new(frame, tables.name("ops", drift_log.TABLE), "drift_id")


def _settle(job: CatchUp, tables: Tables, plan: TopicPlan) -> str | None:
    """Columns and registry of one topic. Gives what came in between, if anything did."""
    if plan.add_columns:
        tables.add_columns(tables.name(STANDARDIZED, plan.table), plan.add_columns)
    if plan.claim and not job.registry.claim_table(plan.table, plan.topic):
        return "another topic has taken its table meanwhile: run again to see which"
    at = {"updated_at": job.clock().isoformat()}
    written = True
    if plan.item is not None:
        written = job.registry.add({**plan.item, **at})
    elif plan.fill:
        written = job.registry.fill(plan.topic, {**plan.fill, **at}, plan.claimed_sequencer)
    return None if written else "its registry item was written meanwhile: run again to see what is left"


# --- what is said ------------------------------------------------------------------------------------------


def _tell(job: CatchUp, plan: TopicPlan, dry_run: bool) -> None:
    if plan.changes:
        job.log(
            "would change" if dry_run else "changes",
            topic_name=plan.topic,
            drift_rows=len(plan.rows),
            exact_dates=plan.exact,
            add_columns=plan.add_columns,
            claim_table=plan.claim,
            registry_item=plan.item,
            fill=plan.fill,
        )
    for note in plan.notes:
        job.log("needs a person", level="WARN", topic_name=plan.topic, reason=note)


def _fail(job: CatchUp, outcome: Outcome, topic: str, why: str) -> None:
    outcome.failed[topic] = why
    job.log("topic failed", level="ERROR", topic_name=topic, reason=why)


def _batches(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
