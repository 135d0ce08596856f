"""One cycle of many topics into their Standardized tables: first new columns, then rows.

tasks/advance_topics.py has the flow that Standardized shares with Curated.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from lean_ops.columns import names
from lean_ops.standardized.advance import LAYER, Advance
from lean_ops.standardized.advance_by_spark import advance_by_spark
from lean_ops.standardized.in_task import standardize
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable
from lean_ops.tasks.advance_topics import TopicCommits, advance_topics, plan_task
from lean_ops.tasks.topic_pool import TopicPool
from lean_ops.tasks.topic_task import TopicTask


def advance_all(
    tables: Tables,
    pool: TopicPool,
    advances: Sequence[Advance],
    is_stable: Callable[[str], bool],
    log: Callable[..., None],
) -> TopicCommits:
    """Takes all topics through one cycle.

    is_stable: whether corrections of a topic keep their event_time. It is called only for topics whose table
    is so long that pruning by event times matters.
    """
    failed: TopicCommits = {}
    ready: list[Advance] = []
    for advance, altered in pool.each(advances, _add_columns):
        if isinstance(altered, Exception):
            failed[advance.topic] = altered
        else:
            ready.append(altered)
    done = advance_topics(
        tables,
        pool,
        ready,
        log=log,
        event_times=_event_times(pool, ready, is_stable),
        plan=_plan_task,
        work=standardize,
        properties=lambda _: lambda advance, result: advance.properties(result.counts),
        by_spark=advance_by_spark,
    )
    return failed | done


def _add_columns(tables: Tables, advance: Advance) -> Advance:
    evolution = advance.evolution
    if not evolution.added and not evolution.comments:
        return advance
    name = tables.name(LAYER, names.table_name(advance.topic))
    epoch = advance.table.epoch
    tables.add_columns(name, evolution.added, evolution.comments, epoch)
    return replace(advance, table=TopicTable(tables.spark, name, epoch))


def _event_times(
    pool: TopicPool, advances: Sequence[Advance], is_stable: Callable[[str], bool]
) -> dict[str, EventTimes]:
    """Returns the event times of the topics whose table may be pruned by them."""
    long = [one for one in advances if one.has_long_table]
    answers = pool.each(long, lambda _, one: is_stable(one.topic))
    # A schema that cannot be read promises nothing here, and Curated reports it.
    return {one.topic: one.work.times for one, stable in answers if stable is True}


def _plan_task(advance: Advance, event_times: EventTimes | None) -> TopicTask:
    """Returns the topic's task. Raises as plan_task does."""
    return replace(
        plan_task(advance, event_times),
        overflow=advance.evolution.may_overflow,
        column_paths=advance.evolution.column_paths,
        one_day_a_file=event_times is not None,
    )
