"""Cycles of a topic whose schema keeps objects as they were sent: from the activation on, and the same for a
cycle however often and by whomever its rows are read."""

import json

import pytest
from histories import Killed, killed_in
from lake import Event

from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.tables.topic_table import TopicTable

TOPIC = "telemetry.climate"
STANDARDIZED, CURATED = "standardized.telemetry_climate", "curated.telemetry_climate"
KEPT = {"type": "object", "x-flatten": False}
FIELDS = {"n": {"type": "integer"}, "readings": KEPT, "m": {"type": "object", "properties": {"raw": KEPT}}}


def event(name, text, produced=0):
    return Event(text, message_id=name, produced=produced)


@pytest.fixture(params=["tasks", "spark"])
def reader(request, monkeypatch):
    """RAW is read by tasks, or by Spark where tasks cannot."""
    if request.param == "spark":

        def refuse(*_):
            raise NotPlainFilesError("not plain")

        monkeypatch.setattr("lean_ops.standardized.take_raw.raw_splits", refuse)


@pytest.mark.usefixtures("reader")
def test_from_the_activation_on_an_opaque_path_is_one_column_and_old_columns_stay(lake):
    old = '{"n":1,"readings":{"id-1":{"v":1.0}},"m":{"raw":{"x":2},"k":3}}'
    assert lake.standardize(event("m1", old)).complete
    lake.activate(TOPIC, 1, FIELDS)
    text = '{ "id-2" : {"v" : 1.10},\n "id-2" : [ ] }'
    new = f'{{"n":2,"readings":{text},"m":{{"raw": [ 1 ],"k":4}},"other":{{"id-3": 5}}}}'
    assert lake.standardize(event("m2", new), event("m3", '{"readings":"none","m":7}')).complete
    rows = lake.by_key(STANDARDIZED)
    payload = ("n", "readings", "readings__id_1__v", "m", "m__raw", "m__raw__x", "m__k", "other__id_3")
    assert {key: [row[name] for name in payload] for key, row in rows.items()} == {
        "m1": ["1", None, "1.0", None, None, "2", "3", None],
        "m2": ["2", text, None, None, "[ 1 ]", None, "4", "5"],
        "m3": [None, "none", None, "7", None, None, None, None],
    }
    columns = {row["column_name"] for row in lake.rows("ops.drift_log") if row["source"] == "payload"}
    assert columns == {None, *payload}
    assert lake.balance("standardized") == (3, 3)


def test_what_was_taken_in_columns_is_on_record_and_never_silently_null(lake):
    old = '{"n":1,"readings":{"id-1":{"v":1.0}},"m":{"raw":{"x":2}}}'
    lake.standardize(event("m1", old), event("m4", '{"n":3,"readings":{}}'))
    lake.activate(TOPIC, 1, FIELDS)
    lake.standardize(event("m2", '{"n":2,"readings":{ "id-2":0}}'))
    assert lake.curate().complete
    assert {key: (row["readings"], row["m__raw"]) for key, row in lake.by_key(CURATED).items()} == {
        "m1": (None, None),
        "m2": ('{ "id-2":0}', None),
        "m4": ("{}", None),
    }
    [error] = lake.rows("ops.errors")
    assert (error["message_id"], error["disposition"]) == ("m1", "nulled")
    violations = json.loads(error["violations"])
    assert [(one["column"], one["rule"], one["value"]) for one in violations] == [
        ("readings", "opaque", None),
        ("m__raw", "opaque", None),
    ]
    assert "topic rebuild TOPIC --from raw" in violations[0]["message"]


def test_a_critical_field_that_was_taken_in_columns_is_rejected_and_said_to_be_missing_by_no_rule(lake):
    lake.standardize(event("m1", '{"readings":{"id-1":1}}'), event("m2", '{"n":1}'))
    lake.activate(TOPIC, 1, {"readings": KEPT | {"x-cde": True}})
    assert lake.curate().complete
    assert lake.rows(CURATED) == []
    rules = {
        row["message_id"]: [one["rule"] for one in json.loads(row["violations"])]
        for row in lake.rows("ops.errors")
    }
    assert rules == {"m1": ["opaque"], "m2": ["required"]}


def delta(lake, cycle_id):
    rows = [row for row in lake.rows("ops.cycle_delta") if row["cycle_id"] == cycle_id]
    return {row["message_id"]: dict(row["columns"]) for row in rows}


