"""historical_catch_up: brings topics whose tables are older than drift_log or the registry in line with them.

Everything is read before anything is written, first the tables' columns, then the registry, then drift_log. A
cycle or a schema-validator that works beside it cannot spoil that order. The Standardized job records a
column before it adds it, and schema-validator records columns before it settles an upload, so neither of them
will still write a row that is missing by then.

A topic is written in the order drift_log, columns, owner of the table, registry item. A batch of topics
shares one commit to drift_log. What is done already is left out, so a run that was killed is simply run
again. docs/adopting-tables.md is the page for people.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pyspark.sql import functions as F

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.table_ownership import owners_of
from lean_ops.catch_up import plan as catch_up_plan
from lean_ops.catch_up import table_owners
from lean_ops.catch_up.missing_drift import CURATED, STANDARDIZED, OnRecord, on_record
from lean_ops.catch_up.plan import TopicPlan, TopicState
from lean_ops.catch_up.table_owners import TableOwners
from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.errors import reason
from lean_ops.ports.interfaces import ICEBERG, CatchUp, Item
from lean_ops.tables.commits import TableError
from lean_ops.tables.ops_rows import to_frame
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.table_shape import TableShape, shape_of
from lean_ops.tasks.topic_pool import TopicPool

BATCH = 50
"""The topics that share one commit to drift_log and one line of progress."""

_LAYERS = (STANDARDIZED, CURATED)
_Key = tuple[str, str]
"""The (layer, table) of a table."""
_T = TypeVar("_T")


@dataclass
class CatchUpOutcome:
    """The outcome of a run.

    plans: by topic, including the topics that are in line already.
    left: a topic, or `layer.table`, to the reason why nothing is done for it, and what people can do.
    failed: a topic, or `layer.table`, to the error. Another run may succeed.
    """

    dry_run: bool
    plans: dict[str, TopicPlan] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class _Survey:
    """The tables that can be a topic's. shapes: those that could be read. broken: the others, to the
    error."""

    shapes: dict[_Key, TableShape] = field(default_factory=dict)
    broken: dict[_Key, str] = field(default_factory=dict)

    @property
    def tables(self) -> set[str]:
        return {table for _, table in (*self.shapes, *self.broken)}


def run(job: CatchUp) -> CatchUpOutcome:
    tables = Tables(job.spark, job.arguments.database_prefix)
    if drift_log.TABLE not in tables.listed("ops"):
        raise TableError(f"{tables.name('ops', drift_log.TABLE)} is missing: terraform apply makes it")
    outcome = CatchUpOutcome(job.arguments.dry_run)
    with TopicPool(job.spark, job.arguments.database_prefix, job.arguments.driver_threads) as pool:
        survey = _survey(job, pool, outcome)
        registry = list(job.registry.items())
        owners = _owners(job, tables, survey, registry)
        topics = _topics(job, survey, owners, outcome)
        _plan(job, tables, pool, survey, registry, topics, outcome)
        if not outcome.dry_run:
            _write(job, tables, pool, outcome)
    return outcome


# --- reading -----------------------------------------------------------------------------------------------


def _survey(job: CatchUp, pool: TopicPool, outcome: CatchUpOutcome) -> _Survey:
    """Reads the shape of every table that can be a topic's, and reports the others as left."""
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


def _topics(job: CatchUp, survey: _Survey, owners: TableOwners, outcome: CatchUpOutcome) -> list[str]:
    """Returns the topics to plan. A table that cannot be read is a failure of its topic."""
    requested = job.arguments.topics
    for layer, table in (*survey.shapes, *survey.broken):
        if table in owners.unclear:
            outcome.left[f"{layer}.{table}"] = owners.unclear[table]
    for topic in requested:
        owner = owners.topics.get(names.table_name(topic))
        if owner is None and names.table_name(topic) not in owners.unclear:
            outcome.left[topic] = "it has no table yet: its first events or its schema make one"
        elif owner not in (None, topic):
            outcome.left[topic] = f"its table belongs to the topic {owner}: rename this one"
    for (layer, table), why in survey.broken.items():
        topic = owners.topics.get(table, f"{layer}.{table}")
        if not requested or topic in requested:
            outcome.failed[topic] = f"its {layer} table cannot be read: {why}"
    return sorted(
        topic
        for topic in owners.topics.values()
        if topic not in outcome.failed and (not requested or topic in requested)
    )


