"""The same work for many topics at once, each on its own: an error in one topic does not touch the others."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pyspark.sql import SparkSession

from lean_ops.tables.spark_tables import Tables

Task = TypeVar("Task")
Result = TypeVar("Result")

WORKERS = 8


class TopicPool:
    """A bounded thread pool over one Spark session, to be used as a context manager.

    Each thread has a `Tables` of its own, because the properties of a commit belong to the thread that makes
    it.
    """

    def __init__(self, spark: SparkSession, database_prefix: str, workers: int = WORKERS) -> None:
        self._spark = spark
        self._prefix = database_prefix
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="topic")

    def __enter__(self) -> "TopicPool":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def each(
        self, tasks: Iterable[Task], work: Callable[[Tables, Task], Result]
    ) -> list[tuple[Task, Result | Exception]]:
        """Returns each task with the result of its work, or with the exception that the work raised, in the
        order given."""
        listed = list(tasks)
        return list(zip(listed, self._threads.map(lambda task: self._one(task, work), listed), strict=True))

    def _one(self, task: Task, work: Callable[[Tables, Task], Result]) -> Result | Exception:
        try:
            if not hasattr(self._own, "tables"):
                self._own.tables = Tables(self._spark, self._prefix)
            return work(self._own.tables, task)
        except Exception as error:
            return error
