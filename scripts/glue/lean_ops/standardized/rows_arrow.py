"""Rows of cycle_delta of one topic become rows of its Standardized table, in Arrow.

rows_spark.py does the same for DataFrames; tests/glue/standardized/test_job.py holds the two equal.
"""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from lean_ops.columns import names
from lean_ops.columns.map_column import MapColumn
from lean_ops.columns.names import ENVELOPE_TIMES
from lean_ops.columns.time_text import micros_of_texts, time_texts
from lean_ops.payload.flatten_batches import DELTA_COLUMNS
from lean_ops.tables.table_files import Column


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
    """Returns rows of a Standardized table in the columns of cycle_delta. payload_sha256 is null, because the
    table does not have it."""
    own = (*names.ENVELOPE_COLUMNS, names.RESCUED)
    payload = [name for name in rows.column_names if name not in own]
    texts = [rows.column(name).to_pylist() for name in payload]
    items = [column[n] for n in range(rows.num_rows) for column in texts]
    offsets = [n * len(payload) for n in range(rows.num_rows + 1)]
    maps = pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()),
        pa.array(payload * rows.num_rows, pa.string()),
        pa.array(items, pa.string()),
    )
    known: dict[str, pa.Array | pa.ChunkedArray] = {
        name: micros_of_texts(rows.column(name)) if name in ENVELOPE_TIMES else rows.column(name)
        for name in names.ENVELOPE_COLUMNS
    }
    known |= {"topic_name": pa.repeat(pa.scalar(topic), rows.num_rows), "columns": maps}
    known |= {
        "payload_sha256": pa.nulls(rows.num_rows, pa.string()),
        names.RESCUED: rows.column(names.RESCUED),
    }
    return pa.table({name: known[name] for name in DELTA_COLUMNS})


def _with_overflow(
    rescued_text: str | None, columns: Mapping[str, str | None], known: frozenset[str]
) -> str | None:
    rescued: dict[str, str | None] = json.loads(rescued_text) if rescued_text else {}
    own = {
        name + names.OVERFLOW_MARK if name in rescued else name: text
        for name, text in columns.items()
        if name not in known
    }
    together = rescued | own
    return json.dumps(together, ensure_ascii=False, separators=(",", ":")) if together else None
