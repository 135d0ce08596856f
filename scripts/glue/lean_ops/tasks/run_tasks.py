"""One Spark job in which each topic is the work of one task: rows of cycle_delta in, results and errors out.

A topic that fails, ties or turns out too large says so in its result and leaves the others alone.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from lean_ops.cycle_delta.files import MAX_DELTA_BYTES, DeltaFile, delta_files, read_topics
from lean_ops.errors import LeanOpsError, reason
from lean_ops.spark.file_io import FileStore
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.spark.map_groups import map_groups
from lean_ops.spark.materialized import materialized
from lean_ops.spark.session import file_store_of
from lean_ops.tasks.topic_task import TaskResult, TooLargeError, TopicTask
from lean_ops.versions.merge_python import UnsettledTiesError

MAX_EVENTS = 100_000
"""Rows of cycle_delta that one task takes for a topic. Spark spreads a topic that has more."""
PRUNED_FROM_ROWS = 50_000
"""In a table with fewer rows than this all keys are looked up, even where event times would allow to
prune."""
AT_ONCE = 4
"""The topics that one task works on at a time, as far as their rows take less than MAX_DELTA_BYTES
together."""
_EVENTS_PER_TOPIC = 1000
"""The cost of a topic besides its events, expressed in events."""
_TASKS_PER_CORE = 3

ERROR_COLUMNS = (
    *("error_id", "message_id", "idempotency_key", "disposition", "violations", "record"),
    *("schema_version", "cycle_id"),
)
_TEXT = StringType()
_SCHEMA = StructType(
    [
        StructField("topic_name", _TEXT),
        StructField("result", _TEXT),
        *(StructField(name, IntegerType() if name == "schema_version" else _TEXT) for name in ERROR_COLUMNS),
    ]
)
"""The tasks' output: one row with a result for each topic, and the other rows are errors."""
_ARROW_SCHEMA = pa.schema(
    [(one.name, pa.int32() if one.name == "schema_version" else pa.string()) for one in _SCHEMA]
)

Work = Callable[[TopicTask, pa.Table, FileStore], tuple[TaskResult, pa.Table | None]]
"""The work of a task: it takes the task, the topic's rows in the columns of cycle_delta, and the access to
files. It returns the result, and errors in the columns of ERROR_COLUMNS. It must be a module's function,
because executors import it."""


class TaskFailedError(LeanOpsError):
    """A topic's task raised an error, which comes back from the executor as text."""


@dataclass(kw_only=True)
class TaskResults:
    """The results of the topics' tasks.

    rows: the tasks' output, to be read on executors.
    done: topic to its result.
    failed: topic to the error, as text.
    ties: topic to the cycles whose rows have to settle its ties.
    too_large, not_plain: the topics that Spark has to do, and why: because of their size, and because of
    files that tasks do not read.
    """

    rows: DataFrame
    done: dict[str, TaskResult] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    ties: dict[str, frozenset[str]] = field(default_factory=dict)
    too_large: dict[str, str] = field(default_factory=dict)
    not_plain: dict[str, str] = field(default_factory=dict)


@contextmanager
def run_tasks(
    spark: SparkSession, delta: str, tasks: Sequence[TopicTask], work: Work
) -> Iterator[TaskResults]:
    """Runs the tasks over cycle_delta (its full name). The files that they write become part of a table only
    by a later commit.

    Ties are rare, so topics that have some run a second time, with the rows of the cycles that settle them.
    Raises NotPlainFilesError where cycle_delta has what tasks do not read.
    """
    with ExitStack() as stack:
        results = _results_of(stack.enter_context(materialized(_output_of(spark, delta, tasks, work))))
        if results.ties:
            again = [
                replace(task, tie_cycles=results.ties[task.topic])
                for task in tasks
                if task.topic in results.ties
            ]
            more = _results_of(stack.enter_context(materialized(_output_of(spark, delta, again, work))))
            results = TaskResults(
                rows=results.rows.unionByName(more.rows),
                done=results.done | more.done,
                failed=results.failed | more.failed,
                ties=more.ties,
                too_large=results.too_large | more.too_large,
                not_plain=results.not_plain | more.not_plain,
            )
        yield results


