"""The Standardized job as a whole: from RAW to rows, errors, drift, ledger and mirror."""

import itertools
import json

import pytest
from histories import Killed
from lake import Event

from lean_ops.bookkeeping import ledger
from lean_ops.raw.snapshot_range import CycleOutOfOrderError, RawHistoryGoneError
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

TOPIC = "telemetry.climate"
TABLE = "standardized.telemetry_climate"


def state(lake):
    """Returns everything that must be the same however a cycle came to its end."""
    times = ("detected_at", "started_at", "finished_at")
    tables = (TABLE, "ops.parse_errors", "ops.drift_log", "ops.ledger")
    return {table: lake.rows(table, *times) for table in tables}


def test_what_was_sent_comes_out_as_text(lake):
    payload = (
        '{"big":9007199254740993,"exact":1.10,"huge":1e400,"meta":{"gps":{"lat":47.0}},"tags":["é", 1.0],'
        '"none":null,"half":"\\ud800","text":"%s"}'
    ) % ("ü😀" * 100_000)
    outcome = lake.standardize(
        Event(payload, message_id="m1", event=None, produced=-1),
        Event("{'single': 1}", message_id="m2"),
        Event({"a": 1}, topic="telemetry_climate", message_id="m3", produced=1),
        Event({"a": 1}, topic="Bad Topic; DROP TABLE x", message_id="m4"),
    )
    assert outcome.complete
    [row] = lake.rows(TABLE)
    assert row == {
        "message_id": "m1",
        "idempotency_key": "m1",
        "event_time": None,
        "produced_at": "2026-11-23T09:59:59.000000Z",
        "received_at": "2026-11-23T10:01:40.000000Z",
        "ingested_at": "2026-11-23T10:01:40.000000Z",
        "cycle_id": "20261123T000001Z-0a1b2c3d",
        "big": "9007199254740993",
        "exact": "1.10",
        "huge": "1e400",
        "meta__gps__lat": "47.0",
        "tags": '["é",1.0]',
        "none": None,
        "half": "\ufffd",
        "text": "ü😀" * 100_000,
        "rescued_data": None,
    }
    # The second topic of a table is refused, with its payload, until it is renamed. A name that is no topic
    # is refused too.
    errors = {row["message_id"]: row for row in lake.rows("ops.parse_errors")}
    assert {name: row["error_code"] for name, row in errors.items()} == {
        "m2": "INVALID_JSON",
        "m3": "TOPIC_COLLISION",
        "m4": "INVALID_TOPIC",
    }
    assert errors["m3"]["payload"] == '{"a": 1}'
    assert "line 1 column 2" in errors["m2"]["error_message"]
    drift = {(row["change_type"], row["column_name"]) for row in lake.rows("ops.drift_log")}
    assert ("TABLE_CREATED", None) in drift
    assert ("COLUMN_ADDED", "meta__gps__lat") in drift
    assert lake.balance("standardized") == (2, 2)
    assert lake.ledger("standardized")[0]["new_columns"] == 8
    assert lake.checkpoints.stored["*", "raw"] | {"updated_at": ""} == {
        "snapshot_id": lake.raw_snapshot(),
        "cycle_id": "20261123T000001Z-0a1b2c3d",
        "status": "complete",
        "delta_sequence_number": 1,
        "complete_through": "20261123T000001Z-0a1b2c3d",
        "held": [],
        "behind": [],
        "unbalanced": [],
        "proposals": [],
        "updated_at": "",
    }
    assert lake.checkpoints.stored[TOPIC, "standardized"]["cycle_id"] == "20261123T000001Z-0a1b2c3d"
    assert not any(payload[:40] in json.dumps(line, default=str) for line in lake.logged)


