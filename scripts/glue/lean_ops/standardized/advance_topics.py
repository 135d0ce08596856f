"""One cycle of many topics into their Standardized tables. Topics whose batch fits into one task share one
Spark job, which writes their files, and the driver only commits; the others go through Spark one by one.

Both ways look every key up in the table, so that what is written is exact, and end in one commit a topic that
carries the cycle and its counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from lean_ops import delta, names
from lean_ops.commits import Commit
from lean_ops.delta import EventTimes
from lean_ops.folding import to_fold
from lean_ops.iceberg import NotPlainFiles
from lean_ops.standardized_by_spark import LAYER, Advance, advance_by_spark
from lean_ops.store import Store
from lean_ops.tables import Tables
from lean_ops.topic_pool import TopicPool
from lean_ops.topic_table import NotForOneTask, TopicTable
from lean_ops.topic_task import Result, TopicTask, standardize
from lean_ops.topic_tasks import MAX_EVENTS, PRUNED_FROM_ROWS, TaskFailed, results

Done = Mapping[str, Commit | Exception | None]
"""Topic to its commit, or to what went wrong."""


def advance_all(
    tables: Tables, pool: TopicPool, advances: Sequence[Advance], is_stable: Callable[[str], bool]
) -> Done:
    """All of one cycle. New columns are added first. is_stable: whether corrections of a topic keep their
    event_time; asked only where the table is so long that it matters."""
    done: dict[str, Commit | Exception | None] = {}
    ready: list[Advance] = []
    for advance, outcome in pool.each(advances, _with_columns):
        if isinstance(outcome, Exception):
            done[advance.work.topic] = outcome
        else:
            ready.append(outcome)
    by_topic = {advance.work.topic: advance for advance in ready}
    tasks: list[TopicTask] = []
    large: list[Advance] = []
    within = _event_times(pool, ready, is_stable)
    for advance, task in pool.each(ready, lambda _, one: _task(one, within.get(one.work.topic))):
        if isinstance(task, NotForOneTask):
            large.append(advance)
        elif isinstance(task, Exception):
            done[advance.work.topic] = task
        else:
            tasks.append(task)
    large += [by_topic[topic] for topic in _small(tables, pool, by_topic, tasks, done)]
    for advance, commit in pool.each(
        large, lambda own, one: advance_by_spark(own, one, within.get(one.work.topic))
    ):
        done[advance.work.topic] = commit
    return done


def _with_columns(tables: Tables, advance: Advance) -> Advance:
    if not advance.evolution.added:
        return advance
    name = tables.name(LAYER, names.table_name(advance.work.topic))
    tables.add_columns(name, advance.evolution.added)
    return replace(advance, table=TopicTable(tables.spark, name))


def _event_times(
    pool: TopicPool, advances: Sequence[Advance], is_stable: Callable[[str], bool]
) -> dict[str, EventTimes]:
    long = [one for one in advances if one.table.rows > PRUNED_FROM_ROWS]
    asked = pool.each(long, lambda _, one: is_stable(one.work.topic))
    # A schema that cannot be read promises nothing; Curated tells of it.
    return {one.work.topic: one.work.times for one, stable in asked if stable is True}


def _task(advance: Advance, within: EventTimes | None) -> TopicTask:
    """Raises NotForOneTask."""
    work, table = advance.work, advance.table
    if work.readable > MAX_EVENTS:
        raise NotForOneTask(f"more than {MAX_EVENTS} messages")
    files = table.files(within)
    return TopicTask(
        work.topic,
        frozenset((work.cycle_id,)),
        work.readable,
        table.columns,
        table.partitioning(),
        table.folder,
        files,
        to_fold(files),
        overflow=bool(advance.evolution.overflow),
        one_day_a_file=within is not None,
    )


def _small(
    tables: Tables,
    pool: TopicPool,
    advances: Mapping[str, Advance],
    tasks: Sequence[TopicTask],
    done: dict[str, Commit | Exception | None],
) -> list[str]:
    """Runs the tasks and commits what they wrote. Gives the topics that Spark has to do after all."""
    if not tasks:
        return []
    try:
        with results(tables.spark, tables.name("ops", delta.TABLE), tasks, _standardize) as found:
            pass
    except NotPlainFiles:
        return [task.topic for task in tasks]
    done |= {topic: TaskFailed(why) for topic, why in found.failed.items()}

    def commit(_: Tables, result: Result) -> Commit:
        advance = advances[result.topic]
        return advance.table.commit(result.files, result.removed, advance.properties(result.counts))

    for result, committed in pool.each(found.done.values(), commit):
        done[result.topic] = committed
    return found.too_large


def _standardize(task: TopicTask, rows: pa.Table, store: Store) -> tuple[Result, None]:
    return standardize(task, rows, store), None
