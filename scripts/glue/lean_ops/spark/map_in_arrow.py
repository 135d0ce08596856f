"""Python over a DataFrame's rows on the executors, in Arrow batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pyarrow as pa
from pyspark.rdd import PythonEvalType
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType
from pyspark.sql.udf import UserDefinedFunction


def map_in_arrow(
    frame: DataFrame,
    function: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
    schema: StructType | str,
) -> DataFrame:
    """DataFrame.mapInArrow without its demand that pandas be installed, which nothing here uses."""
    udf: Any = UserDefinedFunction(
        function, returnType=schema, evalType=PythonEvalType.SQL_MAP_ARROW_ITER_UDF, deterministic=True
    )
    call = udf(*[frame[name] for name in frame.columns])
    return DataFrame(frame._jdf.pythonMapInArrow(call._jc.expr(), False), frame.sparkSession)


Group = TypeVar("Group")


def map_groups(
    spark: SparkSession,
    groups: Sequence[Group],
    function: Callable[[Group], Iterator[pa.RecordBatch]],
    schema: StructType | str,
) -> DataFrame:
    """One of Spark's tasks for each group, whose rows it makes: of files that it reads by itself, say."""

    def work(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for n in batch.column(0).to_pylist():
                yield from function(groups[n])

    return map_in_arrow(spark.range(0, len(groups), 1, max(1, len(groups))), work, schema)
