"""Finding rows of Arrow tables by the values of a column, as indices that `take` and `slice` accept."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def indices_by_value(values: pa.Array) -> dict[Any, pa.Array]:
    """Maps each value, null included, to the ascending indices of the rows that hold it.

    The values come in the order in which they first occur.
    """
    encoded = pc.dictionary_encode(values, null_encoding="encode")
    # The sort is stable, so the indices of one value stay in order.
    by_code = pc.array_sort_indices(encoded.indices)
    counted = pc.value_counts(encoded.indices)
    counts = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    found: dict[Any, pa.Array] = {}
    start = 0
    for code, value in enumerate(encoded.dictionary.to_pylist()):
        found[value] = by_code.slice(start, counts[code])
        start += counts[code]
    return found


def rows_at(rows: pa.Table, indices: pa.Array) -> pa.Table:
    """The rows at these indices, which must be ascending and at least one.

    Where the indices are consecutive, the result is a slice and nothing is copied.
    """
    first, last = indices[0].as_py(), indices[-1].as_py()
    return rows.slice(first, len(indices)) if last - first + 1 == len(indices) else rows.take(indices)


def true_indices(mask: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The indices at which a mask is true; null counts as false.

    Arrow's own function ends the process where a chunked array has no chunks, as an empty one can be
    (https://github.com/apache/arrow/issues/51018), in the version of Glue 5.1 among others.
    """
    return pc.indices_nonzero(mask) if len(mask) else pa.array([], pa.uint64())


def indices_where(mask: pa.Array | pa.ChunkedArray) -> list[int]:
    """As true_indices, in Python."""
    indices: list[int] = true_indices(mask).to_pylist()
    return indices


def mask_at(indices: Sequence[int], count: int) -> pa.Array:
    """A boolean array of `count` values that is true at exactly these indices."""
    return pc.is_in(pa.array(range(count), pa.int64()), value_set=pa.array(indices, pa.int64()))
