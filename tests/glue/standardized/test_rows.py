"""Rows of cycle_delta become rows of Standardized and versions again, whichever columns the table has."""

import json
from datetime import datetime

import pyarrow as pa
import pytest
from budget import budget
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lean_ops.columns import names
from lean_ops.curated import rows_spark as curated_rows
from lean_ops.payload.flatten_batches import DELTA_ARROW, DELTA_COLUMNS, DELTA_SCHEMA
from lean_ops.standardized.rows_arrow import WINNER_SHA256, standardized_table, versions_of_standardized
from lean_ops.standardized.rows_spark import standardized_rows
from lean_ops.tables.table_files import Column
from lean_ops.validation.topic_schema import read_schema
from lean_ops.validation.validate_batches import validated_batch
from lean_ops.validation.validator import RowValidator

AT = datetime(2026, 11, 23, 10, 0, 0, 250_000)
COLUMNS = ["a", "b", "meta", "meta__x", "meta__x__y", "_2nd", "payload__message_id", "a__column_"]
SCHEMA = {
    "type": "object",
    "x-topic": "a.b",
    "x-version": 1,
    "required": ["meta"],
    "properties": {
        "a": {"type": "integer", "x-cde": True},
        "b": {"type": "string", "maxLength": 2},
        "meta": {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}},
    },
}

texts = st.none() | st.sampled_from(["", "1", "{}", '["é",1.10]', 'quote " and \\', "\u2028\x7f/", "😀"])
paths = st.sampled_from(
    ["A", "é", "a\\(path)", "meta\\(path)", "a b", "a.b", "a\\(column", "message_id", "x" * 256, "a'1"]
)
"""Paths as cycle_delta has them: none is called as a column, unless it is marked as a path."""
rows_of_delta = st.tuples(
    st.dictionaries(st.sampled_from(COLUMNS), texts), st.dictionaries(paths, texts, max_size=4)
)


def delta(rows):
    """Rows of cycle_delta with these columns and rescued values."""
    known = [
        {
            **dict.fromkeys(DELTA_COLUMNS, "x"),
            **dict.fromkeys(names.ENVELOPE_TIMES, AT),
            "topic_name": "a.b",
            "message_id": str(n),
            "payload_sha256": WINNER_SHA256,
            "columns": list(columns.items()),
            "rescued_data": as_text(rescued),
        }
        for n, (columns, rescued) in enumerate(rows)
    ]
    return pa.Table.from_pylist(known, DELTA_ARROW)


def as_text(rescued):
    return json.dumps(rescued, ensure_ascii=False, separators=(",", ":")) if rescued else None


def table_of(rows, columns):
    return standardized_table(rows, [Column(name, 0, "string") for name in columns], overflow=True)


def without_nulls(versions):
    """The versions as Python objects, where null and absence are the same, and in `columns` the order is
    none."""
    found = versions.to_pylist()
    return [
        row | {"columns": {name: text for name, text in row["columns"] if text is not None}} for row in found
    ]


def verdicts(versions):
    validated = validated_batch(versions, RowValidator(read_schema(json.dumps(SCHEMA), "a.b"))).to_pylist()
    return [row | {"record": row["record"] and json.loads(row["record"])} for row in validated]


@settings(max_examples=budget(each_run=100, thorough=5_000))
@given(
    st.lists(rows_of_delta, max_size=5), st.sets(st.sampled_from(COLUMNS)), st.sets(st.sampled_from(COLUMNS))
)
@example([({"a": None, "b": "1"}, {"a\\(path)": "2"})], {"b"}, set())
@example([({"a": "1"}, {}), ({}, {"A": "2"})], set(), {"a"})
def test_versions_of_standardized_are_the_versions_of_cycle_delta(rows, columns, later):
    """It holds too where the table got a column after its values had overflowed."""
    sent = delta(rows)
    table = table_of(sent, sorted(columns))
    for name in later - set(table.column_names):
        table = table.append_column(name, pa.nulls(len(rows), pa.string()))
    versions = versions_of_standardized(table, "a.b")
    assert versions.schema.names == sent.schema.names
    assert without_nulls(versions) == without_nulls(sent)
    assert verdicts(versions) == verdicts(sent)


OLDER = [
    # The column has the value of A and rescued_data that of a, as Standardized had it before paths were
    # marked.
    ({"a": "1"}, '{"a":"2"}', {"a": "1"}, '{"a":"2"}'),
    ({}, '{"a":"2","a\\\\(column)":"1"}', {"a": "1"}, '{"a":"2"}'),
    ({}, '{"a":"2","a\\\\(column)":null}', {}, '{"a":"2"}'),
    # Whatever another writer put there stays as it is.
    ({}, "no JSON", {}, "no JSON"),
    ({}, '{"a":1}', {}, '{"a":1}'),
    ({}, '["a"]', {}, '["a"]'),
]


@pytest.mark.parametrize(("columns", "rescued", "expected", "rest"), OLDER)
def test_rescued_data_of_older_rows(columns, rescued, expected, rest):
    table = table_of(delta([(columns, {})]), list(columns))
    at = table.column_names.index("rescued_data")
    table = table.set_column(at, "rescued_data", pa.array([rescued]))
    [row] = without_nulls(versions_of_standardized(table, "a.b"))
    assert (row["columns"], row["rescued_data"]) == (expected, rest)


def test_data_frames_give_the_same(job_session):
    rows = [
        ({"a": "1", "b": None, "meta__x": "é"}, {"A": "2", "a\\(path)": None}),
        ({"meta": "{}", "a__column_": ""}, {"a b": 'quote " and \\'}),
        ({}, {}),
        ({"_2nd": None}, {}),
    ]
    sent = delta(rows)
    frame = job_session.createDataFrame(
        [
            tuple(dict(one) if isinstance(one, list) else one for one in row.values())
            for row in sent.to_pylist()
        ],
        DELTA_SCHEMA,
    ).coalesce(1)
    columns = ["a", "meta"]
    table = standardized_rows(frame, columns, overflow=True)
    expected = table_of(sent, columns)
    found = [row.asDict() for row in table.collect()]
    assert [as_json(row) for row in found] == [as_json(row) for row in expected.to_pylist()]
    versions = [row.asDict() for row in curated_rows.versions_of_standardized(table, "a.b").collect()]
    assert versions == without_nulls(versions_of_standardized(expected, "a.b"))


def as_json(row):
    return row | {"rescued_data": row["rescued_data"] and json.loads(row["rescued_data"])}