IN_COLUMNS = {"m1": {"$.readings.a": "1"}, "m2": {"$.readings.b": "2"}}
AS_SENT = {"m1": {"$.readings": '{"a": 1}'}, "m2": {"$.readings": '{ "b":2}'}}


@pytest.mark.parametrize(
    ("point", "after", "expected"),
    [
        pytest.param(
            "replace_where", False, AS_SENT, id="before its rows are there: as if it had begun later"
        ),
        pytest.param("replace_where", True, IN_COLUMNS, id="once its rows are there: as it was taken"),
        pytest.param("commit", False, IN_COLUMNS, id="before a topic has taken it"),
        pytest.param("commit", True, IN_COLUMNS, id="once a topic has taken it"),
    ],
)
def test_a_schema_that_comes_while_a_cycle_is_killed_never_parts_its_rows(lake, point, after, expected):
    lake.standardize(event("m0", '{"n":1}'))
    cycle = lake.next_cycle()
    lake.deliver(event("m1", '{"readings":{"a": 1}}'))
    lake.deliver(event("m2", '{"readings":{ "b":2}}'))
    with pytest.raises(Killed), killed_in(TopicTable, point, 1, after):
        lake.standardize(cycle_id=cycle)
    lake.activate(TOPIC, 1, FIELDS)
    lake.deliver(event("m3", '{"readings":{"c":3}}'))
    assert lake.standardize(cycle_id=cycle).complete
    assert {name: texts for name, texts in delta(lake, cycle).items() if name != "m3"} == expected
    assert lake.standardize().complete
    row = lake.by_key(STANDARDIZED)["m1"]
    found = (row.get("readings"), row.get("readings__a"))
    assert found == ((None, "1") if expected is IN_COLUMNS else ('{"a": 1}', None))
    assert lake.by_key(STANDARDIZED)["m3"]["readings"] == '{"c":3}'
    assert lake.balance("standardized") == (4, 4)


def test_cycles_that_a_table_takes_again_are_as_they_were_taken(lake):
    lake.standardize(event("m1", '{"readings":{"a": 1}}'))
    lake.activate(TOPIC, 1, FIELDS)
    lake.standardize(event("m2", '{"readings":{ "b":2}}'))
    before = lake.rows(STANDARDIZED)
    # Somebody moves the table back behind both cycles, after another version has opened the path again.
    lake.roll_back(STANDARDIZED, 0)
    lake.activate(TOPIC, 2, {"n": {"type": "integer"}})
    assert lake.standardize(event("m3", '{"readings":{"c": 3}}')).complete
    rows = lake.rows(STANDARDIZED)
    names = before[0].keys()
    assert [{name: row[name] for name in names} for row in rows if row["message_id"] != "m3"] == before
    assert lake.by_key(STANDARDIZED)["m3"]["readings__c"] == "3"


def test_a_topic_that_was_held_meanwhile_takes_its_cycles_as_they_were_taken(lake):
    lake.standardize(event("m0", '{"n":1}'))
    lake.hold(TOPIC)
    lake.standardize(event("m1", '{"readings":{"a": 1}}'))
    lake.activate(TOPIC, 1, FIELDS)
    lake.standardize(event("m2", '{"readings":{ "b":2}}'))
    lake.release(TOPIC)
    assert lake.standardize().complete
    rows = lake.by_key(STANDARDIZED)
    assert (rows["m1"]["readings"], rows["m1"]["readings__a"]) == (None, "1")
    assert (rows["m2"]["readings"], rows["m2"]["readings__a"]) == ('{ "b":2}', None)


def test_ten_thousand_ids_as_keys_make_one_column(lake):
    lake.activate(TOPIC, 1, FIELDS)
    texts = [
        json.dumps({f"id-{n}": {"v": n} for n in range(start, start + 100)})
        for start in range(0, 10_000, 100)
    ]
    events = [event(f"m{n}", f'{{"n":{n},"readings":{text}}}') for n, text in enumerate(texts)]
    assert lake.standardize(*events).complete
    assert lake.curate().complete
    rows = lake.by_key(CURATED)
    assert [rows[f"m{n}"]["readings"] for n in range(100)] == texts
    added = {row["column_name"] for row in lake.rows("ops.drift_log") if row["change_type"] == "COLUMN_ADDED"}
    assert added == {"n", "readings"}
    assert lake.rows("ops.errors") == []
