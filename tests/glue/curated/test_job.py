"""The Curated job as a whole: from Standardized's rows to typed rows, errors, ledger and mirror."""

import json
from datetime import datetime

import pytest
from lake import Event
from pyspark.sql import DataFrameWriter
from readings import SCHEMA, TABLE, TOPIC, reading

from lean_ops.validation.topic_schema import SchemaError, read_schema


def state(lake):
    times = ("detected_at", "started_at", "finished_at")
    return {table: lake.rows(table, *times) for table in (TABLE, "ops.errors", "ops.ledger")}


def test_rows_are_typed_and_validated(lake):
    lake.activate(TOPIC, 3, SCHEMA, required=["temperature"])
    lake.standardize(
        Event(
            reading(meta={"fw": "1.2", "gps": {"lat": 47.37}}, tags=[1, 2.0], more="unknown"),
            message_id="good",
        ),
        Event(reading(device="", measured_at="yesterday", temperature=99), message_id="bad"),
        Event(reading(device="", measured_at="yesterday", temperature=99), message_id="bad", ingested=200),
        Event(reading(temperature=21.555, meta={"gps": {"lat": "north"}}, tags=5), message_id="nulled"),
        Event(
            {"device": "dev-8", "measured_at": "2026-11-23T10:00:00Z", "meta": "none"}, message_id="missing"
        ),
        Event("no json", message_id="unread"),
    )
    assert lake.curate().complete
    rows = lake.by_key(TABLE)
    assert set(rows) == {"good", "nulled", "missing"}
    good = rows["good"]
    assert (good["device"], str(good["temperature"]), good["meta__gps__lat"]) == ("dev-7", "21.50", 47.37)
    assert (good["measured_at"], good["tags"]) == (datetime(2026, 11, 23, 9), "[1,2.0]")
    assert (good["produced_at"], good["ingested_at"]) == (
        datetime(2026, 11, 23, 10),
        datetime(2026, 11, 23, 10, 1, 40),
    )
    assert (good["schema_version"], good["cycle_id"]) == (3, "20261123T000001Z-0a1b2c3d")
    nulled = rows["nulled"]
    assert [nulled[name] for name in ("temperature", "meta__gps__lat", "tags", "device")] == [
        None,
        None,
        None,
        "dev-7",
    ]

    errors = {row["message_id"]: row for row in lake.rows("ops.errors")}
    violations = {
        name: [(one["column"], one["rule"], one["value"]) for one in json.loads(row["violations"])]
        for name, row in errors.items()
    }
    assert violations == {
        "bad": [
            ("device", "minLength", ""),
            ("measured_at", "format", "yesterday"),
            ("temperature", "maximum", "99"),
        ],
        "nulled": [
            ("temperature", "type", "21.555"),
            ("meta__fw", "required", None),
            ("meta__gps__lat", "type", "north"),
            ("tags", "type", "5"),
        ],
        "missing": [
            ("meta", "type", "none"),
            ("temperature", "required", None),
        ],
    }
    assert {name: row["disposition"] for name, row in errors.items()} == {
        "bad": "rejected",
        "nulled": "nulled",
        "missing": "nulled",
    }
    record = json.loads(errors["bad"]["record"])
    assert (record["device"], record["temperature"], record["produced_at"]) == (
        "",
        "99",
        "2026-11-23T10:00:00.000000Z",
    )
    [entry] = lake.ledger("curated")
    counts = ("records_in", "duplicates", "superseded", "written", "rejected", "nulled")
    assert [entry[name] for name in counts] == [5, 1, 0, 3, 1, 2]
    assert lake.balance("curated") == (5, 5)
    mirror = lake.checkpoints.stored[TOPIC, "curated"]
    assert (mirror["schema_version"], mirror["delta_through"]) == (3, "20261123T000001Z-0a1b2c3d")


