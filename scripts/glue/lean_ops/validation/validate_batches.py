"""Validates Arrow tables of versions: every version keeps its envelope and gets its typed values and its
verdict.

Nothing here needs Spark: an executor's task calls it directly (curated/in_task.py), and Spark jobs call it
through mapInArrow (curated/rows_spark.py).
"""

from collections import defaultdict
from datetime import datetime

import pyarrow as pa

from lean_ops.columns import names
from lean_ops.columns.map_column import MapColumn
from lean_ops.validation.batch import Batch, count_undeclared, holders_of
from lean_ops.validation.time_limit import Reading, TimeLimit, no_limit
from lean_ops.validation.topic_schema import TopicSchema
from lean_ops.validation.validator import (
    RowValidator,
    Verdicts,
    error_id,
    error_record,
    violations_text,
)

ERROR_COLUMNS = ("disposition", "violations", "error_id", "record")

_COLUMNS = "columns"


def validated_batch(versions: pa.Table, validator: RowValidator, limit: TimeLimit | None = None) -> pa.Table:
    """Returns versions of one topic with the verdict on each, in their order.

    `versions` has `columns` (map of string to string), rescued_data, names.ENVELOPE_COLUMNS (string; the
    times are timestamp[us]), and any other columns. The result has all of them unchanged but `columns` and
    rescued_data, and these in addition:

    - value: struct of the schema's columns, typed. A field without a valid value is NULL in it.
    - disposition: "rejected", "nulled" or "noted"; violations and record: JSON text; error_id: SHA-256 in
      hex. All are string, and NULL for a version without violations.

    limit: of the time for all texts of the topic. Raises TopicTooSlowError.
    """
    texts = MapColumn(versions.column(_COLUMNS).combine_chunks())
    reading = no_limit if limit is None else limit.reading(versions.column("message_id"))
    verdicts = validator.validate_batch(_batch(texts, versions.num_rows, validator, reading))
    schema = validator.schema
    value = pa.StructArray.from_arrays(
        [verdicts.values[field.column] for field in schema.fields],
        [field.column for field in schema.fields],
    )
    errors = _errors(versions, texts, verdicts, schema)
    validated = versions.drop_columns([_COLUMNS, names.RESCUED]).append_column("value", value)
    for column, values in zip(ERROR_COLUMNS, errors, strict=True):
        validated = validated.append_column(column, pa.array(values, pa.string()))
    return validated


def _batch(texts: MapColumn, count: int, validator: RowValidator, reading: Reading) -> Batch:
    columns = {name: texts.column(name) for name in validator.columns & texts.names}
    members: dict[str, set[int]] = defaultdict(set)
    for name, holders in holders_of(texts.names, validator.columns, validator.holders).items():
        rows = texts.rows_with(name)
        for holder in holders:
            members[holder].update(rows)
    undeclared = count_undeclared(
        texts.names, validator.columns, validator.holders, validator.counted, texts.rows_with, count
    )
    return Batch(count, columns, members, undeclared, reading)


def _errors(
    versions: pa.Table, maps: MapColumn, verdicts: Verdicts, schema: TopicSchema
) -> list[list[str | None]]:
    """Returns the columns of ERROR_COLUMNS, each with one value for each version."""
    errors: list[list[str | None]] = [[None] * versions.num_rows for _ in ERROR_COLUMNS]
    indices = list(verdicts.dispositions)
    bad = versions.select([*names.ENVELOPE_COLUMNS, names.RESCUED]).take(pa.array(indices, pa.int64()))
    for n, row in zip(indices, bad.to_pylist(), strict=True):
        columns, disposition = maps.row(n), verdicts.dispositions[n]
        texts = {name: _text(value) for name, value in row.items()}
        rescued = texts.pop(names.RESCUED)
        key, message_id, produced_at = (
            texts[name] for name in ("idempotency_key", "message_id", "produced_at")
        )
        error = (
            disposition,
            violations_text(verdicts.violations[n]),
            error_id(schema, key, message_id, produced_at, disposition, columns),
            error_record(texts, columns, rescued),
        )
        for column, text in zip(errors, error, strict=True):
            column[n] = text
    return errors


def _text(value: str | datetime | None) -> str | None:
    """Returns a value of the envelope as Standardized stores it, where times are text too."""
    return f"{value.isoformat(timespec='microseconds')}Z" if isinstance(value, datetime) else value
