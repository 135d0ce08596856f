"""Rows of cycle_delta of one topic become rows of its Standardized table, where every column is text:
DataFrames.

rows_arrow.py does the same in Arrow; tests/glue/standardized/test_job.py holds the two equal.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lean_ops.columns import names
from lean_ops.columns.column_paths import ColumnPaths
from lean_ops.columns.names import ENVELOPE_TIMES, KEY
from lean_ops.columns.resolve_paths import resolved
from lean_ops.columns.time_text import text_time, time_text
from lean_ops.payload.flatten_batches import DELTA_COLUMNS, DELTA_SCHEMA
from lean_ops.tables.event_times import EventTimes, is_within

_RESCUED_MAP = "map<string,string>"


def existing_rows(table: DataFrame) -> DataFrame:
    """Returns the columns of a Standardized table that merge_spark.latest_versions compares versions by."""
    return table.select(
        KEY,
        "message_id",
        text_time("produced_at").alias("produced_at"),
        text_time("ingested_at").alias("ingested_at"),
        "cycle_id",
    )


def has_event_time_of(event_times: EventTimes) -> Column:
    """Whether a row of a Standardized table has an event_time of the batch."""
    return is_within(event_times, time_text)


def with_columns(versions: DataFrame, paths: ColumnPaths) -> DataFrame:
    """Returns rows of cycle_delta with column names in place of paths; see columns/resolve_paths.py."""

    def resolve(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from resolved(pa.Table.from_batches([batch]), paths).to_batches()

    return versions.select(*DELTA_COLUMNS).mapInArrow(resolve, DELTA_SCHEMA)


def standardized_rows(winners: DataFrame, payload_columns: Sequence[str], overflow: bool) -> DataFrame:
    """Returns winners, which are rows of cycle_delta, as rows of the table.

    overflow: some names have no column, and their values go to rescued_data.
    """
    rescued = _with_overflow(payload_columns) if overflow else F.col("rescued_data")
    return winners.select(
        *(
            time_text(name).alias(name) if name in ENVELOPE_TIMES else F.col(name)
            for name in names.ENVELOPE_COLUMNS
        ),
        *(F.col("columns")[name].alias(name) for name in payload_columns),
        rescued.alias(names.RESCUED),
    )


def _with_overflow(payload_columns: Sequence[str]) -> Column:
    """Returns rescued_data with the values of the names that have no column added to it."""
    rescued = F.coalesce(F.from_json("rescued_data", _RESCUED_MAP), F.create_map().cast(_RESCUED_MAP))
    homeless = F.map_filter(
        "columns", lambda name, _: ~name.isin(*payload_columns) if payload_columns else F.lit(True)
    )
    own = F.transform_keys(
        homeless,
        lambda name, _: F.when(
            F.array_contains(F.map_keys(rescued), name), F.concat(name, F.lit(names.OVERFLOW_MARK))
        ).otherwise(name),
    )
    together = F.map_concat(rescued, own)
    return F.when(F.size(together) > 0, F.to_json(together))
