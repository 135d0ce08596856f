"""Masks of tables without rows have no chunks, one empty chunk, or several."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lean_ops.columns.row_indices import indices_where, true_indices


@pytest.mark.parametrize(
    "chunks",
    [[], [[]], [[], []], [[True, None, False], [], [True]], [[None, False]]],
    ids=str,
)
def test_the_indices_of_a_mask(chunks):
    mask = pa.chunked_array([pa.array(one, pa.bool_()) for one in chunks], pa.bool_())
    values = [value for chunk in chunks for value in chunk]
    found = true_indices(mask)
    assert found.type == pa.uint64()
    assert found.to_pylist() == indices_where(mask) == [n for n, value in enumerate(values) if value]


def test_rows_that_a_filter_leaves_out_entirely():
    none = pa.table({"text": ["a", "b"]}).filter(pa.array([False, False]))
    assert true_indices(pc.is_valid(none.column("text"))).to_pylist() == []
