import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.columns.map_column import MapColumn

TYPE = pa.map_(pa.string(), pa.string())
NAMES = ["a", "b", "b__c", "", "é"]
rows = st.lists(st.dictionaries(st.sampled_from(NAMES), st.none() | st.text(max_size=2)), max_size=6)


@given(rows, st.integers(0, 3), st.integers(0, 3))
def test_a_map_column_is_its_rows_turned(found, skipped, left):
    """It holds for a slice of a table as well."""
    maps = pa.array([list(row.items()) for row in found], TYPE)
    end = max(len(found) - left, skipped)
    columns, rows_left = MapColumn(maps.slice(skipped, end - skipped)), found[skipped:end]

    assert set(columns.names) == {name for row in rows_left for name in row}
    for name in NAMES:
        assert columns.column(name).to_pylist() == [row.get(name) for row in rows_left]
    for name in columns.names:
        assert columns.rows_with(name) == [n for n, row in enumerate(rows_left) if row.get(name) is not None]
    assert [columns.row(n) for n in range(len(rows_left))] == rows_left
