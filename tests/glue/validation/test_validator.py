"""RowValidator over batches: laws, and what it reports of bad versions. test_verdicts.py has the verdicts
themselves."""

import json
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.validation.topic_schema import read_schema
from lean_ops.validation.validate_batches import validated_batch
from lean_ops.validation.validator import RowValidator, Violation, error_id, violations_text

AT = datetime(2026, 11, 23, 10, 0, 0, 5)
DOCUMENT = {
    "type": "object",
    "x-topic": "a.b",
    "x-version": 7,
    "required": ["o"],
    "properties": {
        "n": {"type": "integer", "x-cde": True, "maximum": 5},
        "f": {"type": "number", "x-type": "float", "minimum": 0.1},
        "d": {"type": "number", "x-type": "decimal(4,1)"},
        "s": {"type": "string", "pattern": "^a+$", "maxLength": 3},
        "t": {"type": "string", "format": "date-time"},
        "o": {
            "type": "object",
            "required": ["m", "p"],
            "properties": {
                "m": {"type": "boolean"},
                "p": {"type": "object", "properties": {"q": {"type": "array"}}},
            },
        },
    },
}
SCHEMA = read_schema(json.dumps(DOCUMENT), "a.b")
VALIDATOR = RowValidator(SCHEMA)
TEXTS = ["5", "6", "0.1", "aa", "aaaa", "{}", "[1]", "true", "2026-11-23T10:00:00Z", "", "x" * 300]
COLUMNS = ["n", "f", "d", "s", "t", "o", "o__m", "o__p", "o__p__q", "o__x", "n__y", "o__p__z__w", "other"]

rows = st.lists(
    st.dictionaries(st.sampled_from(COLUMNS), st.none() | st.sampled_from(TEXTS), max_size=9), max_size=8
)


def versions(rows):
    count = len(rows)
    times = pa.array([AT] * count, pa.timestamp("us"))
    names = ["event_time", "produced_at", "received_at", "ingested_at"]
    return pa.table(
        {
            "topic_name": pa.array(["a.b"] * count, pa.string()),
            "message_id": pa.array([f"m{n}" for n in range(count)], pa.string()),
            "idempotency_key": pa.array(["k"] * count, pa.string()),
            **dict.fromkeys(names, times),
            "payload_sha256": pa.nulls(count, pa.string()),
            "columns": pa.array([list(row.items()) for row in rows], pa.map_(pa.string(), pa.string())),
            "rescued_data": pa.array([None, "{}"] * count, pa.string())[:count],
            "cycle_id": pa.array(["c1"] * count, pa.string()),
        }
    )


@given(rows)
def test_a_verdict_hangs_on_its_version_alone(found):
    assert VALIDATOR.validate_rows(found) == [VALIDATOR.validate(row) for row in found]


@given(rows)
def test_null_is_absent(found):
    padded = [dict.fromkeys(COLUMNS) | row for row in found]
    assert VALIDATOR.validate_rows(padded) == VALIDATOR.validate_rows(found)


@given(rows, st.booleans(), st.integers(0, 3))
def test_a_batch_holds_the_verdicts(found, regular, skipped):
    """Holds whether all versions have the same columns, as in Standardized, or each its own, and in a slice
    of a table too."""
    if regular:
        found = [dict.fromkeys(COLUMNS) | row for row in found]
    table = pa.concat_tables([versions(found[:2]), versions(found[2:])]).slice(skipped)
    validated = validated_batch(table, VALIDATOR)
    expected = VALIDATOR.validate_rows(found[skipped:])
    assert validated.column_names == [
        *(name for name in table.column_names if name not in ("columns", "rescued_data")),
        *("value", "disposition", "violations", "error_id", "record"),
    ]
    assert validated.column("message_id") == table.column("message_id")
    assert validated.column("value").to_pylist() == [one.values for one in expected]
    assert validated.column("disposition").to_pylist() == [one.disposition for one in expected]
    assert validated.column("violations").to_pylist() == [
        violations_text(one.violations) if one.violations else None for one in expected
    ]
    bad = [row for row in validated.to_pylist() if row["disposition"]]
    assert all(row["record"] and len(row["error_id"]) == 64 for row in bad)
    assert (
        validated.column("record").null_count
        == validated.column("error_id").null_count
        == len(expected) - len(bad)
    )


def test_values_have_the_types_of_the_table():
    text = {"n": "5", "f": "0.1", "d": "1", "s": "aa", "t": "2026-11-23T10:00:00+01:00", "o__p__q": "[1]"}
    [row] = validated_batch(versions([{**text, "o__m": "true"}]), VALIDATOR).to_pylist()
    assert row["disposition"] is None
    assert row["value"] == {
        "n": 5,
        "f": 0.10000000149011612,
        "d": Decimal("1.0"),
        "s": "aa",
        "t": datetime(2026, 11, 23, 9),
        "o__m": True,
        "o__p__q": "[1]",
    }


def test_an_error_tells_what_was_wrong_and_what_came():
    long = "😀" * 300
    [_, row] = validated_batch(
        versions([{}, {"s": long, "n": None, "o": "1", "n__y": "2"}]), VALIDATOR
    ).to_pylist()
    assert (row["disposition"], row["value"]) == ("rejected", dict.fromkeys(row["value"]))
    shown = "😀" * 200
    assert row["violations"] == (
        '[{"column":"o","rule":"type","value":"1","message":"is no object"},'
        '{"column":"n","rule":"type","value":null,"message":"is an object"},'
        f'{{"column":"s","rule":"maxLength","value":"{shown}","message":"has more than 3 characters"}},'
        f'{{"column":"s","rule":"pattern","value":"{shown}","message":"does not match ^a+$"}}]'
    )
    time = "2026-11-23T10:00:00.000005Z"
    assert json.loads(row["record"]) == {
        "message_id": "m1",
        "idempotency_key": "k",
        **dict.fromkeys(["event_time", "produced_at", "received_at", "ingested_at"], time),
        "cycle_id": "c1",
        "s": long,
        "o": "1",
        "n__y": "2",
        "rescued_data": "{}",
    }


def test_copies_of_a_bad_message_share_an_id():
    def of(columns, **others):
        parts = {"key": "k", "message_id": "m", "produced_at": "p", "disposition": "nulled"} | others
        return error_id(SCHEMA, columns=columns, **parts)

    assert of({"b": "1", "a": "2"}) == of({"a": "2", "other": None, "b": "1"})
    different = [
        of({"a": "1"}),
        of({"a": "1", "b": ""}),
        of({"b": "1"}),
        *(of({"a": "1"}, **{name: None}) for name in ("key", "message_id", "produced_at")),
        of({"a": "1"}, disposition="rejected"),
        error_id(
            read_schema(json.dumps(DOCUMENT | {"x-version": 8}), "a.b"), "k", "m", "p", "nulled", {"a": "1"}
        ),
    ]
    assert len(set(different)) == len(different)


def test_a_member_of_many_underscores_is_inside_each_column_that_it_could_be_of():
    properties = {name: {"type": "string"} for name in ("a", "a_", "a__b", "c")}
    schema = read_schema(json.dumps(DOCUMENT | {"properties": properties, "required": []}), "a.b")
    verdict = RowValidator(schema).validate({"a___b__c": "1"})
    assert verdict.violations == [
        Violation("a", "type", None, "is an object"),
        Violation("a_", "type", None, "is an object"),
    ]
