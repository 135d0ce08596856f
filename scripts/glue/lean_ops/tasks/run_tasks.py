"""One Spark job in which topics are tasks' work: rows of cycle_delta in, results and rows of errors out.

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
from lean_ops.errors import LeanOpsError
from lean_ops.spark.file_io import FileStore
from lean_ops.spark.map_in_arrow import map_groups
from lean_ops.spark.materialized import materialized
from lean_ops.spark.session import file_store_of
from lean_ops.tasks.topic_pool import reason
from lean_ops.tasks.topic_task import Result, TooLargeError, TopicTask
from lean_ops.versions.merge_python import UnsettledTiesError

MAX_EVENTS = 100_000
"""Rows of cycle_delta that one task takes for a topic; more are spread by Spark."""
PRUNED_FROM_ROWS = 50_000
"""Of tables that are shorter all keys are looked up, whatever is promised of event times."""
AT_ONCE = 4
"""Topics that one task works on at a time, if together they are within MAX_DELTA_BYTES."""

_TEXT = StringType()
ERROR_COLUMNS = (
    *("error_id", "message_id", "idempotency_key", "disposition", "violations", "record"),
    *("schema_version", "cycle_id"),
)
_SCHEMA = StructType(
    [
        StructField("topic_name", _TEXT),
        StructField("result", _TEXT),
        *(StructField(name, IntegerType() if name == "schema_version" else _TEXT) for name in ERROR_COLUMNS),
    ]
)
"""Rows with a result are one a topic; the others are rows of errors."""
_ARROW_SCHEMA = pa.schema(
    [(one.name, pa.int32() if one.name == "schema_version" else pa.string()) for one in _SCHEMA]
)

Work = Callable[[TopicTask, pa.Table, FileStore], tuple[Result, pa.Table | None]]
"""A topic's task, its rows in the columns of cycle_delta, and where files are: its result, and errors in
columns of ERROR_COLUMNS. Must be a module's function, as executors import it."""


class TaskFailedError(LeanOpsError):
    """What a topic's task raised, as text."""


@dataclass
class Results:
    """What became of the topics. ties: the cycles whose rows have to settle them. too_large: Spark's.

    rows: the tasks' output, to be read on executors.
    """

    rows: DataFrame
    done: dict[str, Result] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    ties: dict[str, frozenset[str]] = field(default_factory=dict)
    too_large: list[str] = field(default_factory=list)


@contextmanager
def results(spark: SparkSession, delta: str, tasks: Sequence[TopicTask], work: Work) -> Iterator[Results]:
    """Runs the tasks over cycle_delta (its full name). What they wrote counts from the commit on that
    somebody makes of it. Raises iceberg_classes.NotPlainFilesError.

    Ties are rare: the topics that have some run once more, with the rows of the cycles that settle them.
    """
    with ExitStack() as stack:
        found = _results_of(stack.enter_context(materialized(_run_tasks(spark, delta, tasks, work))))
        if found.ties:
            again = [
                replace(task, settling=found.ties[task.topic]) for task in tasks if task.topic in found.ties
            ]
            more = _results_of(stack.enter_context(materialized(_run_tasks(spark, delta, again, work))))
            found = Results(
                found.rows.unionByName(more.rows),
                found.done | more.done,
                found.failed | more.failed,
                more.ties,
                found.too_large + more.too_large,
            )
        yield found


