"""Versions to judged versions, as Arrow tables; without Spark."""

from collections import defaultdict
from collections.abc import Set
from datetime import datetime

import pyarrow as pa

from lean_ops.columns import names
from lean_ops.columns.map_column import MapColumn
from lean_ops.validation.topic_schema import TopicSchema
from lean_ops.validation.validator import (
    Batch,
    Judge,
    Verdicts,
    error_id,
    error_record,
    holders_of,
    violations_text,
)

ERROR_COLUMNS = ("disposition", "violations", "error_id", "record")

_COLUMNS = "columns"


def judged_batch(versions: pa.Table, judge: Judge) -> pa.Table:
    """Versions of one topic with the verdict on each, in their order.

    versions: `columns` (map of string to string), rescued_data, names.ENVELOPE_COLUMNS (string; times
    timestamp[us]), and any others. Gives all of them but `columns` and rescued_data, as they are, and then

    - value: struct of the schema's columns, typed; NULL in it where there is no valid value
    - disposition: "rejected" or "nulled"; violations, record: JSON text; error_id: SHA-256 in hex. All
      string, and NULL where nothing is wrong.
    """
    texts = MapColumn(versions.column(_COLUMNS).combine_chunks())
    found = judge.judge_batch(_batch(texts, versions.num_rows, judge.columns))
    schema = judge.schema
    value = pa.StructArray.from_arrays(
        [found.values[field.column] for field in schema.fields],
        [field.column for field in schema.fields],
    )
    errors = _errors(versions, texts, found, schema)
    judged = versions.drop_columns([_COLUMNS, names.RESCUED]).append_column("value", value)
    for column, values in zip(ERROR_COLUMNS, errors, strict=True):
        judged = judged.append_column(column, pa.array(values, pa.string()))
    return judged


def _batch(texts: MapColumn, count: int, known: Set[str]) -> Batch:
    columns = {name: texts.column(name) for name in known & texts.names}
    inside: dict[str, set[int]] = defaultdict(set)
    for name, holders in holders_of(texts.names, known).items():
        there = texts.rows_with(name)
        for holder in holders:
            inside[holder].update(there)
    return Batch(count, columns, inside)


def _errors(
    versions: pa.Table, maps: MapColumn, found: Verdicts, schema: TopicSchema
) -> list[list[str | None]]:
    """Of each of ERROR_COLUMNS one value for each version."""
    errors: list[list[str | None]] = [[None] * versions.num_rows for _ in ERROR_COLUMNS]
    places = list(found.dispositions)
    bad = versions.select([*names.ENVELOPE_COLUMNS, names.RESCUED]).take(pa.array(places, pa.int64()))
    for n, row in zip(places, bad.to_pylist(), strict=True):
        columns, disposition = maps.row(n), found.dispositions[n]
        texts = {name: _text(value) for name, value in row.items()}
        rescued = texts.pop(names.RESCUED)
        key, message_id, produced_at = (
            texts[name] for name in ("idempotency_key", "message_id", "produced_at")
        )
        error = (
            disposition,
            violations_text(found.violations[n]),
            error_id(schema, key, message_id, produced_at, disposition, columns),
            error_record(texts, columns, rescued),
        )
        for column, text in zip(errors, error, strict=True):
            column[n] = text
    return errors


def _text(value: str | datetime | None) -> str | None:
    """Times as Standardized has them."""
    return f"{value.isoformat(timespec='microseconds')}Z" if isinstance(value, datetime) else value
