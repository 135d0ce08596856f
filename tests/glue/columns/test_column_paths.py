import json
from pathlib import Path

import pyarrow as pa
import pytest
from budget import budget
from hypothesis import given, settings
from hypothesis import strategies as st

from lean_ops.columns import names
from lean_ops.columns.column_paths import (
    assigned,
    by_column,
    column_paths,
    comment_of,
    has_column,
    rescued_key,
)
from lean_ops.columns.resolve_paths import resolved
from lean_ops.standardized import schema_evolution

CONFORMANCE = Path(__file__).parents[2] / "conformance"
EXAMPLES = settings(max_examples=budget(each_run=150, thorough=3000), deadline=None)

# Names that meet in a few columns: by case, punctuation, nesting, accents, prefixes and code points.
MEETING = (
    *("id", "Id", "ID", "a", "A", "b", "a__b", "a_b", "a-b", "a.b", "é", "e", "温", "湿", "u6e29", "1", "_1"),
    *("message_id", "payload__message_id", "payload", "_deleted", "value", "\\", '""', "u0009"),
    *("\t", "", "\ud800", "\udfff", "\ufffd"),
)
segments = st.sampled_from(MEETING) | st.text(st.characters(exclude_categories=[]), max_size=3)
paths = st.lists(segments, min_size=1, max_size=3).map(names.path_key)
long_paths = st.lists(st.sampled_from(["x" * 100, "X" * 100, "温" * 40, "é" * 100]), min_size=1, max_size=3)
any_paths = paths | long_paths.map(names.path_key)
events = st.dictionaries(any_paths, st.none() | st.text("ab", max_size=2), max_size=6)


@given(st.lists(st.text("a.\\bu\ud800", max_size=4), min_size=1, max_size=5).map(tuple))
def test_a_paths_text_gives_the_path_back(path):
    assert names.path_segments(names.path_text(path)) == path


@EXAMPLES
@given(any_paths, any_paths)
def test_glue_takes_every_comment_and_no_two_paths_have_one(path, other):
    comment = comment_of(path)
    assert 1 <= len(comment.encode()) <= 255
    assert comment.isprintable() or not any(ord(one) < 0x20 for one in comment)
    assert (comment == comment_of(other)) == (path == other)


