"""Versions of a topic become validated versions, and those become rows of its Curated table and errors:
DataFrames.

A version is a row in the columns of cycle_delta, with column names in place of paths, whichever table it was
read from. in_task.py does the same in Arrow. Both call validation/validate_batches.py, and
tests/glue/validation/test_verdicts.py holds their verdicts equal.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.columns import names
from lean_ops.columns.names import KEY
from lean_ops.payload.flatten_batches import DELTA_SCHEMA
from lean_ops.standardized import rows_arrow
from lean_ops.tables.ops_rows import timestamp
from lean_ops.validation import time_limit
from lean_ops.validation.time_limit import TimeLimit
from lean_ops.validation.topic_schema import TopicSchema
from lean_ops.validation.validate_batches import ERROR_COLUMNS, validated_batch
from lean_ops.validation.validator import REJECTED, RowValidator


def versions_of_standardized(table: DataFrame, topic: str) -> DataFrame:
    """Does what standardized/rows_arrow.py does for an Arrow table, on the executors."""
    return table.mapInArrow(lambda batches: _versions(batches, topic), DELTA_SCHEMA)


def _versions(batches: Iterable[pa.RecordBatch], topic: str) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield from rows_arrow.versions_of_standardized(pa.Table.from_batches([batch]), topic).to_batches()


def validate(versions: DataFrame, schema: TopicSchema) -> DataFrame:
    """Returns the versions with the verdict on each, in the columns of validate_batches.validated_batch.

    versions: the columns of cycle_delta, and perhaps more, which stay. The work is done on the executors.
    There a task raises TopicTooSlowError when its texts take more time than time_limit.MAX_SECONDS.
    """
    seconds = time_limit.MAX_SECONDS
    kept = [field for field in versions.schema.fields if field.name not in ("columns", names.RESCUED)]
    value = ", ".join(f"`{field.column}`: {field.data_type}" for field in schema.fields)
    types = [
        *(f"{field.name} {field.dataType.simpleString()}" for field in kept),
        f"value struct<{value}>",
        *(f"{name} string" for name in ERROR_COLUMNS),
    ]
    return versions.mapInArrow(lambda batches: _validated(batches, schema, seconds), ", ".join(types))


def _validated(
    batches: Iterable[pa.RecordBatch], schema: TopicSchema, seconds: float
) -> Iterator[pa.RecordBatch]:
    validator, limit = RowValidator(schema), TimeLimit(seconds)
    for batch in batches:
        yield from validated_batch(pa.Table.from_batches([batch]), validator, limit).to_batches()


def error_rows(validated: DataFrame, schema: TopicSchema, detected_at: datetime) -> DataFrame:
    """Returns rows of the table errors: one for each bad message, from the first cycle in which it came."""
    rows = validated.where(F.col("disposition").isNotNull()).select(
        "error_id",
        "topic_name",
        "message_id",
        KEY,
        "disposition",
        "violations",
        "record",
        F.lit(schema.version).alias("schema_version"),
        "cycle_id",
    )
    first = rows.groupBy("error_id").agg(
        F.min_by(F.struct(*rows.columns[1:]), F.struct("cycle_id", "record")).alias("first")
    )
    return as_errors(first.select("error_id", "first.*"), detected_at)


def as_errors(rows: DataFrame, detected_at: datetime) -> DataFrame:
    """Returns errors as rows of the table errors that nobody has resolved yet."""
    return rows.select(
        "*",
        timestamp(detected_at).alias("detected_at"),
        F.lit(None).cast("timestamp_ntz").alias("resolved_at"),
        F.lit(None).cast("string").alias("resolution"),
    )


def valid_versions(validated: DataFrame) -> DataFrame:
    """Returns the versions that are not rejected, with their values and without their verdicts."""
    return validated.where(~F.col("disposition").eqNullSafe(REJECTED)).drop(*ERROR_COLUMNS)


def curated_rows(winners: DataFrame, schema: TopicSchema) -> DataFrame:
    """Returns winners, which are valid versions, as rows of the Curated table."""
    return winners.select(
        *(F.col(f"value.`{field.column}`").alias(field.column) for field in schema.fields),
        *names.ENVELOPE_COLUMNS,
        F.lit(schema.version).cast("int").alias(names.SCHEMA_VERSION),
    )