def groups_of(tasks: Sequence[TopicTask], cores: int) -> list[list[TopicTask]]:
    """What goes together in one of Spark's tasks: topics that are neighbours in cycle_delta's files, not too
    many events, and some tasks for each core, so that a large topic holds up few others. Not more: each reads
    the files' footers. Those with most to do come first."""
    costs = [task.events + _EVENTS_A_TOPIC for task in tasks]
    most = min(MAX_EVENTS, max(1, sum(costs) // (_TASKS_A_CORE * cores)))
    groups: list[tuple[int, list[TopicTask]]] = []
    for task, cost in sorted(zip(tasks, costs, strict=True), key=lambda one: one[0].topic):
        if groups and groups[-1][0] + cost <= most:
            groups[-1] = (groups[-1][0] + cost, [*groups[-1][1], task])
        else:
            groups.append((cost, [task]))
    return [group for _, group in sorted(groups, key=lambda one: -one[0])]


_EVENTS_A_TOPIC = 1000
"""What a topic costs besides its events, in events."""
_TASKS_A_CORE = 3


def _run_tasks(spark: SparkSession, delta: str, tasks: Sequence[TopicTask], work: Work) -> DataFrame:
    """Gives rows of _SCHEMA; to be computed once, as tasks write files."""
    groups = groups_of(tasks, spark.sparkContext.defaultParallelism)
    files = delta_files(spark, delta, frozenset(chain.from_iterable(_cycles(task) for task in tasks)))
    file_store = file_store_of(spark)
    return map_groups(spark, groups, lambda group: _run(group, files, file_store, work), _SCHEMA)


def _cycles(task: TopicTask) -> frozenset[str]:
    return task.cycles | (task.settling or frozenset())


def _results_of(output: DataFrame) -> Results:
    """output: _run_tasks' rows, computed. Collects one row a topic."""
    found = Results(output)
    for row in output.where(F.col("result").isNotNull()).select("topic_name", "result").collect():
        told = json.loads(row["result"])
        if "failed" in told:
            found.failed[row["topic_name"]] = told["failed"]
        elif "ties" in told:
            found.ties[row["topic_name"]] = frozenset(told["ties"])
        elif "too_large" in told:
            found.too_large.append(row["topic_name"])
        else:
            found.done[row["topic_name"]] = Result.from_json(told)
    return found


def _run(
    group: Sequence[TopicTask], files: Sequence[DeltaFile], file_store: FileStore, work: Work
) -> Iterator[pa.RecordBatch]:
    """Several topics at once: a topic waits for files most of the time."""
    under_way: deque[tuple[Future[list[pa.RecordBatch]], int]] = deque()
    tasks = {task.topic: task for task in group}
    cycles = {topic: _cycles(task) for topic, task in tasks.items()}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="topic") as threads:
        for topic, rows in read_topics(file_store, files, cycles, MAX_EVENTS):
            size = 0 if rows is None else rows.nbytes
            while under_way and (
                len(under_way) >= AT_ONCE or size + sum(n for _, n in under_way) > MAX_DELTA_BYTES
            ):
                yield from under_way.popleft()[0].result()
            under_way.append((threads.submit(_one, tasks[topic], rows, file_store, work), size))
            del rows
        while under_way:
            yield from under_way.popleft()[0].result()


def _one(task: TopicTask, rows: pa.Table | None, file_store: FileStore, work: Work) -> list[pa.RecordBatch]:
    topic, errors = task.topic, None
    told: dict[str, Any]
    if rows is None:
        told = {"too_large": True}
    else:
        try:
            result, errors = work(task, rows, file_store)
            told = result.to_json()
        except UnsettledTiesError as ties:
            told = {"ties": sorted(ties.cycles)}
        except TooLargeError:
            told = {"too_large": True}
        except Exception as error:
            told = {"failed": reason(error)}
    found = [_batch({"topic_name": [topic], "result": [json.dumps(told)]}, 1)]
    if errors is not None and errors.num_rows:
        names = {name: errors.column(name).combine_chunks() for name in errors.column_names}
        found.append(_batch({"topic_name": [topic] * errors.num_rows, **names}, errors.num_rows))
    return found


def _batch(columns: Mapping[str, object], rows: int) -> pa.RecordBatch:
    arrays = []
    for one in _ARROW_SCHEMA:
        given = columns.get(one.name)
        if given is None:
            arrays.append(pa.nulls(rows, one.type))
        else:
            arrays.append(given if isinstance(given, pa.Array) else pa.array(given, one.type))
    return pa.RecordBatch.from_arrays(arrays, schema=_ARROW_SCHEMA)
