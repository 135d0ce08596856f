"""One Spark job in which each topic is a task's work: rows of cycle_delta in, results and rows of errors
out.

A topic that fails, ties or turns out too large says so in its result and leaves the others alone.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from lean_ops.arrow import map_in_arrow
from lean_ops.delta import readable
from lean_ops.flatten_batches import DELTA_COLUMNS
from lean_ops.frozen import frozen
from lean_ops.records import to_frame
from lean_ops.session import CATALOG
from lean_ops.table_files import Store
from lean_ops.topic_pool import reason
from lean_ops.topic_task import Result, TooLarge, TopicTask
from lean_ops.versions import TiesUnsettled

MAX_EVENTS = 100_000
"""Rows of cycle_delta that one task takes for a topic; more are spread by Spark."""
PRUNED_FROM_ROWS = 50_000
"""Of tables that are shorter all keys are looked up, whatever is promised of event times."""
MAX_BYTES = 128 << 20
"""As MAX_EVENTS, in Arrow's memory."""
AT_ONCE = 4
"""Topics that one task works on at a time, if together they are within MAX_BYTES."""

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

Work = Callable[[TopicTask, pa.Table, Store], tuple[Result, pa.Table | None]]
"""A topic's task, its rows in the columns of cycle_delta, and where files are: its result, and errors in
columns of ERROR_COLUMNS. Must be a module's function, as executors import it."""


class TaskFailed(Exception):
    """What a topic's task raised, as text."""


@dataclass
class Results:
    """What became of the topics. ties: with nothing that settles them. too_large: Spark's.

    rows: the tasks' output, to be read on executors.
    """

    rows: DataFrame
    done: dict[str, Result] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    ties: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)


def store_of(spark: SparkSession) -> Store:
    """What the catalog's S3FileIO goes by, where that is set; on Glue nothing is, and the role counts."""

    def setting(name: str) -> str | None:
        return spark.conf.get(f"spark.sql.catalog.{CATALOG}.{name}", None)

    return Store(
        setting("client.region"),
        setting("s3.endpoint"),
        setting("s3.access-key-id"),
        setting("s3.secret-access-key"),
        setting("s3.session-token"),
    )


@contextmanager
def results(delta: DataFrame, tasks: Sequence[TopicTask], work: Work) -> Iterator[Results]:
    """Runs the tasks over cycle_delta. What they wrote counts from the commit on that somebody makes of it.

    Ties are rare: the topics that have some run once more, with the rows of other cycles that settle them.
    """
    with ExitStack() as stack:
        rows = _spread(_rows_of(delta, tasks), tasks)
        found = _results_of(stack.enter_context(frozen(_run_tasks(rows, tasks, work))))
        if found.ties:
            again = [replace(task, knows_ties=True) for task in tasks if task.topic in found.ties]
            rows = _spread(_with_others(delta, _rows_of(delta, again)), again)
            more = _results_of(stack.enter_context(frozen(_run_tasks(rows, again, work))))
            found = Results(
                found.rows.unionByName(more.rows),
                found.done | more.done,
                found.failed | more.failed,
                more.ties,
                found.too_large + more.too_large,
            )
        yield found


def _rows_of(delta: DataFrame, tasks: Sequence[TopicTask]) -> DataFrame:
    topics = [task.topic for task in tasks]
    cycles = sorted({cycle for task in tasks for cycle in task.cycles})
    return readable(delta).where(F.col("topic_name").isin(*topics) & F.col("cycle_id").isin(*cycles))


def _with_others(delta: DataFrame, rows: DataFrame) -> DataFrame:
    """The rows, and those of other cycles with the same topic and key."""
    about = ["topic_name", "idempotency_key"]
    return readable(delta).join(rows.select(*about).distinct(), on=about, how="left_semi")