COMMENTS = json.loads((CONFORMANCE / "column_comments.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", COMMENTS, ids=[one["name"] for one in COMMENTS])
def test_a_path_has_the_comment_that_typescript_reads(vector):
    path = names.path_key(vector["path"])
    assert comment_of(path) == vector["comment"]
    assert names.column_of(path) == vector["column"]


@EXAMPLES
@given(any_paths)
def test_a_comment_is_known_again(path):
    column = names.column_of(path)
    assert column_paths({column: comment_of(path)}) == {column: comment_of(path)}


@pytest.mark.parametrize(
    "comment",
    [None, "", "in degrees Celsius", "temperature", "Temperature", "$.Temperatur", "$.temp\\erature", "$."],
)
def test_a_comment_that_people_wrote_leaves_the_column_free(comment):
    assert column_paths({"temperature": comment}) == {}
    assert has_column("$.Temperature", column_paths({"temperature": comment}))


@EXAMPLES
@given(events, st.randoms(use_true_random=False))
def test_no_value_of_an_event_is_lost_and_the_order_of_keys_decides_nothing(event, random):
    columns, rescued = by_column(event.items(), {})
    assert len(columns) + len(rescued) == len(event)
    shuffled = list(event.items())
    random.shuffle(shuffled)
    assert by_column(shuffled, {}) == (columns, rescued)


@EXAMPLES
@given(st.lists(st.lists(events, max_size=4), max_size=5), st.integers(1, 6))
def test_two_paths_never_share_a_column_in_one_event_or_across_events_and_cycles(cycles, max_columns):
    table: dict[str, str | None] = dict.fromkeys((*names.ENVELOPE_COLUMNS, names.RESCUED))
    held: dict[str, str] = {}
    for cycle in cycles:
        seen = sorted({path for event in cycle for path in event if names.may_have_column(path)})
        # Nothing but the table's comments goes from one cycle to the next.
        evolution = schema_evolution.plan(table, seen, max_columns)
        table |= evolution.added | evolution.comments
        for event in cycle:
            fits = {path: text for path, text in event.items() if names.may_have_column(path)}
            columns, rescued = by_column(fits.items(), evolution.column_paths)
            assert len(columns) + len(rescued) == len(fits)
            homes = {path: names.column_of(path) for path in fits if rescued_key(path) not in rescued}
            assert len(set(homes.values())) == len(homes)
            for path, column in homes.items():
                if column in table:
                    assert held.setdefault(column, path) == path
            gone = [path for path in fits if path not in homes]
            assert {path.removeprefix(names.ROOT) for path in gone} <= set(evolution.collisions)


@EXAMPLES
@given(st.lists(st.lists(any_paths, max_size=6), max_size=4))
def test_a_column_without_a_comment_gets_the_path_that_comes_first(cycles):
    """As in a table from before columns had comments."""
    table: dict[str, str | None] = {names.column_of(path): None for cycle in cycles for path in cycle}
    for cycle in cycles:
        fits = [path for path in cycle if names.may_have_column(path)]
        evolution = schema_evolution.plan(table, fits, 500)
        assert not evolution.added
        first = assigned(column_paths(table), fits)
        assert evolution.comments == {column: comment_of(path) for column, path in first.items()}
        table |= evolution.comments


def delta(rows):
    return pa.table(
        {
            "message_id": [str(n) for n in range(len(rows))],
            "columns": pa.array([list(row.items()) for row in rows], pa.map_(pa.string(), pa.string())),
            "rescued_data": pa.array(
                ['{"deep":"1"}' if n % 2 else None for n in range(len(rows))], pa.string()
            ),
        }
    )


@EXAMPLES
@given(st.lists(events, max_size=5), st.lists(any_paths, max_size=3), st.integers(0, 2))
def test_a_table_is_resolved_as_its_events_are(rows, owned, skipped):
    known = {names.column_of(path): comment_of(path) for path in owned}
    # Arrow's tables are often a slice of another one, in several chunks.
    table = pa.concat_tables([delta(rows), delta(rows)]).slice(skipped)
    found = resolved(table, known)
    assert found.column_names == table.column_names
    for before, after in zip(table.to_pylist(), found.to_pylist(), strict=True):
        columns, rescued = by_column(before["columns"], known)
        assert dict(after["columns"]) == columns
        kept = json.loads(before["rescued_data"] or "{}")
        assert json.loads(after["rescued_data"] or "{}") == kept | rescued
        assert after["message_id"] == before["message_id"]


def test_the_names_of_an_ordinary_batch_are_only_renamed():
    table = delta([{"$.deviceId": "d", "$.meta.gps.lat": "1"}, {"$.deviceId": "e"}])
    found = resolved(table, {"deviceid": "$.deviceId"})
    assert [dict(row["columns"]) for row in found.to_pylist()] == [
        {"deviceid": "d", "meta__gps__lat": "1"},
        {"deviceid": "e"},
    ]
    assert found.column("rescued_data") == table.column("rescued_data")


def test_a_path_that_reads_like_its_column_is_marked():
    columns, rescued = by_column({"$.Id": "1", "$.id": "2", "$.ID": "3"}.items(), {"id": "$.Id"})
    assert columns == {"id": "1"}
    assert rescued == {r"id\(path)": "2", "ID": "3"}


def test_rows_that_an_earlier_version_wrote_keep_their_columns():
    """cycle_delta had column names where it has paths now, and a table may have comments by then."""
    old = {"meta__lat": "1", "temp_c": "2", "new": "3"}
    known = {"meta__lat": "$.meta.lat", "temp_c": "$.Temp-C"}
    [row] = resolved(delta([old]), known).to_pylist()
    assert dict(row["columns"]) == old
    evolution = schema_evolution.plan(known | {"cycle_id": None}, [*old, "$.Temp-C"], 500)
    assert evolution.added == {"new": None}
    assert not evolution.comments
    assert not evolution.collisions