def test_the_latest_version_wins_and_of_copies_the_first(lake):
    lake.standardize(
        Event({"v": "correction"}, message_id="b", key="k1", produced=10, ingested=1),
        Event({"v": "original"}, message_id="a", key="k1", produced=5, ingested=2),
        Event({"v": "first"}, message_id="c", key="k2", ingested=3),
        Event({"v": "copy"}, message_id="c", key="k2", ingested=4),
        Event({"v": "old"}, message_id="d", key="k3", produced=1),
    )
    before = lake.by_key(TABLE)
    assert {key: row["v"] for key, row in before.items()} == {"k1": "correction", "k2": "first", "k3": "old"}

    # A later cycle: a late original, a copy, a correction, a new key, a new column.
    lake.standardize(
        Event({"v": "late"}, message_id="a2", key="k1", produced=7, ingested=11),
        Event({"v": "copy again"}, message_id="c", key="k2", ingested=12),
        Event({"v": "new", "w": 1}, message_id="e", key="k3", produced=2, ingested=13),
        Event({"v": "other"}, message_id="f", key="k4", ingested=14),
    )
    after = lake.by_key(TABLE)
    assert {key: row["v"] for key, row in after.items()} == {
        "k1": "correction",
        "k2": "first",
        "k3": "new",
        "k4": "other",
    }
    assert (after["k3"]["w"], after["k4"]["w"]) == ("1", None)
    assert after["k1"] == {**before["k1"], "w": None}, "what lost has changed nothing"
    first, second = lake.ledger("standardized")
    counts = ("records_in", "duplicates", "superseded", "written", "new_columns")
    assert [first[name] for name in counts] == [5, 1, 1, 3, 1]
    assert [second[name] for name in counts] == [4, 1, 2, 2, 1]

    # The same input once more changes nothing but the ledger, which still balances.
    unchanged = lake.rows(TABLE), lake.rows("ops.drift_log")
    lake.standardize(Event({"v": "late"}, message_id="a2", key="k1", produced=7, ingested=21))
    assert (lake.rows(TABLE), lake.rows("ops.drift_log")) == unchanged
    assert lake.balance("standardized") == (10, 10)

    # A cycle without new rows changes nothing, and running it again changes nothing either.
    unchanged = state(lake)
    last = "20261123T000099Z-0a1b2c3d"
    lake.standardize(cycle_id=last)
    lake.standardize(cycle_id=last)
    assert state(lake) == unchanged
    with pytest.raises(CycleOutOfOrderError, match="start a new cycle"):
        lake.standardize(cycle_id="20261123T000002Z-0a1b2c3d")


def test_a_topic_that_fails_is_caught_up_and_holds_up_no_other(lake):
    lake.provisioning_failures["fleet.trucks"] = "Athena is tired"
    outcome = lake.standardize(
        Event(message_id="m1"), Event({"a": 1}, topic="fleet.trucks", message_id="t1", key="k")
    )
    assert outcome.failed == {"fleet.trucks": "PROVISIONER_FAILED: Athena is tired"}
    assert len(lake.rows(TABLE)) == 1
    assert lake.checkpoints.stored["*", "raw"]["status"] == "incomplete"
    assert [row["status"] for row in lake.ledger("standardized", "fleet.trucks")] == ["FAILED"]
    behind = {
        "topic_name": "fleet.trucks",
        "since": "2026-11-23T10:01:40+00:00",
        "cycle_id": "20261123T000001Z-0a1b2c3d",
        "error": "PROVISIONER_FAILED: Athena is tired",
    }
    assert lake.checkpoints.stored["*", "raw"]["behind"] == [behind]

    # Its table exists now but is broken. The other topic goes on.
    lake.provisioning_failures.clear()
    lake.ensure(["fleet.trucks"])
    lake.spark.sql(f"ALTER TABLE {lake.name('standardized.fleet_trucks')} DROP COLUMN message_id")
    later = (
        Event(message_id="m2"),
        Event({"a": 2}, topic="fleet.trucks", message_id="t2", key="k", produced=1, ingested=900),
    )
    outcome = lake.standardize(*later)
    assert list(outcome.failed) == ["fleet.trucks"]
    [still] = lake.checkpoints.stored["*", "raw"]["behind"]
    assert {**still, "error": ""} == {**behind, "error": ""}
    assert still["error"] != behind["error"]
    assert len(lake.rows(TABLE)) == 2

    # Once the table is mended, both cycles are taken in order, although nothing new came.
    lake.spark.sql(f"ALTER TABLE {lake.name('standardized.fleet_trucks')} ADD COLUMN message_id STRING")
    assert lake.standardize().complete
    [row] = lake.rows("standardized.fleet_trucks")
    assert (row["a"], row["message_id"], row["cycle_id"]) == ("2", "t2", "20261123T000002Z-0a1b2c3d")
    entries = lake.ledger("standardized", "fleet.trucks")
    assert [(entry["status"], entry["records_in"], entry["superseded"]) for entry in entries] == [
        ("SUCCEEDED", 1, 0),
        ("SUCCEEDED", 1, 1),
    ]
    assert lake.balance("standardized") == (2, 2)
    assert lake.checkpoints.stored["*", "raw"]["status"] == "complete"
    assert lake.checkpoints.stored["*", "raw"]["behind"] == []


