"""The records of errors become versions again, in the columns of cycle_delta: the exact inverse of
validation.validator.error_record."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StringType, StructField, StructType

from lean_ops.columns import names
from lean_ops.columns.time_text import micros_of_text
from lean_ops.payload.flatten_batches import DELTA_ARROW, DELTA_SCHEMA
from lean_ops.standardized.rows_arrow import WINNER_SHA256

OF_ERROR, WAS = "of_error", "was"
"""Columns beside those of cycle_delta: the id of the error, and the disposition that it has."""
RECORD_COLUMNS = ("error_id", "disposition", "record")
"""What a version is made from, of the columns of `errors`."""
_ALSO = (OF_ERROR, WAS)
_SCHEMA = StructType([*DELTA_SCHEMA.fields, *(StructField(name, StringType()) for name in _ALSO)])
_ARROW = pa.schema([*DELTA_ARROW, *((name, pa.string()) for name in _ALSO)])


def versions_of_errors(errors: DataFrame, topic: str) -> DataFrame:
    """One version for each error whose record can be read. errors: rows of the table errors.

    payload_sha256 is WINNER_SHA256, because the record does not have it; see rows_arrow.
    """
    rows = errors.select(*RECORD_COLUMNS)
    return rows.mapInArrow(lambda batches: _versions(batches, topic), _SCHEMA)


def _versions(batches: Iterable[pa.RecordBatch], topic: str) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [row for one in batch.to_pylist() if (row := _version(one, topic)) is not None]
        if rows:
            yield pa.RecordBatch.from_pylist(rows, schema=_ARROW)


def _version(error: Mapping[str, Any], topic: str) -> dict[str, Any] | None:
    record = read_record(error["record"])
    if record is None:
        return None
    envelope: dict[str, Any] = {name: record.pop(name, None) for name in names.ENVELOPE_COLUMNS}
    rescued = record.pop(names.RESCUED, None)
    times = {name: micros_of_text(envelope[name]) for name in names.ENVELOPE_TIMES}
    return {
        **envelope,
        **times,
        "topic_name": topic,
        "payload_sha256": WINNER_SHA256,
        "columns": sorted(record.items()),
        names.RESCUED: rescued,
        OF_ERROR: error["error_id"],
        WAS: error["disposition"],
    }


def read_record(text: str | None) -> dict[str, str] | None:
    """The texts of a record by column; None for one that is gone, or that this pipeline did not write."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        return None
    return found if names.KEY in found else None
