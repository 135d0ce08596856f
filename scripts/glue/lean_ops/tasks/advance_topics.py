"""Many topics taken one step further, in either layer. Topics whose batch fits into one task share one Spark
job, which writes their files, and the driver only commits; the others go through Spark one by one.

Both ways look every key up in the table, so that what is written is exact, and end in one commit a topic that
carries its checkpoint and its counts. What is the layers' own comes in as functions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import NotForOneTaskError, TopicTable
from lean_ops.tasks.run_tasks import Results, TaskFailedError, Work, results
from lean_ops.tasks.topic_pool import TopicPool
from lean_ops.tasks.topic_task import Result, TopicTask

Done = dict[str, Commit | Exception | None]
"""Topic to its commit, or to what went wrong; None where the topic was left as it is."""


@dataclass(frozen=True, kw_only=True)
class TopicAdvance:
    """What a run knows of one topic that it takes further. table: as planned. started: when the run began."""

    topic: str
    table: TopicTable
    started: datetime


Advance = TypeVar("Advance", bound=TopicAdvance)

Properties = Callable[[Advance, Result], Mapping[str, str]]
"""What a topic's commit carries, by the result of its task."""


def advance_topics(
    tables: Tables,
    pool: TopicPool,
    advances: Sequence[Advance],
    *,
    plan: Callable[[Advance], TopicTask],
    work: Work,
    properties: Callable[[Results], Properties[Advance]],
    by_spark: Callable[[Tables, Advance], Commit | None],
) -> Done:
    """Takes each topic further, each on its own: what fails in one does not touch the others.

    plan: raises NotForOneTaskError for a topic that Spark has to do. work: the task's, on an executor.
    properties: is called once, before any commit, while the rows that the tasks gave can still be read.
    by_spark: does one topic in Spark jobs of its own.
    """
    by_topic = {advance.topic: advance for advance in advances}
    done: Done = {}
    tasks: list[TopicTask] = []
    large: list[Advance] = []
    for advance, task in pool.each(advances, lambda _, one: plan(one)):
        if isinstance(task, NotForOneTaskError):
            large.append(advance)
        elif isinstance(task, Exception):
            done[advance.topic] = task
        else:
            tasks.append(task)
    large += [by_topic[topic] for topic in _in_tasks(tables, pool, by_topic, tasks, work, properties, done)]
    for advance, commit in pool.each(large, by_spark):
        done[advance.topic] = commit
    return done


def _in_tasks(
    tables: Tables,
    pool: TopicPool,
    advances: Mapping[str, Advance],
    tasks: Sequence[TopicTask],
    work: Work,
    properties: Callable[[Results], Properties[Advance]],
    done: Done,
) -> Sequence[str]:
    """Runs the tasks and commits what they wrote. Returns the topics that Spark has to do after all."""
    if not tasks:
        return []
    try:
        with results(tables.spark, tables.name("ops", cycle_delta.TABLE), tasks, work) as found:
            properties_of = properties(found)
    except NotPlainFilesError:
        return [task.topic for task in tasks]
    done |= {topic: TaskFailedError(why) for topic, why in found.failed.items()}

    def commit(_: Tables, result: Result) -> Commit:
        advance = advances[result.topic]
        return advance.table.commit(result.files, result.removed, properties_of(advance, result))

    for result, committed in pool.each(found.done.values(), commit):
        done[result.topic] = committed
    return found.too_large