def _spread(rows: DataFrame, tasks: Sequence[TopicTask]) -> DataFrame:
    """Each topic's rows in one partition and in one piece."""
    # More than the cores there are, so that a large topic holds up few others; not so many that starting
    # Python takes longer than the work.
    context = rows.sparkSession.sparkContext
    partitions = max(1, min(len(tasks), 3 * context.defaultParallelism))
    # One more row for each topic, without a cycle: a task runs even where nothing came in.
    marks = to_frame(rows.sparkSession, [{"topic_name": task.topic} for task in tasks], "topic_name string")
    marked = rows.select(*DELTA_COLUMNS).unionByName(marks, allowMissingColumns=True)
    return marked.repartition(partitions, "topic_name").sortWithinPartitions("topic_name")


def _run_tasks(rows: DataFrame, tasks: Sequence[TopicTask], work: Work) -> DataFrame:
    """Gives rows of _SCHEMA; to be computed once, as tasks write files."""
    by_topic = {task.topic: task for task in tasks}
    store = store_of(rows.sparkSession)
    return map_in_arrow(rows, lambda batches: _run(batches, by_topic, store, work), _SCHEMA)


def _results_of(output: DataFrame) -> Results:
    """output: _run_tasks' rows, computed. Collects one row a topic."""
    found = Results(output)
    for row in output.where(F.col("result").isNotNull()).select("topic_name", "result").collect():
        told = json.loads(row["result"])
        if "failed" in told:
            found.failed[row["topic_name"]] = told["failed"]
        elif "again" in told:
            {"ties": found.ties, "too_large": found.too_large}[told["again"]].append(row["topic_name"])
        else:
            found.done[row["topic_name"]] = Result.from_json(told)
    return found


def _run(
    batches: Iterator[pa.RecordBatch], tasks: Mapping[str, TopicTask], store: Store, work: Work
) -> Iterator[pa.RecordBatch]:
    """Several topics at once: a topic waits for files most of the time."""
    under_way: deque[tuple[Future[list[pa.RecordBatch]], int]] = deque()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="topic") as threads:
        for topic, rows in _by_topic(batches):
            size = 0 if rows is None else rows.nbytes
            while under_way and (
                len(under_way) >= AT_ONCE or size + sum(n for _, n in under_way) > MAX_BYTES
            ):
                yield from under_way.popleft()[0].result()
            under_way.append((threads.submit(_one, topic, rows, tasks, store, work), size))
            del rows
        while under_way:
            yield from under_way.popleft()[0].result()


def _one(
    topic: str, rows: pa.Table | None, tasks: Mapping[str, TopicTask], store: Store, work: Work
) -> list[pa.RecordBatch]:
    errors = None
    if rows is None:
        told = {"again": "too_large"}
    else:
        try:
            result, errors = work(tasks[topic], rows, store)
            told = result.to_json()
        except TiesUnsettled:
            told = {"again": "ties"}
        except TooLarge:
            told = {"again": "too_large"}
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


def _by_topic(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[str, pa.Table | None]]:
    """Each topic's rows as one table; None when they are too many for that. batches: sorted by topic."""
    topic: str | None = None
    parts: list[pa.RecordBatch] = []
    size = rows = 0
    for batch in batches:
        start = 0
        topics = batch.column("topic_name").to_pylist()
        while start < len(topics):
            end = start
            while end < len(topics) and topics[end] == topics[start]:
                end += 1
            if topics[start] != topic:
                if topic is not None:
                    yield topic, _table(parts, size, rows)
                topic, parts, size, rows = topics[start], [], 0, 0
            part = batch.slice(start, end - start)
            size, rows = size + part.nbytes, rows + part.num_rows
            # What is too much is counted, and not kept.
            if size <= MAX_BYTES and rows <= MAX_EVENTS:
                parts.append(part)
            else:
                parts.clear()
            start = end
    if topic is not None:
        yield topic, _table(parts, size, rows)


def _table(parts: list[pa.RecordBatch], size: int, rows: int) -> pa.Table | None:
    if size > MAX_BYTES or rows > MAX_EVENTS:
        return None
    table = pa.Table.from_batches(parts)
    return table.filter(pc.is_valid(table.column("cycle_id")))
