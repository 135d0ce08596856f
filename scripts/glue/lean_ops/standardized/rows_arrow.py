"""Rows of cycle_delta of one topic become rows of its Standardized table and versions again, in Arrow.

rows_spark.py does the first for DataFrames; tests/glue/standardized/test_rows.py holds the two equal.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns import names
from lean_ops.columns.column_paths import rescued_text
from lean_ops.columns.map_column import MapColumn
from lean_ops.columns.names import ENVELOPE_TIMES
from lean_ops.columns.row_indices import indices_where, true_indices
from lean_ops.columns.time_text import micros_of_texts, time_texts
from lean_ops.payload.flatten_batches import DELTA_COLUMNS
from lean_ops.tables.table_files import Column

WINNER_SHA256 = "~"
"""Stands for the payload_sha256 of a version that Standardized holds. It sorts after every hash, because that
version has won over all others with the same head already."""


def standardized_table(rows: pa.Table, columns: Sequence[Column], overflow: bool) -> pa.Table:
    """Returns rows of cycle_delta as rows of the table, which has these columns.

    overflow: some names have no column, and their values go to rescued_data.
    """
    texts = MapColumn(rows.column("columns").combine_chunks())
    own = (*names.ENVELOPE_COLUMNS, names.RESCUED)
    payload = [column.name for column in columns if column.name not in own]
    arrays: dict[str, pa.Array | pa.ChunkedArray] = {
        name: time_texts(rows.column(name)) if name in ENVELOPE_TIMES else rows.column(name)
        for name in names.ENVELOPE_COLUMNS
    }
    arrays |= {name: texts.column(name) for name in payload}
    rescued = rows.column(names.RESCUED)
    if overflow:
        known = frozenset(payload)
        rescued = pa.array(
            [_with_overflow(text, texts.row(n), known) for n, text in enumerate(rescued.to_pylist())],
            pa.string(),
        )
    arrays[names.RESCUED] = rescued
    return pa.table(arrays)


def versions_of_standardized(rows: pa.Table, topic: str) -> pa.Table:
    """Returns rows of a Standardized table in the columns of cycle_delta.

    The exact inverse of standardized_table, whichever columns the table had when it took a row: values that
    overflowed into rescued_data are in `columns` again. Nulls are left out of `columns`, where they mean the
    same as absence. payload_sha256 is WINNER_SHA256, because the table does not have it.
    """
    rescued = rows.column(names.RESCUED).combine_chunks()
    overflow = _Overflow(rows, rescued)
    own = (*names.ENVELOPE_COLUMNS, names.RESCUED)
    columns = [_present(rows.column(name), name) for name in rows.column_names if name not in own]
    indices, keys, texts = (
        pa.concat_arrays(arrays) for arrays in zip(*columns, overflow.entries(), strict=True)
    )
    by_row = pc.array_sort_indices(indices)
    known: dict[str, pa.Array | pa.ChunkedArray] = {
        name: micros_of_texts(rows.column(name)) if name in ENVELOPE_TIMES else rows.column(name)
        for name in names.ENVELOPE_COLUMNS
    }
    known |= {
        "topic_name": pa.repeat(pa.scalar(topic), rows.num_rows),
        "columns": pa.MapArray.from_arrays(
            _offsets(indices, rows.num_rows), keys.take(by_row), texts.take(by_row)
        ),
        "payload_sha256": pa.repeat(pa.scalar(WINNER_SHA256), rows.num_rows),
        names.RESCUED: overflow.without(rescued),
    }
    return pa.table({name: known[name] for name in DELTA_COLUMNS})


class _Overflow:
    """The values that _with_overflow put into the rescued_data of some rows."""

    def __init__(self, rows: pa.Table, rescued: pa.Array) -> None:
        self._indices: list[int] = []
        self._names: list[str] = []
        self._texts: list[str | None] = []
        self._rest: dict[int, str | None] = {}
        # To ask Arrow for one value takes longer than to look into a list of all of them.
        valid: dict[str, list[bool]] = {}
        columns = frozenset(rows.column_names)

        def has_value(name: str, n: int) -> bool:
            if name not in columns:
                return False
            if name not in valid:
                valid[name] = pc.is_valid(rows.column(name)).to_pylist()
            return valid[name][n]

        texts = rescued.to_pylist()
        for n in indices_where(pc.is_valid(rescued)):
            values = _read_rescued(texts[n])
            found = {
                name: key
                for key in values
                if names.is_column_name(name := key.removesuffix(names.OVERFLOW_MARK))
                and (key != name or name + names.OVERFLOW_MARK not in values)
                and not has_value(name, n)
            }
            for name, key in found.items():
                text = values.pop(key)
                if text is not None:
                    self._indices.append(n)
                    self._names.append(name)
                    self._texts.append(text)
            if found:
                self._rest[n] = rescued_text(values)

    def entries(self) -> tuple[pa.Array, pa.Array, pa.Array]:
        """The rows' indices, the columns' names and the texts."""
        indices = pa.array(self._indices, pa.uint64())
        return indices, pa.array(self._names, pa.string()), pa.array(self._texts, pa.string())

    def without(self, rescued: pa.Array) -> pa.Array:
        """rescued_data without the values."""
        if not self._rest:
            return rescued
        kept = rescued.to_pylist()
        return pa.array([self._rest.get(n, text) for n, text in enumerate(kept)], pa.string())


def _present(texts: pa.ChunkedArray, name: str) -> tuple[pa.Array, pa.Array, pa.Array]:
    """The indices of the rows that have a text, and for each of them the column's name and the text."""
    indices = true_indices(pc.is_valid(texts))
    return indices, pa.repeat(pa.scalar(name), len(indices)), texts.drop_null().combine_chunks()


def _offsets(indices: pa.Array, count: int) -> pa.Array:
    """The offsets of a map array of `count` rows, whose entries belong to the rows at these indices."""
    sizes = [0] * (count + 1)
    counted = pc.value_counts(indices)
    for n, size in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True):
        sizes[n + 1] = size
    return pa.array(accumulate(sizes), pa.int32())


def _read_rescued(text: str) -> dict[str, str | None]:
    """Returns rescued_data's values by key, or none for a text that this pipeline did not write."""
    try:
        values = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(values, dict) or not all(
        one is None or isinstance(one, str) for one in values.values()
    ):
        return {}
    return values


def _with_overflow(
    before: str | None, columns: Mapping[str, str | None], known: frozenset[str]
) -> str | None:
    rescued: dict[str, str | None] = json.loads(before) if before else {}
    own = {
        name + names.OVERFLOW_MARK if name in rescued else name: text
        for name, text in columns.items()
        if name not in known
    }
    return rescued_text(rescued | own)