def test_a_row_that_breaks_a_rule_of_the_whole_is_there_and_noted_unless_the_rule_is_critical(lake):
    fields = {"kind": {"type": "string"}, "n": {"type": "integer"}, "at": {"type": "integer"}}
    fields["at"]["x-type"] = "timestamp(ms)"
    branches = [{"required": [name]} for name in ("kind", "n")]
    lake.activate(TOPIC, 1, fields, oneOf=branches)
    lake.standardize(
        Event({"kind": "a", "at": 1764583200123}, message_id="good"),
        Event({"kind": "a", "n": 1.0}, message_id="both"),
        Event({"kind": "a", "n": 1.0}, message_id="both", ingested=200),
        Event({"kind": "a", "n": "x"}, message_id="nulled"),
        Event({"at": 1}, message_id="older", key="k", produced=1),
        Event({"n": 2}, message_id="newer", key="k", produced=2),
    )
    assert lake.curate().complete
    rows = lake.by_key(TABLE)
    assert {key: (row["kind"], row["n"]) for key, row in rows.items()} == {
        "good": ("a", None),
        "both": ("a", 1),
        "nulled": ("a", None),
        "k": (None, 2),
    }
    assert rows["good"]["at"] == datetime(2025, 12, 1, 10, 0, 0, 123_000)
    errors = {row["message_id"]: row for row in lake.rows("ops.errors")}
    assert {name: row["disposition"] for name, row in errors.items()} == {
        "both": "noted",
        "nulled": "nulled",
        "older": "noted",
    }
    assert json.loads(errors["both"]["violations"]) == [
        {
            "column": "$",
            "rule": "oneOf",
            "value": None,
            "message": "is not exactly one of what the schema lists",
        }
    ]
    [entry] = lake.ledger("curated")
    counts = ("records_in", "duplicates", "superseded", "written", "rejected", "nulled", "noted")
    assert [entry[name] for name in counts] == [6, 1, 1, 4, 0, 1, 2]
    assert lake.balance("curated") == (6, 6)

    # The same rule rejects where it names a critical field.
    lake.activate(TOPIC, 2, {**fields, "kind": {"type": "string", "x-cde": True}}, oneOf=branches)
    lake.standardize(
        Event({"kind": "b", "n": 5}, message_id="refused"), Event({"kind": "b"}, message_id="taken")
    )
    assert lake.curate().complete
    assert lake.by_key(TABLE).keys() == {"good", "both", "nulled", "k", "taken"}
    [entry] = [row for row in lake.ledger("curated") if row["rejected"]]
    assert [entry[name] for name in counts] == [2, 0, 0, 1, 1, 0, 0]
    assert lake.balance("curated") == (8, 8)


def test_a_version_that_won_by_a_wrong_clock_is_mended_by_deleting_it(lake):
    def record(of):
        return {
            layer: lake.by_key(f"{layer}.telemetry_climate")["k"][of] for layer in ("standardized", "curated")
        }

    lake.activate(TOPIC, 1, SCHEMA)
    lake.standardize(Event(reading(device="wrong"), message_id="a", key="k", produced=10**9))
    lake.curate()
    lake.standardize(Event(reading(device="later"), message_id="b", key="k", produced=5))
    lake.curate()
    assert record("message_id") == {"standardized": "a", "curated": "a"}
    for layer in ("standardized", "curated"):
        table = lake.name(f"{layer}.telemetry_climate")
        lake.spark.sql(f"DELETE FROM {table} WHERE produced_at > received_at + INTERVAL '1' DAY")
    lake.standardize(Event(reading(device="again"), message_id="c", key="k", produced=6))
    lake.curate()
    assert record("message_id") == {"standardized": "c", "curated": "c"}


def test_the_latest_valid_version_stays_whatever_comes_when(lake):
    lake.activate(TOPIC, 1, SCHEMA)
    lake.standardize(
        Event(reading(device="late"), message_id="a", key="k1", produced=5),
        Event(reading(temperature=1), message_id="b", key="k2", produced=1),
        Event(reading(device=None), message_id="c", key="k2", produced=9),
    )
    lake.curate()
    assert lake.by_key("standardized.telemetry_climate")["k2"]["device"] is None
    assert str(lake.by_key(TABLE)["k2"]["temperature"]) == "1.00", (
        "the bad correction has not replaced the good original"
    )
    lake.standardize(
        Event(reading(device="early"), message_id="d", key="k1", produced=4),
        Event(reading(device=""), message_id="e", key="k1", produced=8),
        Event(reading(temperature=2), message_id="f", key="k2", produced=8),
    )
    lake.curate()
    rows = lake.by_key(TABLE)
    assert (rows["k1"]["device"], rows["k1"]["message_id"]) == ("late", "a")
    assert str(rows["k2"]["temperature"]) == "2.00", "the good version between them counts"
    assert lake.balance("curated") == (6, 6)
    unchanged = state(lake)
    lake.curate()
    assert state(lake) == unchanged, "nothing new: nothing written"