def test_a_checkpoint_that_cannot_be_mirrored_fails_its_topic_and_is_put_by_the_next_run(lake):
    truck = Event({"a": 1}, topic="fleet.trucks", message_id="t1", key="k")
    lake.checkpoints.refused_topics = {"fleet.trucks"}
    outcome = lake.standardize(Event(message_id="m1"), truck)
    why = "checkpoint not mirrored: RuntimeError: ProvisionedThroughputExceededException"
    assert outcome.failed == {"fleet.trucks": why}
    assert [line["reason"] for line in lake.logged if line.get("level") == "ERROR"] == [why]
    assert lake.checkpoints.stored["*", "raw"]["status"] == "incomplete"
    assert ("telemetry.climate", "standardized") in lake.checkpoints.stored
    unchanged = lake.rows("standardized.fleet_trucks"), lake.ledger("standardized", "fleet.trucks")
    assert [len(rows) for rows in unchanged] == [1, 1]

    lake.checkpoints.refused_topics.clear()
    assert lake.standardize().complete
    assert lake.checkpoints.stored["fleet.trucks", "standardized"]["cycle_id"] == "20261123T000001Z-0a1b2c3d"
    assert (lake.rows("standardized.fleet_trucks"), lake.ledger("standardized", "fleet.trucks")) == unchanged


def test_columns_past_the_limit_are_rescued(lake):
    lake.max_columns = 2
    lake.standardize(Event('{"b":1,"a":2,"c":null,"d":1.10}', message_id="m1"))
    lake.standardize(Event({"A": 1, "a": 2, "z": 3}, message_id="m2"))
    rows = lake.by_key(TABLE)
    assert (rows["m1"]["a"], rows["m1"]["b"]) == ("2", "1")
    assert json.loads(rows["m1"]["rescued_data"]) == {"c": None, "d": "1.10"}
    assert json.loads(rows["m2"]["rescued_data"]) == {"A": "1", "z": "3"}
    assert "c" not in rows["m1"]
    drift = {(row["change_type"], row["column_name"]) for row in lake.rows("ops.drift_log")}
    assert drift >= {
        ("MAX_COLUMNS", "c"),
        ("MAX_COLUMNS", "d"),
        ("MAX_COLUMNS", "z"),
        ("NAME_COLLISION", "A"),
    }
    assert [row["rescued"] for row in lake.ledger("standardized")] == [1, 1]


@pytest.mark.parametrize("way", ["in a task", "by Spark"])
def test_a_value_without_a_column_and_a_rescued_path_of_its_name_are_both_kept(lake, request, way):
    if way == "by Spark":
        request.getfixturevalue("by_spark")
    lake.max_columns = 1
    long = "x" * 5000
    payload = {"ZZ": 1, "zz": 2, "zz__column_": 3, "zz (column)": 4, "a": 5, long: 6}
    lake.standardize(Event(payload))
    [row] = lake.rows(TABLE)
    assert row["a"] == "5"
    assert json.loads(row["rescued_data"]) == {
        "zz": "2",
        "ZZ": "1",
        "zz__column_": "3",
        "zz (column)": "4",
        long: "6",
    }
    drift = {(row["change_type"], row["column_name"]) for row in lake.rows("ops.drift_log")}
    assert ("COLUMN_RESCUED", long[:1024]) in drift


