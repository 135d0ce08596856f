"""Runs Python functions over Arrow batches on the executors, as part of a Spark job."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

Group = TypeVar("Group")


def map_groups(
    spark: SparkSession,
    groups: Sequence[Group],
    function: Callable[[Group], Iterator[pa.RecordBatch]],
    schema: StructType | str,
) -> DataFrame:
    """The rows that `function` makes of each group, where every group is one of Spark's tasks.

    The groups reach the tasks inside the function, so the rows may come from files that a task reads by
    itself.
    """

    def work(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for n in batch.column(0).to_pylist():
                yield from function(groups[n])

    return spark.range(0, len(groups), 1, max(1, len(groups))).mapInArrow(work, schema)