def _plan(
    job: CatchUp,
    tables: Tables,
    pool: TopicPool,
    survey: _Survey,
    registry: Sequence[Item],
    topics: Sequence[str],
    outcome: CatchUpOutcome,
) -> None:
    items = {str(item["topic_name"]): item for item in registry}
    owners = owners_of(registry)
    recorded = _recorded(tables)

    def decide(_: Tables, topic: str) -> TopicPlan:
        table = names.table_name(topic)
        shapes = {layer: shape for (layer, name), shape in survey.shapes.items() if name == table}
        active, known = job.schemas.active_file(topic), recorded.get(topic, OnRecord())
        state = TopicState(
            topic=topic,
            database_prefix=job.arguments.database_prefix,
            shapes=shapes,
            item=items.get(topic),
            owner=owners.get(table),
            active=active,
            on_record=known,
        )
        return catch_up_plan.plan(state)

    for topic, plan in pool.each(topics, decide):
        if isinstance(plan, Exception):
            _fail(job, outcome, topic, reason(plan))
        else:
            outcome.plans[topic] = plan
            _log_plan(job, plan, outcome.dry_run)


def _recorded(tables: Tables) -> dict[str, OnRecord]:
    """Reads drift_log's names of tables and columns once for all topics."""
    log = tables.read(tables.name("ops", drift_log.TABLE))
    rows = log.where(F.col("change_type").isin(drift_log.TABLE_CREATED, drift_log.COLUMN_ADDED))
    kept = rows.select("topic_name", "layer", "change_type", "column_name", "new_value").distinct()
    return on_record(row.asDict() for row in kept.collect())


# --- writing -----------------------------------------------------------------------------------------------


def _write(job: CatchUp, tables: Tables, pool: TopicPool, outcome: CatchUpOutcome) -> None:
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
    rows = [drift_log.row_of(row.drift, row.detected_at or now) for plan in plans for row in plan.rows]
    if rows:
        frame = to_frame(tables.spark, rows, drift_log.SCHEMA).coalesce(1)
        tables.append_new(frame, tables.name("ops", drift_log.TABLE), "drift_id")


def _settle(job: CatchUp, tables: Tables, plan: TopicPlan) -> str | None:
    """Writes the columns and the registry of one topic. Returns what came in between, or None if nothing
    did."""
    if plan.add_columns:
        added = dict.fromkeys(plan.add_columns)
        tables.add_columns(tables.name(STANDARDIZED, plan.table), added, None, plan.epoch)
    if plan.claim and not job.registry.claim_table(plan.table, plan.topic):
        return "another topic has taken its table meanwhile: run again to see which"
    at = {"updated_at": job.clock().isoformat()}
    written = True
    if plan.item is not None:
        written = job.registry.add({**plan.item, **at})
    elif plan.fill:
        written = job.registry.fill(plan.topic, {**plan.fill, **at}, plan.claimed_sequencer)
    return None if written else "its registry item was written meanwhile: run again to see what is left"


# --- reporting ---------------------------------------------------------------------------------------------


def _log_plan(job: CatchUp, plan: TopicPlan, dry_run: bool) -> None:
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


def _fail(job: CatchUp, outcome: CatchUpOutcome, topic: str, why: str) -> None:
    outcome.failed[topic] = why
    job.log("topic failed", level="ERROR", topic_name=topic, reason=why)


def _batches(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
