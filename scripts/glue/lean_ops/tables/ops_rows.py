"""Turns rows that the driver makes for the ops tables into DataFrames."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F


def deterministic_id(*parts: str | int | None) -> str:
    """The id of a row as the SHA-256, in hex, of what the row describes.

    A run that is repeated therefore makes the same id. None and "" are different parts.
    """
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


def naive_utc(time: datetime) -> datetime:
    """A time in UTC without a zone, as TIMESTAMP_NTZ holds it. Raises ValueError when `time` has no zone."""
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    offset = time.utcoffset()
    assert offset is not None
    return (time - offset).replace(tzinfo=None)


def timestamp(time: datetime) -> Column:
    """A literal of TIMESTAMP_NTZ for a time with a zone. F.lit alone would read it in the driver's zone."""
    return F.lit(naive_utc(time).isoformat(sep=" ")).cast("timestamp_ntz")


def to_frame(spark: SparkSession, rows: Sequence[Mapping[str, Any]], schema: str) -> DataFrame:
    """A DataFrame of these rows. rows: values by column name; a column that is left out is null.

    schema: DDL with `, ` between the columns.
    """
    columns = [column.split()[0] for column in schema.split(", ")]
    return spark.createDataFrame([tuple(row.get(name) for name in columns) for row in rows], schema)
