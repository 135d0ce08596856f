"""The same work for many topics at once, each on its own: an error in one topic does not touch the others."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TypeVar

from pyspark.sql import SparkSession

from lean_ops.tables.spark_tables import Tables

Task = TypeVar("Task")
Result = TypeVar("Result")

SPARK_JOBS = 8
"""Topics at a time whose work is Spark jobs of their own: those compete for the executors."""


class TopicPool:
    """A bounded thread pool over one Spark session, to be used as a context manager.

    What the driver does for a topic is nearly all waiting for S3 and Glue, so there are many threads on few
    cores.

    Each thread has a `Tables` of its own, because the properties of a commit belong to the thread that makes
    it. tables: makes one, where it is not that of the prefix.
    """

    def __init__(
        self,
        spark: SparkSession,
        database_prefix: str,
        workers: int,
        tables: Callable[[], Tables] | None = None,
    ) -> None:
        self._tables = tables or (lambda: Tables(spark, database_prefix))
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="topic")

    def __enter__(self) -> "TopicPool":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def each(
        self,
        tasks: Iterable[Task],
        work: Callable[[Tables, Task], Result],
        at_once: int | None = None,
    ) -> list[tuple[Task, Result | Exception]]:
        """Returns each task with the result of its work, or with the exception that the work raised, in the
        order given. at_once: how many may be under way, where that is fewer than there are threads."""
        listed = list(tasks)
        turn = nullcontext() if at_once is None else threading.BoundedSemaphore(at_once)

        def one(task: Task) -> Result | Exception:
            with turn:
                return self._one(task, work)

        return list(zip(listed, self._threads.map(one, listed), strict=True))

    def _one(self, task: Task, work: Callable[[Tables, Task], Result]) -> Result | Exception:
        try:
            if not hasattr(self._own, "tables"):
                self._own.tables = self._tables()
            return work(self._own.tables, task)
        except Exception as error:
            return error
