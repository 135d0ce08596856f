"""One cycle of many topics into their Standardized tables: new columns first, then rows (see
`tasks.advance_topics`)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from lean_ops.columns import names
from lean_ops.standardized.advance import LAYER, Advance
from lean_ops.standardized.advance_by_spark import advance_by_spark
from lean_ops.standardized.in_task import standardize
from lean_ops.tables.compaction import files_to_compact
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import NotForOneTaskError, TopicTable
from lean_ops.tasks.advance_topics import Done, advance_topics
from lean_ops.tasks.run_tasks import MAX_EVENTS, PRUNED_FROM_ROWS
from lean_ops.tasks.topic_pool import TopicPool
from lean_ops.tasks.topic_task import TopicTask


def advance_all(
    tables: Tables, pool: TopicPool, advances: Sequence[Advance], is_stable: Callable[[str], bool]
) -> Done:
    """All of one cycle. is_stable: whether corrections of a topic keep their event_time; asked only where the
    table is so long that it matters."""
    failed: Done = {}
    ready: list[Advance] = []
    for advance, outcome in pool.each(advances, _with_columns):
        if isinstance(outcome, Exception):
            failed[advance.topic] = outcome
        else:
            ready.append(outcome)
    within = _event_times(pool, ready, is_stable)
    done = advance_topics(
        tables,
        pool,
        ready,
        plan=lambda one: _task(one, within.get(one.topic)),
        work=standardize,
        properties=lambda _: lambda advance, result: advance.properties(result.counts),
        by_spark=lambda own, one: advance_by_spark(own, one, within.get(one.topic)),
    )
    return failed | done


def _with_columns(tables: Tables, advance: Advance) -> Advance:
    if not advance.evolution.added:
        return advance
    name = tables.name(LAYER, names.table_name(advance.topic))
    tables.add_columns(name, advance.evolution.added)
    return replace(advance, table=TopicTable(tables.spark, name))


def _event_times(
    pool: TopicPool, advances: Sequence[Advance], is_stable: Callable[[str], bool]
) -> dict[str, EventTimes]:
    long = [one for one in advances if one.table.rows > PRUNED_FROM_ROWS]
    asked = pool.each(long, lambda _, one: is_stable(one.topic))
    # A schema that cannot be read promises nothing; Curated tells of it.
    return {one.topic: one.work.times for one, stable in asked if stable is True}


def _task(advance: Advance, within: EventTimes | None) -> TopicTask:
    """Raises NotForOneTaskError."""
    work, table = advance.work, advance.table
    if work.readable > MAX_EVENTS:
        raise NotForOneTaskError(f"more than {MAX_EVENTS} messages")
    files = table.files(within)
    return TopicTask(
        topic=work.topic,
        cycles=frozenset((work.cycle_id,)),
        events=work.readable,
        columns=table.columns,
        partitioning=table.partitioning(),
        folder=table.folder,
        files=files,
        compacted=files_to_compact(files),
        overflow=bool(advance.evolution.overflow),
        one_day_a_file=within is not None,
    )
