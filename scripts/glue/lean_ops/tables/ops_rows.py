"""Rows of the ops tables, made on the driver, as DataFrames."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F


def deterministic_id(*parts: str | int | None) -> str:
    """SHA-256 (hex) of what a row describes: a retry makes the same id. null and "" differ."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


def naive_utc(time: datetime) -> datetime:
    """An aware time as TIMESTAMP_NTZ holds it."""
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    offset = time.utcoffset()
    assert offset is not None
    return (time - offset).replace(tzinfo=None)


def timestamp(time: datetime) -> Column:
    """An aware time as a TIMESTAMP_NTZ literal; F.lit would read it in the driver's time zone."""
    return F.lit(naive_utc(time).isoformat(sep=" ")).cast("timestamp_ntz")


def to_frame(spark: SparkSession, rows: Sequence[Mapping[str, Any]], schema: str) -> DataFrame:
    """schema: DDL text; rows by column name, what is not named is null."""
    columns = [column.split()[0] for column in schema.split(", ")]
    return spark.createDataFrame([tuple(row.get(name) for name in columns) for row in rows], schema)
