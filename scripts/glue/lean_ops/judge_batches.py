"""Versions to judged versions, as Arrow tables; without Spark."""

from collections import defaultdict
from collections.abc import Set
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa

from lean_ops import names
from lean_ops.judge import (
    Batch,
    Judge,
    Texts,
    Verdicts,
    batch_of_rows,
    error_id,
    error_record,
    holders_of,
    violations_text,
)
from lean_ops.schemas import TopicSchema

ERROR_COLUMNS = ("disposition", "violations", "error_id", "record")

_COLUMNS = "columns"
_TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp_ntz": pa.timestamp("us"),
}


def judged_batch(versions: pa.Table, judge: Judge) -> pa.Table:
    """Versions of one topic with the verdict on each, in their order.

    versions: `columns` (map of string to string), rescued_data, names.ENVELOPE_COLUMNS (string; times
    timestamp[us]), and any others. Gives all of them but `columns` and rescued_data, as they are, and then

    - value: struct of the schema's columns, typed; NULL in it where there is no valid value
    - disposition: "rejected" or "nulled"; violations, record: JSON text; error_id: SHA-256 in hex. All
      string, and NULL where nothing is wrong.
    """
    entries = entries_of(versions.column(_COLUMNS).combine_chunks())
    found = judge.judge_batch(entries.batch(judge.columns))
    schema = judge.schema
    value = pa.StructArray.from_arrays(
        [pa.array(found.values[field.column], arrow_type(field.data_type)) for field in schema.fields],
        [field.column for field in schema.fields],
    )
    errors = _errors(versions, entries, found, schema)
    judged = versions.drop_columns([_COLUMNS, names.RESCUED]).append_column("value", value)
    for column, texts in zip(ERROR_COLUMNS, errors, strict=True):
        judged = judged.append_column(column, pa.array(texts, pa.string()))
    return judged


def arrow_type(data_type: str) -> pa.DataType:
    """data_type: Spark's name, as in schemas.Field."""
    if data_type.startswith("decimal("):
        return pa.decimal128(*(int(part) for part in data_type[len("decimal(") : -1].split(",")))
    return _TYPES[data_type]


class Entries(NamedTuple):
    """A map column's. borders: where each version's entries begin, and where the last one's end."""

    names: list[str]
    texts: list[str | None]
    borders: list[int]

    def row(self, n: int) -> Texts:
        begin, end = self.borders[n], self.borders[n + 1]
        return dict(zip(self.names[begin:end], self.texts[begin:end], strict=True))

    def batch(self, known: Set[str]) -> Batch:
        count = len(self.borders) - 1
        width = len(self.names) // max(count, 1)
        names = self.names[:width]
        regular = self.borders == [n * width for n in range(count + 1)] and self.names == names * count
        if not regular:
            return batch_of_rows([self.row(n) for n in range(count)], known)
        # All have the same columns, as rows of Standardized do, and events mostly: a quarter less time.
        columns = {name: self.texts[place::width] for place, name in enumerate(names)}
        inside: dict[str, set[int]] = defaultdict(set)
        for name, holders in holders_of(names, known).items():
            there = {n for n, text in enumerate(columns[name]) if text is not None}
            for holder in holders:
                inside[holder] |= there
        return Batch(count, columns, inside)


def entries_of(maps: pa.MapArray) -> Entries:
    offsets = maps.offsets.to_pylist() or [0]
    start, length = offsets[0], offsets[-1] - offsets[0]
    names, texts = (part.slice(start, length).to_pylist() for part in (maps.keys, maps.items))
    return Entries(names, texts, [offset - start for offset in offsets])


def _errors(
    versions: pa.Table, entries: Entries, found: Verdicts, schema: TopicSchema
) -> list[list[str | None]]:
    """Of each of ERROR_COLUMNS one value for each version."""
    errors: list[list[str | None]] = [[None] * versions.num_rows for _ in ERROR_COLUMNS]
    places = list(found.dispositions)
    bad = versions.select([*names.ENVELOPE_COLUMNS, names.RESCUED]).take(pa.array(places, pa.int64()))
    for n, row in zip(places, bad.to_pylist(), strict=True):
        columns, disposition = entries.row(n), found.dispositions[n]
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
