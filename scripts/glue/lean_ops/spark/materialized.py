"""Computes a DataFrame once so that it can be read several times without the plan that made it.

`persist` keeps the rows too, but every query on top carries the whole plan along, compares it with what is
cached and describes it for the UI. With a plan of hundreds of expressions, that takes seconds of the driver's
time for each query, and a topic makes several.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.sql import DataFrame


@contextmanager
def materialized(frame: DataFrame) -> Iterator[DataFrame]:
    """Gives the rows of `frame`, kept on the executors (in memory, then on disk) until the block ends.

    An executor that is lost takes its rows with it. The topic then fails and the next cycle takes it up.
    """
    kept = frame.localCheckpoint(eager=True)
    try:
        yield kept
    finally:
        plan: Any = kept._jdf.queryExecution().analyzed()
        plan.rdd().unpersist(False)
