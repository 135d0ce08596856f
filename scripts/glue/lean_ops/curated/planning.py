"""Planning a topic's run in Curated: from its schema, its table and cycle_delta, before anything is
changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lean_ops.bookkeeping.table_position import Position, position_of
from lean_ops.columns import names
from lean_ops.curated.advance import LAYER, NONE_TAKEN, Advance, Checkpoint
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.cycle_delta.summary import Limits, times_of, topic_cycles
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.errors import LeanOpsError
from lean_ops.ports.interfaces import Item, Job
from lean_ops.standardized.schema_evolution import max_paths
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable
from lean_ops.validation.topic_schema import TopicSchema, read_schema


class TableBehindSchemaError(LeanOpsError):
    """The Curated table lacks columns of the active schema."""


@dataclass(frozen=True, kw_only=True)
class TopicPlan:
    """A topic with its schema and its table.

    checkpoint: None before the topic's first commit.
    last_commit: the table's last commit.
    position: where the table stands beside its mirror.
    unrecorded: commits of runs that were killed before they wrote ledger and mirror.
    standardized: the full name of the topic's Standardized table, or None where there is none.
    backfill_from: that table, where the schema has to validate its rows, else None.
    """

    topic: str
    schema: TopicSchema
    table: TopicTable
    checkpoint: Checkpoint | None
    last_commit: Commit | None
    position: Position
    unrecorded: Sequence[Commit]
    standardized: str | None
    backfill_from: TopicTable | None


def plan_topic(
    job: Job,
    tables: Tables,
    topic: str,
    listed: Mapping[str, Collection[str]],
    mirror: Item | None,
    *,
    epoch: int,
) -> TopicPlan | None:
    """Loads a topic's schema and table. Returns None for a topic without an active schema.

    listed: layer to the names of its tables. mirror: the topic's item. epoch: that by which the run may write
    the table. Raises TableBehindSchemaError and
    SchemaError.
    """
    text = job.schemas.active(topic)
    if text is None:
        return None
    schema = read_schema(text, topic)
    table = table_for(tables, schema, listed[LAYER], epoch)
    position = position_of(table, mirror)
    last = position.last
    checkpoint = None if last is None else Checkpoint.of(last)
    if position.has_expired and mirror is not None:
        checkpoint = Checkpoint(str(mirror["delta_through"]), int(mirror["schema_version"]))
    recorded = None if mirror is None else mirror.get("snapshot_id")
    is_recorded = last is None or last.snapshot_id == recorded
    own = names.table_name(topic)
    standardized = tables.name("standardized", own) if own in listed["standardized"] else None
    return TopicPlan(
        topic=topic,
        schema=schema,
        table=table,
        checkpoint=checkpoint,
        last_commit=last,
        position=position,
        unrecorded=[] if is_recorded else table.commits_since(recorded),
        standardized=standardized,
        backfill_from=backfill_source(tables, schema, checkpoint, standardized),
    )


def table_for(tables: Tables, schema: TopicSchema, listed: Collection[str], epoch: int) -> TopicTable:
    """Loads the Curated table of a schema. listed: the names of the layer's tables. epoch: the writer's.

    Raises TableBehindSchemaError.
    """
    topic, name = schema.topic, names.table_name(schema.topic)
    if name not in listed:
        raise TableBehindSchemaError(
            f"{topic} has no Curated table. To make it: lean-ops schema push schemas/{topic}"
        )
    full_name = tables.name(LAYER, name)
    table = TopicTable(tables.spark, full_name, epoch)
    present = {column.name for column in table.columns}
    lacking = [field.column for field in schema.fields if field.column not in present]
    if lacking:
        raise TableBehindSchemaError(
            f"{full_name} lacks {', '.join(lacking[:10])}. To add that: lean-ops schema push schemas/{topic}"
        )
    return table


def backfill_source(
    tables: Tables, schema: TopicSchema, checkpoint: Checkpoint | None, standardized: str | None
) -> TopicTable | None:
    """A topic's first schema validates all rows of Standardized; a later version does where it says so."""
    is_first = checkpoint is None or checkpoint.schema_version == 0
    is_new = checkpoint is not None and checkpoint.schema_version != schema.version
    if standardized is None or not (is_first or (is_new and schema.backfill)):
        return None
    return TopicTable(tables.spark, standardized)


