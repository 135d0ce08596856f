"""Places of rows by a column's values, in Arrow."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def indices_by_value(values: pa.Array) -> dict[Any, pa.Array]:
    """Each value, null too, to the indexes where it stands, ascending. In the order in which they first
    occur."""
    encoded = pc.dictionary_encode(values, null_encoding="encode")
    # Stable, so one value's places stay in order.
    sorted_places = pc.array_sort_indices(encoded.indices)
    counted = pc.value_counts(encoded.indices)
    counts = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    found: dict[Any, pa.Array] = {}
    start = 0
    for code, value in enumerate(encoded.dictionary.to_pylist()):
        found[value] = sorted_places.slice(start, counts[code])
        start += counts[code]
    return found


def rows_at(rows: pa.Table, places: pa.Array) -> pa.Table:
    """places: ascending, at least one. Where they are side by side nothing is copied."""
    first, last = places[0].as_py(), places[-1].as_py()
    return rows.slice(first, len(places)) if last - first + 1 == len(places) else rows.take(places)


def indices_where(flags: pa.Array) -> list[int]:
    """Where they are true."""
    places: list[int] = pc.indices_nonzero(flags).to_pylist()
    return places


def mask_at(places: Sequence[int], count: int) -> pa.Array:
    """`count` flags, true at these places."""
    return pc.is_in(pa.array(range(count), pa.int64()), value_set=pa.array(places, pa.int64()))