def test_a_topic_that_gets_a_schema_later_is_filled_and_a_new_schema_validates_again_where_it_says_so(lake):
    lake.standardize(Event({"n": 1, "m": "7"}, message_id="m1"), Event({"n": "x"}, message_id="m2"))
    lake.standardize(Event({"n": 2}, message_id="m3"))
    # Retention has taken the first cycle: its rows come from Standardized.
    delta = lake.name("ops.cycle_delta")
    lake.spark.sql(f"DELETE FROM {delta} WHERE cycle_id = '20261123T000001Z-0a1b2c3d'")
    lake.activate(TOPIC, 1, {"n": {"type": "integer", "x-cde": True}})
    lake.curate()
    assert {key: row["n"] for key, row in lake.by_key(TABLE).items()} == {"m1": 1, "m3": 2}
    assert lake.balance("curated") == (3, 3)

    fields = {"n": {"type": "integer", "x-cde": True}, "m": {"type": "integer"}}
    lake.activate(TOPIC, 2, fields)
    lake.standardize(Event({"n": 4, "m": 8}, message_id="m4"))
    lake.curate()
    rows = lake.by_key(TABLE)
    assert {key: (row["m"], row["schema_version"]) for key, row in rows.items()} == {
        "m1": (None, 1),
        "m3": (None, 1),
        "m4": (8, 2),
    }
    assert lake.balance("curated") == (4, 4)

    lake.activate(TOPIC, 3, fields, x_backfill=True)
    lake.curate()
    rows = lake.by_key(TABLE)
    assert (rows["m1"]["m"], rows["m1"]["schema_version"], rows["m3"]["m"]) == (7, 3, None)
    assert lake.checkpoints.stored[TOPIC, "curated"]["schema_version"] == 3
    assert lake.balance("curated") == (8, 8)
    assert [row["schema_version"] for row in lake.rows("ops.errors")] == [1, 3]


@pytest.mark.parametrize("way", ["in a task", "by Spark"])
def test_a_field_past_max_columns_is_filled_also_after_cycle_delta_has_lost_its_cycle(lake, request, way):
    if way == "by Spark":
        request.getfixturevalue("by_spark")
    lake.max_columns = 1
    first, second = lake.next_cycle(), lake.next_cycle()
    lake.standardize(Event({"a": 1, "version": "1.2", "meta": {"x": 1}}, message_id="m1"), cycle_id=first)
    lake.standardize(Event({"a": 2, "version": "1.3", "meta": {"x": 2}}, message_id="m2"), cycle_id=second)
    assert lake.by_key("standardized.telemetry_climate")["m1"]["rescued_data"] == (
        '{"version":"1.2","meta__x":"1"}'
    )
    lake.forget([first])
    fields = {"version": {"type": "string", "x-cde": True}, "meta": {"type": "object", "properties": {}}}
    fields["meta"]["properties"] = {"y": {"type": "string"}}
    lake.activate(TOPIC, 1, fields, required=["meta"])
    assert lake.curate().complete
    assert {key: row["version"] for key, row in lake.by_key(TABLE).items()} == {"m1": "1.2", "m2": "1.3"}
    assert lake.rows("ops.errors") == []


def test_of_versions_with_the_same_head_a_backfill_takes_the_one_that_standardized_has(lake):
    """The table does not keep what decided between them, and cycle_delta has lost it."""
    twins = [Event(reading(device=name), message_id="m", key="k") for name in ("dev-1", "dev-2")]
    less, greater = sorted(twins, key=lambda event: event.row()[9])
    first = lake.next_cycle()
    lake.standardize(greater, cycle_id=first)
    lake.standardize(less)
    [kept] = lake.rows("standardized.telemetry_climate")
    lake.forget([first])
    lake.activate(TOPIC, 1, SCHEMA)
    assert lake.curate().complete
    [row] = lake.rows(TABLE)
    assert (row["device"], row["cycle_id"]) == (kept["device"], first)


def test_a_first_schema_finds_nothing_to_fill_from(lake):
    lake.standardize(Event("bad", message_id="m1"))
    lake.activate(TOPIC, 1, SCHEMA)
    assert lake.curate().complete
    assert lake.rows(TABLE) == []