@pytest.mark.parametrize("way", ["in a task", "by Spark"])
def test_a_path_that_comes_later_never_lies_in_the_column_of_another(lake, request, way):
    if way == "by Spark":
        request.getfixturevalue("by_spark")
    lake.activate(TOPIC, 1, {"id": {"type": "string"}, "温度": {"type": "number"}})
    first, second = (
        Event({"Id": "a", "温度": 21.5}, message_id="m1"),
        Event({"id": "b", "湿度": 40}, message_id="m2"),
    )
    for event in (first, second):
        lake.standardize(event)
        lake.curate()
    rows, curated = lake.by_key(TABLE), lake.by_key(TABLE.replace("standardized", "curated"))
    assert [(rows[key]["id"], rows[key]["rescued_data"]) for key in ("m1", "m2")] == [
        ("a", None),
        (None, '{"id\\\\(path)":"b"}'),
    ]
    assert [(rows[key]["u6e29u5ea6"], rows[key].get("u6e7fu5ea6")) for key in ("m1", "m2")] == [
        ("21.5", None),
        (None, "40"),
    ]
    assert [(curated[key]["id"], curated[key]["u6e29u5ea6"]) for key in ("m1", "m2")] == [
        ("a", 21.5),
        (None, None),
    ]
    comments = {
        one.name: one.metadata.get("comment") for one in lake.spark.table(lake.name(TABLE)).schema.fields
    }
    assert comments["id"] == "$.Id"
    assert comments["u6e29u5ea6"] == "$.温度"
    drift = {(row["change_type"], row["column_name"]) for row in lake.rows("ops.drift_log")}
    assert ("NAME_COLLISION", "id") in drift


@pytest.mark.parametrize("way", ["in a task", "by Spark"])
def test_names_that_no_listing_has_room_for_are_rescued(lake, request, way):
    """So many paths came that the listing of a cycle's paths was cut before the others."""
    if way == "by Spark":
        request.getfixturevalue("by_spark")
    lake.max_columns = 3
    lake.standardize(Event({"aaaaaaa": 0}, message_id="m0"))
    many = {"".join(one): n for n, one in enumerate(itertools.product(*["Aa"] * 7)) if n < 127}
    lake.standardize(Event(many, message_id="m1"), Event({"temp": 21, "zone": "x"}, message_id="m2"))
    row = lake.by_key(TABLE)["m2"]
    assert json.loads(row["rescued_data"] or "{}") | {
        name: row.get(name) for name in ("temp", "zone") if row.get(name)
    } == {
        "temp": "21",
        "zone": "x",
    }


def test_a_comment_that_people_change_gives_the_column_to_another_path(lake):
    lake.standardize(Event({"Device-Id": "stray"}, message_id="m1"))
    lake.spark.sql(f"ALTER TABLE {lake.name(TABLE)} ALTER COLUMN device_id COMMENT '$.device_id'")
    lake.standardize(
        Event({"device_id": "d"}, message_id="m2"), Event({"Device-Id": "stray"}, message_id="m3")
    )
    rows = lake.by_key(TABLE)
    assert [rows[key]["device_id"] for key in ("m1", "m2", "m3")] == ["stray", "d", None]
    assert json.loads(rows["m3"]["rescued_data"]) == {"Device-Id": "stray"}


def test_a_table_that_cannot_be_loaded_stops_no_other_topic(lake, monkeypatch):
    lake.standardize(Event(message_id="m1"), Event(message_id="m1", topic="other.topic"))
    lake.checkpoints.stored.pop(("other.topic", "standardized"))
    load = Tables._load

    def load_but_one(self, table):
        if table.endswith("other_topic"):
            raise RuntimeError("metadata is gone")
        return load(self, table)

    monkeypatch.setattr(Tables, "_load", load_but_one)
    lake.standardize(Event(message_id="m2"), Event(message_id="m2", topic="other.topic"))
    assert set(lake.by_key(TABLE)) == {"m1", "m2"}


def forget_history(lake):
    lake.spark.sql(
        f"CALL glue_catalog.system.expire_snapshots(table => '{lake.name('raw.events')}', "
        "older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 1)"
    )


