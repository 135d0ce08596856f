"""Python over a DataFrame's rows on the executors, in Arrow batches."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.rdd import PythonEvalType
from pyspark.sql import DataFrame
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