def partitions(lake):
    """Returns the partition's value, or None where there is no partition or no value, to its number of
    rows."""
    found = lake.spark.sql(f"SELECT * FROM {lake.name(TABLE)}.partitions").collect()
    return {str(row["partition"][0]) if "partition" in row else None: row["record_count"] for row in found}


def test_a_declared_event_time_partitions_by_its_day_whatever_the_year(lake):
    lake.activate(TOPIC, 1, SCHEMA, x_event_time="measured_at")
    lake.standardize(
        Event(reading(), message_id="now"),
        Event(reading(measured_at="0001-01-01T00:00:00Z"), message_id="first"),
        Event(reading(measured_at="9999-12-31T23:59:59.999999Z"), message_id="last"),
        Event(reading(measured_at="1969-12-31T23:59:59.999999Z"), message_id="before"),
        Event(reading(measured_at="+294247-01-10T04:00:54Z"), message_id="never"),
    )
    assert lake.curate().complete
    assert partitions(lake) == {"2026-11-23": 1, "0001-01-01": 1, "9999-12-31": 1, "1969-12-31": 1}
    assert [row["message_id"] for row in lake.rows("ops.errors")] == ["never"]
    # A correction may move a row to another day.
    corrected = reading(measured_at="2026-11-24T00:00:00Z", temperature=1)
    lake.standardize(Event(corrected, message_id="later", key="first", produced=1))
    assert lake.curate().complete
    assert partitions(lake) == {"2026-11-23": 1, "2026-11-24": 1, "9999-12-31": 1, "1969-12-31": 1}
    assert lake.by_key(TABLE)["first"]["message_id"] == "later"
    assert lake.balance("curated") == (6, 6)


def test_a_stable_event_time_that_a_message_lacks_has_a_partition_of_its_own(lake):
    lake.activate(TOPIC, 1, SCHEMA, x_event_time_stable=True)
    lake.standardize(Event(reading(), message_id="a"), Event(reading(), message_id="b", event=None))
    assert lake.curate().complete
    assert partitions(lake) == {"2026-11-23": 1, "None": 1}
    lake.standardize(Event(reading(temperature=3), message_id="c", key="b", event=None, produced=1))
    assert lake.curate().complete
    assert lake.by_key(TABLE)["b"]["message_id"] == "c"
    assert partitions(lake) == {"2026-11-23": 1, "None": 1}


def test_many_days_in_one_batch_are_written_one_file_at_a_time(lake, by_spark, monkeypatch):
    """With a file open for each day, 10,000 made-up event times ended the job for want of memory."""
    options = []
    original = DataFrameWriter.option
    monkeypatch.setattr(
        DataFrameWriter,
        "option",
        lambda writer, key, value: options.append((key, value)) or original(writer, key, value),
    )
    lake.activate(TOPIC, 1, SCHEMA, x_event_time="measured_at")
    days = [f"{year}-0{month}-01T00:00:00Z" for year in range(1901, 1921) for month in (1, 2)]
    lake.standardize(*(Event(reading(measured_at=day), message_id=day) for day in days))
    assert lake.curate().complete
    assert len(partitions(lake)) == len(days)
    assert options.count(("fanout-enabled", "false")) == 2
    assert lake.balance("curated") == (40, 40)


def test_a_table_from_before_partitioning_keeps_working(lake):
    lake.activate(TOPIC, 1, SCHEMA)
    fields = lake.spark.table(lake.name(TABLE)).schema.fields
    columns = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in fields)
    lake.spark.sql(f"DROP TABLE {lake.name(TABLE)}")
    lake.spark.sql(f"CREATE TABLE {lake.name(TABLE)} ({columns}) USING iceberg")
    lake.activate(TOPIC, 1, SCHEMA, x_event_time="measured_at")
    lake.standardize(Event(reading(), message_id="a", key="k"))
    assert lake.curate().complete
    lake.standardize(Event(reading(temperature=3), message_id="b", key="k", produced=1))
    assert lake.curate().complete
    assert (lake.by_key(TABLE)["k"]["message_id"], partitions(lake)) == ("b", {None: 1})


