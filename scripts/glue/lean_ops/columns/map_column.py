"""Turns a map column of an Arrow table into columns without making a Python object for each entry."""

from collections.abc import Set
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.row_indices import indices_by_value

_NONE = pa.array([], pa.uint64())


class MapColumn:
    """The columns within a map column.

    maps: map<string, string> without nulls, where no row has a name twice, as in cycle_delta.
    """

    def __init__(self, maps: pa.MapArray) -> None:
        offsets = maps.offsets
        start, end = (offsets[0].as_py(), offsets[-1].as_py()) if len(maps) else (0, 0)
        self._maps = maps
        self._items = maps.items.slice(start, end - start)
        self._entries = indices_by_value(maps.keys.slice(start, end - start))

    @property
    def names(self) -> Set[str]:
        """The names that occur in any row."""
        return self._entries.keys()

    def column(self, name: str) -> pa.Array:
        """The text that each row has under this name; null where the row has null or lacks the name."""
        entries = self._entries.get(name, _NONE)
        if len(entries) == len(self._maps):
            return self._items.take(entries)
        rows = self._rows.take(entries)
        return self._items.take(entries.take(pc.index_in(self._all_rows, value_set=rows)))

    def rows_with(self, name: str) -> list[int]:
        """The indices of the rows that have a text under this name."""
        entries = self._entries[name]
        there = entries.filter(pc.is_valid(self._items.take(entries)))
        rows: list[int] = self._rows.take(there).to_pylist()
        return rows

    def row(self, n: int) -> dict[str, str | None]:
        """The map of the row at this index."""
        return dict(self._maps[n].as_py())

    @cached_property
    def _rows(self) -> pa.Array:
        """The row index of each entry."""
        return pc.list_parent_indices(pa.ListArray.from_arrays(self._maps.offsets, self._maps.items))

    @cached_property
    def _all_rows(self) -> pa.Array:
        return pa.array(range(len(self._maps)), pa.int64())
