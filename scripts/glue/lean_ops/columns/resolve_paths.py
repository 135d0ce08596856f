"""Turns the texts by path of cycle_delta into texts by column, for whole Arrow tables of one topic."""

import json
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns import names
from lean_ops.columns.column_paths import ColumnPaths, by_column, has_column, rescued_text
from lean_ops.columns.row_indices import mask_at, true_indices

_COLUMNS = "columns"


def resolved(rows: pa.Table, known: ColumnPaths) -> pa.Table:
    """The rows with column names in place of paths, and with what gets no column added to rescued_data.

    rows: with `columns`, a map of path to text without nulls, and rescued_data; other columns stay. known: as
    in column_paths.by_column.
    """
    maps = pa.concat_arrays(rows.column(_COLUMNS).chunks) if rows.num_rows else None
    if maps is None:
        return rows
    start, end = maps.offsets[0].as_py(), maps.offsets[-1].as_py()
    keys = pc.dictionary_encode(maps.keys.slice(start, end - start))
    paths = keys.dictionary.to_pylist()
    columns = [names.column_of(path) for path in paths]
    times = Counter(columns)
    rivals = [
        n
        for n, (path, column) in enumerate(zip(paths, columns, strict=True))
        if times[column] > 1 or not has_column(path, known)
    ]
    if rivals:
        return _with_rivals(rows, pc.is_in(keys.indices, pa.array(rivals, keys.indices.type)), maps, known)
    renamed = pa.MapArray.from_arrays(
        pc.subtract(maps.offsets, pa.scalar(start, pa.int32())),
        pa.array(columns, pa.string()).take(keys.indices),
        maps.items.slice(start, end - start),
    )
    return _with(rows, _COLUMNS, renamed)


def _with_rivals(rows: pa.Table, is_rival: pa.Array, maps: pa.MapArray, known: ColumnPaths) -> pa.Table:
    """Resolves the rows of which an entry is a rival's one by one, and the others together.

    is_rival: for each entry of the maps, whether its path may lose its column.
    """
    holders = pc.list_parent_indices(pa.ListArray.from_arrays(maps.offsets, maps.items))
    contested = pc.unique(holders.filter(is_rival))
    plain = true_indices(pc.invert(mask_at(contested.to_pylist(), rows.num_rows)))
    parts = [_row_by_row(rows.take(contested), known), resolved(rows.take(plain), known)]
    order = pc.array_sort_indices(pa.concat_arrays([contested.cast(pa.uint64()), plain]))
    return pa.concat_tables(part.cast(parts[0].schema) for part in parts).take(order)


def _row_by_row(rows: pa.Table, known: ColumnPaths) -> pa.Table:
    texts: list[list[tuple[str, str | None]]] = []
    rescued: list[str | None] = []
    maps = rows.column(_COLUMNS).to_pylist()
    for values, before in zip(maps, rows.column(names.RESCUED).to_pylist(), strict=True):
        columns, others = by_column(values, known)
        texts.append(list(columns.items()))
        rescued.append(rescued_text((json.loads(before) if before else {}) | others) if others else before)
    renamed = pa.array(texts, pa.map_(pa.string(), pa.string()))
    return _with(_with(rows, _COLUMNS, renamed), names.RESCUED, pa.array(rescued, pa.string()))


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)