def test_topics_without_a_usable_schema_are_skipped_or_fail_alone(lake):
    lake.activate(TOPIC, 1, SCHEMA)
    for topic in ("fleet.trucks", "fleet.vans", "fleet.bikes"):
        lake.activate(topic, 1, {"n": {"type": "integer"}})
    del lake.active_schemas["fleet.vans"]
    lake.active_schemas["fleet.trucks"] = "{"
    lake.registered["fleet.bikes"]["status"] = "MAINTENANCE"
    lake.standardize(
        Event(reading()), Event({"n": 1}, topic="fleet.trucks"), Event({"n": 1}, topic="fleet.bikes")
    )
    outcome = lake.curate()
    assert list(outcome.failed) == ["fleet.trucks"]
    assert outcome.skipped == {"fleet.vans": "no active schema"}
    assert lake.checkpoints.get("*", "curated")["skipped"] == ["fleet.vans"]
    assert len(lake.rows(TABLE)) == 1
    assert lake.rows("curated.fleet_bikes") == []
    assert [row["status"] for row in lake.ledger("curated", "fleet.trucks")] == ["FAILED"]
    about_the_run = lake.checkpoints.stored["*", "curated"]
    assert [note["topic_name"] for note in about_the_run["behind"]] == ["fleet.trucks"]
    assert about_the_run["snapshot_id"] == lake.checkpoints.stored["*", "raw"]["snapshot_id"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x-topic": "other.topic"}, "is of the topic"),
        ({"x-version": "1"}, "x-version"),
        ({"type": "array"}, "no object"),
        ({"properties": {"a": {"type": "string", "unevaluatedItems": False}}}, "a: .*unevaluatedItems"),
        ({"properties": {"a": {"type": "integer", "$dynamicRef": "#b"}}}, "dynamicRef"),
        ({"properties": {"a": {"type": ["string", "null"]}}}, "no column for type"),
        ({"properties": {"a": {"type": "number", "x-type": "decimal(39,1)"}}}, "decimal"),
        ({"properties": {"a": {"type": "string"}, "A": {"type": "string"}}}, "column a"),
    ],
)
def test_a_schema_that_cannot_be_enforced_is_refused(change, message):
    document = {"type": "object", "x-topic": TOPIC, "x-version": 1, "properties": {}} | change
    with pytest.raises(SchemaError, match=message):
        read_schema(json.dumps(document), TOPIC)


def test_types_are_those_that_typescript_makes_columns_of():
    from pathlib import Path

    shared = json.loads((Path(__file__).parents[3] / "schemas" / "type-table.json").read_text("utf-8"))[
        "types"
    ]
    for row in shared:
        spec = {name: row[name] for name in ("type", "format", "x-type") if name in row}
        if "x-type" in spec:
            spec["x-type"] = spec["x-type"].replace("p,s", "10,2")
        document = {"type": "object", "x-topic": TOPIC, "x-version": 1, "properties": {"a": spec}}
        [field] = read_schema(json.dumps(document), TOPIC).fields
        column = row["column"].replace("p,s", "10,2")
        assert field.data_type == {"timestamp": "timestamp_ntz"}.get(column, column)


def test_columns_that_an_overtaken_upload_left_in_the_table_stay_empty(lake):
    lake.activate(TOPIC, 3, SCHEMA)
    lake.spark.sql(f"ALTER TABLE {lake.name(TABLE)} ADD COLUMNS (left_over INT)")
    lake.spark.sql(f"ALTER TABLE {lake.name(TABLE)} ALTER COLUMN temperature TYPE decimal(12,2)")
    lake.standardize(Event(reading(), message_id="appended", key="k"))
    assert lake.curate().complete
    lake.standardize(Event(reading(temperature=22), message_id="merged", key="k", produced=500))
    assert lake.curate().complete
    [row] = lake.rows(TABLE)
    assert (row["message_id"], str(row["temperature"]), row["left_over"]) == ("merged", "22.00", None)


def test_curated_waits_for_standardized_to_decide_which_path_has_a_column(lake, monkeypatch):
    lake.activate(TOPIC, 1, {"id": {"type": "string"}})
    with monkeypatch.context() as patch:
        patch.setattr(
            "lean_ops.standardized.job.advance_all",
            lambda tables, pool, advances, *_: {one.topic: RuntimeError("down") for one in advances},
        )
        for n, payload in enumerate(({"Id": "UPPER"}, {"id": "lower"})):
            lake.standardize(Event(payload, message_id=f"m{n}"))
            [why] = lake.curate().failed.values()
            assert why.startswith("StandardizedBehindError: Standardized has not taken the cycle ")
    lake.standardize()
    assert lake.curate().complete
    rows = lake.by_key(TABLE)
    assert [rows[key]["id"] for key in ("m0", "m1")] == ["UPPER", None]