def group_tasks(tasks: Sequence[TopicTask], cores: int) -> list[list[TopicTask]]:
    """Returns the topics that one Spark task works on together, the groups with most to do first.

    They are neighbours in cycle_delta's files and have a bounded number of events together. There are a few
    groups for each core, so that a large topic holds up few others, but not more, because each group reads
    the footers of the files.
    """
    costs = [task.events + _EVENTS_PER_TOPIC for task in tasks]
    most = min(MAX_EVENTS, max(1, sum(costs) // (_TASKS_PER_CORE * cores)))
    groups: list[tuple[int, list[TopicTask]]] = []
    for task, cost in sorted(zip(tasks, costs, strict=True), key=lambda one: one[0].topic):
        if groups and groups[-1][0] + cost <= most:
            groups[-1] = (groups[-1][0] + cost, [*groups[-1][1], task])
        else:
            groups.append((cost, [task]))
    return [group for _, group in sorted(groups, key=lambda one: -one[0])]


def _output_of(spark: SparkSession, delta: str, tasks: Sequence[TopicTask], work: Work) -> DataFrame:
    """Returns rows of _SCHEMA. They must be computed only once, because computing them writes files."""
    groups = group_tasks(tasks, spark.sparkContext.defaultParallelism)
    files = delta_files(spark, delta, frozenset(chain.from_iterable(_cycles_to_read(task) for task in tasks)))
    file_store = file_store_of(spark)
    return map_groups(spark, groups, lambda group: _run_group(group, files, file_store, work), _SCHEMA)


def _cycles_to_read(task: TopicTask) -> frozenset[str]:
    return task.cycles | (task.tie_cycles or frozenset())


def _results_of(output: DataFrame) -> TaskResults:
    """Collects one row for each topic from the tasks' output, which is computed already."""
    results = TaskResults(rows=output)
    for row in output.where(F.col("result").isNotNull()).select("topic_name", "result").collect():
        topic, answer = row["topic_name"], json.loads(row["result"])
        if "failed" in answer:
            results.failed[topic] = answer["failed"]
        elif "ties" in answer:
            results.ties[topic] = frozenset(answer["ties"])
        elif "too_large" in answer:
            results.too_large[topic] = answer["too_large"]
        elif "not_plain" in answer:
            results.not_plain[topic] = answer["not_plain"]
        else:
            results.done[topic] = TaskResult.from_json(answer)
    return results


def _run_group(
    group: Sequence[TopicTask], files: Sequence[DeltaFile], file_store: FileStore, work: Work
) -> Iterator[pa.RecordBatch]:
    """Gives what _topics_of gives, or a row for each topic that says why tasks cannot read cycle_delta."""
    try:
        yield from _topics_of(group, files, file_store, work)
    except NotPlainFilesError as error:
        # Reading raises it before the first topic.
        yield from (_answer(task.topic, {"not_plain": str(error)}) for task in group)


def _topics_of(
    group: Sequence[TopicTask], files: Sequence[DeltaFile], file_store: FileStore, work: Work
) -> Iterator[pa.RecordBatch]:
    """Runs several topics at once, because a topic waits for files most of the time."""
    running: deque[tuple[Future[list[pa.RecordBatch]], int]] = deque()
    tasks = {task.topic: task for task in group}
    cycles = {topic: _cycles_to_read(task) for topic, task in tasks.items()}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="topic") as threads:
        for topic, rows in read_topics(file_store, files, cycles, MAX_EVENTS):
            size = 0 if rows is None else rows.nbytes
            while running and (
                len(running) >= AT_ONCE or size + sum(n for _, n in running) > MAX_DELTA_BYTES
            ):
                yield from running.popleft()[0].result()
            running.append((threads.submit(_run_topic, tasks[topic], rows, file_store, work), size))
            del rows
        while running:
            yield from running.popleft()[0].result()


def _run_topic(
    task: TopicTask, rows: pa.Table | None, file_store: FileStore, work: Work
) -> list[pa.RecordBatch]:
    """Returns the topic's row with its result, then its errors. `rows` is None when there are too many of
    them."""
    topic, errors = task.topic, None
    answer: dict[str, Any]
    if rows is None:
        answer = {"too_large": f"more than {MAX_EVENTS} messages, or {MAX_DELTA_BYTES >> 20} MB of them"}
    else:
        try:
            result, errors = work(task, rows, file_store)
            answer = result.to_json()
        except UnsettledTiesError as ties:
            answer = {"ties": sorted(ties.cycles)}
        except TooLargeError as error:
            answer = {"too_large": str(error)}
        except NotPlainFilesError as error:
            answer = {"not_plain": str(error)}
        except Exception as error:
            answer = {"failed": reason(error)}
    batches = [_answer(topic, answer)]
    if errors is not None and errors.num_rows:
        names = {name: errors.column(name).combine_chunks() for name in errors.column_names}
        batches.append(_batch({"topic_name": [topic] * errors.num_rows, **names}, errors.num_rows))
    return batches


def _answer(topic: str, answer: Mapping[str, object]) -> pa.RecordBatch:
    return _batch({"topic_name": [topic], "result": [json.dumps(answer)]}, 1)


def _batch(columns: Mapping[str, object], rows: int) -> pa.RecordBatch:
    arrays = []
    for one in _ARROW_SCHEMA:
        given = columns.get(one.name)
        if given is None:
            arrays.append(pa.nulls(rows, one.type))
        else:
            arrays.append(given if isinstance(given, pa.Array) else pa.array(given, one.type))
    return pa.RecordBatch.from_arrays(arrays, schema=_ARROW_SCHEMA)