def test_snapshots_of_raw_that_expired_unread_cost_nothing_and_double_nothing(lake):
    copy = Event(message_id="copy", event=None)
    lake.standardize(Event(message_id="m1"), copy, copy)
    lake.deliver(Event(message_id="m2", ingested=7200), copy)
    lake.deliver(Event(message_id="m3"), Event(message_id="m1", ingested=101))
    forget_history(lake)
    cycle = lake.next_cycle()
    assert lake.standardize(cycle_id=cycle).trouble() is None
    taken = [row["message_id"] for row in lake.rows("ops.cycle_delta") if row["cycle_id"] == cycle]
    assert sorted(taken) == ["copy", "m1", "m2", "m3"]
    assert set(lake.by_key(TABLE)) == {"m1", "copy", "m2", "m3"}
    assert lake.balance("standardized") == (7, 7)
    assert [line for line in lake.logged if line["message"] == "RAW history gone"]
    # From here on snapshots lead the way again.
    lake.standardize(Event(message_id="m4"))
    assert lake.balance("standardized") == (8, 8)


def test_expired_snapshots_with_nothing_new_move_the_checkpoint(lake):
    lake.standardize(Event(message_id="m1"))
    lake.spark.sql(
        f"CALL glue_catalog.system.rewrite_data_files(table => '{lake.name('raw.events')}', "
        "options => map('rewrite-all', 'true'))"
    )
    forget_history(lake)
    assert lake.standardize().trouble() is None
    assert lake.balance("standardized") == (1, 1)
    assert lake.checkpoints.stored["*", "raw"]["snapshot_id"] == lake.raw_snapshot()


def test_without_snapshots_and_without_cycle_delta_nothing_is_guessed(lake):
    lake.standardize(Event(message_id="m1"))
    lake.deliver(Event(message_id="m2"))
    lake.deliver(Event(message_id="m3"))
    forget_history(lake)
    lake.spark.sql(f"DELETE FROM {lake.name('ops.cycle_delta')}")
    with pytest.raises(RawHistoryGoneError, match="Nothing was read"):
        lake.standardize()
    assert set(lake.by_key(TABLE)) == {"m1"}


EVENTS = (
    (
        Event({"a": 1}, message_id="m1", key="k"),
        Event("bad", message_id="x1"),
        Event({"b": 1}, message_id="m2", topic="fleet.trucks"),
    ),
    (
        Event({"a": 2, "c": {"A": 1, "a": 2}}, message_id="m3", key="k", produced=1),
        Event("bad", message_id="x1"),
        Event("bad", message_id="x2"),
        Event({"b": 1}, message_id="m2", topic="fleet.trucks"),
    ),
)


def killed_after(monkeypatch, owner, method, call, table=""):
    """Lets the run die right after the `call`-th call of a method (about a table) has done its work."""
    original = getattr(owner, method)
    calls = []

    def then_killed(*arguments, **named):
        result = original(*arguments, **named)
        if any(table in str(argument) for argument in arguments):
            calls.append(method)
            if len(calls) == call:
                raise Killed
        return result

    monkeypatch.setattr(owner, method, then_killed)


def test_a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one(lake, new_lake, monkeypatch):
    undisturbed = new_lake()
    for events in EVENTS:
        undisturbed.standardize(*events)
    lake.standardize(*EVENTS[0])
    lake.deliver(*EVENTS[1])
    cycle = lake.next_cycle()
    for owner, method, call, table, cycle_id in (
        (TopicTable, "replace_where", 1, "", cycle),  # RAW's range is taken, and nothing says so yet
        (Tables, "append_new", 1, "parse_errors", cycle),
        (Tables, "append_new", 1, "drift_log", cycle),
        # The table has its new columns, but not its rows.
        (Tables, "add_columns", 1, "telemetry_climate", lake.next_cycle()),
        # The topic has its rows and its checkpoint.
        (TopicTable, "commit", 1, "", lake.next_cycle()),
        (ledger, "write", 1, "", lake.next_cycle()),  # everything is done but the mirror
    ):
        with monkeypatch.context() as patch:
            killed_after(patch, owner, method, call, table)
            with pytest.raises(Killed):
                lake.standardize(cycle_id=cycle_id)
        assert lake.checkpoints.stored["*", "raw"]["cycle_id"] < cycle, "the mirror says only what is done"
    lake.standardize()
    assert state(lake) == state(undisturbed)
    assert lake.balance("standardized") == (5, 5)
    assert lake.checkpoints.stored["*", "raw"]["status"] == "complete"