def checkpoint_at_rest(registered: Item, mirror: Item | None, location: str | None) -> Checkpoint | None:
    """Returns the checkpoint of a topic whose table and schema are those of the last look, without a request;
    None where either has changed, so that the topic has to be planned.

    registered: the topic's item of the registry. mirror: its item in the layer. location: where the table's
    metadata file is.
    """
    if mirror is None or location is None or mirror.get("metadata_location") != location:
        return None
    if registered.get("schema_version") != mirror.get("schema_version"):
        return None
    return Checkpoint(str(mirror["delta_through"]), int(mirror["schema_version"]))


@dataclass(frozen=True)
class Unread:
    """The cycles of cycle_delta that a run reads: those after one, or all when that is None, and of some
    topics earlier ones as well, each with the first of them."""

    after: str | None
    earlier: Mapping[str, str]


def unread_cycles(
    watermark: str | None,
    mirrored: Mapping[str, str],
    plans: Sequence[TopicPlan],
    at_rest: Mapping[str, Checkpoint],
    released: Mapping[str, str],
) -> Unread:
    """Returns which cycles may have something for the topics.

    watermark: the stored one, where it counts. mirrored: topic to the last cycle that its mirror says it has
    taken. at_rest: topic to checkpoint, of the topics that are not planned. released: topic to a cycle up to
    which it had taken all when it was held.
    """
    reached = {plan.topic: plan.checkpoint.through if plan.checkpoint else "" for plan in plans}
    if watermark is None:
        oldest = [*reached.values(), *(checkpoint.through for checkpoint in at_rest.values())]
        return Unread(min(oldest, default=None) or None, {})
    # New topics, and those whose table somebody moved back: the watermark was stored without them.
    behind = {topic: through for topic, through in reached.items() if through < mirrored.get(topic, "~")}
    earlier = dict(released)
    for topic, through in behind.items():
        earlier[topic] = min(through, earlier.get(topic, through))
    return Unread(watermark, earlier)


def new_cycles(job: Job, tables: Tables, unread: Unread) -> dict[str, list[TopicCycle]]:
    """Returns topic to the cycles with readable messages that the run reads of cycle_delta."""
    found: dict[str, list[TopicCycle]] = {}
    limits = Limits(max_paths(job.arguments.max_columns))
    for one in topic_cycles(tables, unread.after, limits, unread.earlier):
        if one.readable:
            found.setdefault(one.topic, []).append(one)
    return found


def advances_of(
    job: Job,
    plans: Iterable[TopicPlan],
    found: Mapping[str, Sequence[TopicCycle]],
    upto: str,
    started: datetime,
) -> list[Advance]:
    """Returns what there is to do of the plans: for each topic, cycle_delta's cycles since its own
    checkpoint.

    found: topic to its cycles in cycle_delta. upto: cycle_delta's last cycle.
    """
    advances = []
    for plan in plans:
        after = plan.checkpoint.through if plan.checkpoint else NONE_TAKEN
        new = [one for one in found.get(plan.topic, ()) if one.cycle_id > after]
        cycles = {one.cycle_id: one.readable for one in new}
        is_new = plan.checkpoint is None or plan.checkpoint.schema_version != plan.schema.version
        advances.append(
            Advance(
                topic=plan.topic,
                table=plan.table,
                cycles=cycles,
                started=started,
                schema=plan.schema,
                checkpoint=plan.checkpoint,
                last_commit=plan.last_commit,
                cycle_id=job.arguments.cycle_id,
                event_times=times_of(new),
                arrived=min(cycle_delta.arrivals(new).values(), default=None),
                through=upto if is_new else max(cycles, default=after),
                paths=[one.paths for one in new],
                standardized=plan.standardized,
                backfill_from=plan.backfill_from,
                is_moved_back=plan.position.is_moved_back,
            )
        )
    return advances
