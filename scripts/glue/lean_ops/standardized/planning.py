"""Planning a topic's cycle in Standardized: from its table, before anything is changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lean_ops.bookkeeping.table_position import Position, position_of
from lean_ops.columns import names
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.ports.interfaces import Item, Job
from lean_ops.standardized import schema_evolution
from lean_ops.standardized.advance import LAYER, Advance, ParseErrors
from lean_ops.standardized.schema_evolution import Evolution
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable


@dataclass(frozen=True)
class Look:
    """A topic's table as loaded, and where it stands."""

    table: TopicTable
    position: Position


@dataclass(frozen=True)
class TopicPlan:
    """The plan of a topic's cycle.

    commit: the commit by which the topic has taken the cycle before, where there is one that has not expired.
    evolution: how the table's columns change; None when the topic has taken the cycle before.
    """

    work: TopicCycle
    table: TopicTable
    commit: Commit | None = None
    evolution: Evolution | None = None


def look_at(tables: Tables, topic: str, mirror: Item | None, epoch: int) -> Look:
    """Loads a topic's table. mirror: its item. epoch: that by which the run may write it."""
    table = TopicTable(tables.spark, tables.name(LAYER, names.table_name(topic)), epoch)
    return Look(table, position_of(table, mirror))


def plan_topic(job: Job, look: Look, work: TopicCycle) -> TopicPlan:
    """Decides what the cycle changes of a topic's table. Nothing may have been done to the table since the
    look."""
    table, reached = look.table, look.position.reached
    if reached is not None and reached >= work.cycle_id:
        return TopicPlan(work, table, table.commit_of(work.cycle_id))
    columns = {one.name: one.comment for one in table.columns}
    evolution = schema_evolution.plan(columns, work.paths, job.arguments.max_columns)
    return TopicPlan(work, table, None, evolution)


def advances_of(
    plans: Iterable[TopicPlan],
    parse_errors: Mapping[str, ParseErrors],
    new_columns: Mapping[str, int],
    started: datetime,
) -> list[Advance]:
    """Returns what is left to do of the plans. parse_errors, new_columns: by topic, as they are on record."""
    return [
        Advance(
            topic=plan.work.topic,
            table=plan.table,
            cycles={plan.work.cycle_id: plan.work.readable},
            started=started,
            work=plan.work,
            evolution=plan.evolution,
            parse_errors=parse_errors.get(plan.work.topic, ParseErrors()),
            new_columns=new_columns.get(plan.work.topic, 0),
        )
        for plan in plans
        if plan.evolution is not None
    ]
