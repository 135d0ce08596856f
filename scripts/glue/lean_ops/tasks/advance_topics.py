"""Many topics taken one step further, in either layer.

Topics whose batch fits into one task share one Spark job, which writes their files, and the driver only
commits. The other topics go through Spark jobs of their own, one topic at a time in each thread. Both ways
look every key up in the table, so what is written is exact, and both end in one commit for each topic, which
carries its checkpoint and its counts. What differs between the layers comes in as functions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.tables.commits import Commit
from lean_ops.tables.compaction import files_to_compact
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import NotForOneTaskError, TopicTable
from lean_ops.tasks.run_tasks import (
    MAX_EVENTS,
    PRUNED_FROM_ROWS,
    TaskFailedError,
    TaskResults,
    Work,
    run_tasks,
)
from lean_ops.tasks.topic_pool import SPARK_JOBS, TopicPool
from lean_ops.tasks.topic_task import TaskResult, TopicTask

_LOGGED_TOPICS = 10

TopicCommits = dict[str, Commit | Exception | None]
"""Topic to its commit, or to the exception that stopped it; None where the topic was left as it is."""


@dataclass(frozen=True, kw_only=True)
class TopicAdvance:
    """A topic that a run takes further.

    table: the topic's table, as planned.
    cycles: the cycles of cycle_delta that it takes, with their numbers of readable messages.
    started: when the run began.
    """

    topic: str
    table: TopicTable
    cycles: Mapping[str, int]
    started: datetime

    @property
    def events(self) -> int:
        return sum(self.cycles.values())

    @property
    def has_long_table(self) -> bool:
        """Whether the table is so long that pruning by event times pays."""
        return self.table.rows > PRUNED_FROM_ROWS


@dataclass(frozen=True)
class SparkTopics:
    """The topics that Spark has to do, each with the reason: their size, or files that tasks do not read."""

    too_large: dict[str, str] = field(default_factory=dict)
    not_plain: dict[str, str] = field(default_factory=dict)

    @property
    def all(self) -> list[str]:
        return [*self.too_large, *self.not_plain]

    def log(self, log: Callable[..., None]) -> None:
        """Writes a line for each reason. Size passes; files of others slow a topic down in every cycle."""
        for level, reasons in (("INFO", self.too_large), ("WARN", self.not_plain)):
            for why in sorted(set(reasons.values())):
                topics = sorted(topic for topic, reason in reasons.items() if reason == why)
                log(
                    "topics go by Spark",
                    level=level,
                    reason=why,
                    topics=len(topics),
                    first_topics=topics[:_LOGGED_TOPICS],
                )


Advance = TypeVar("Advance", bound=TopicAdvance)

Properties = Callable[[Advance, TaskResult], Mapping[str, str]]
"""Returns what a topic's commit carries, from the result of its task."""


def plan_task(advance: TopicAdvance, event_times: EventTimes | None) -> TopicTask:
    """Returns a topic's task as far as both layers need it.

    event_times: those of the batch, where the table's files may be pruned by them. Raises NotForOneTaskError
    and NotPlainFilesError.
    """
    if advance.events > MAX_EVENTS:
        raise NotForOneTaskError(f"more than {MAX_EVENTS} messages")
    table = advance.table
    files = table.files(event_times)
    return TopicTask(
        topic=advance.topic,
        cycles=frozenset(advance.cycles),
        events=advance.events,
        columns=table.columns,
        partitioning=table.partitioning(),
        location=table.location,
        files=files,
        to_compact=files_to_compact(files),
    )


def advance_topics(
    tables: Tables,
    pool: TopicPool,
    advances: Sequence[Advance],
    *,
    log: Callable[..., None],
    event_times: Mapping[str, EventTimes],
    plan: Callable[[Advance, EventTimes | None], TopicTask],
    work: Work,
    properties: Callable[[TaskResults], Properties[Advance]],
    by_spark: Callable[[Tables, Advance, EventTimes | None], Commit | None],
) -> TopicCommits:
    """Takes each topic further on its own: an error in one does not touch the others.

    event_times: topic to its batch's event times, for the topics whose table may be pruned by them.
    log: that of the job; it says which topics go by Spark, and why.
    plan: makes a topic's task. It raises NotForOneTaskError or NotPlainFilesError for a topic that Spark has
    to do.
    work: a task's work on an executor.
    properties: is called once, before any commit, while the tasks' output can still be read.
    by_spark: does one topic in Spark jobs of its own.
    """
    by_topic = {advance.topic: advance for advance in advances}
    done: TopicCommits = {}
    tasks: list[TopicTask] = []
    spark_topics = SparkTopics()
    for advance, task in pool.each(advances, lambda _, one: plan(one, event_times.get(one.topic))):
        if isinstance(task, NotForOneTaskError):
            spark_topics.too_large[advance.topic] = str(task)
        elif isinstance(task, NotPlainFilesError):
            spark_topics.not_plain[advance.topic] = str(task)
        elif isinstance(task, Exception):
            done[advance.topic] = task
        else:
            tasks.append(task)
    _in_tasks(tables, pool, by_topic, tasks, work, properties, done, spark_topics)
    spark_topics.log(log)
    by_itself = pool.each(
        [by_topic[topic] for topic in spark_topics.all],
        lambda own, one: by_spark(own, one, event_times.get(one.topic)),
        at_once=SPARK_JOBS,
    )
    for advance, commit in by_itself:
        done[advance.topic] = commit
    return done


def _in_tasks(
    tables: Tables,
    pool: TopicPool,
    advances: Mapping[str, Advance],
    tasks: Sequence[TopicTask],
    work: Work,
    properties: Callable[[TaskResults], Properties[Advance]],
    done: TopicCommits,
    spark_topics: SparkTopics,
) -> None:
    """Runs the tasks and commits what they wrote. Adds the topics that Spark has to do after all."""
    if not tasks:
        return
    try:
        with run_tasks(tables.spark, tables.name("ops", cycle_delta.TABLE), tasks, work) as results:
            properties_of = properties(results)
    except NotPlainFilesError as error:
        spark_topics.not_plain.update((task.topic, str(error)) for task in tasks)
        return
    spark_topics.too_large.update(results.too_large)
    spark_topics.not_plain.update(results.not_plain)
    done |= {topic: TaskFailedError(why) for topic, why in results.failed.items()}

    def commit(_: Tables, result: TaskResult) -> Commit:
        advance = advances[result.topic]
        return advance.table.commit(result.files, result.removed, properties_of(advance, result))

    for result, committed in pool.each(results.done.values(), commit):
        done[result.topic] = committed
