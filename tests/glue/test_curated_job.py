import json
from collections import Counter
from datetime import datetime

import pytest
from lake import Event

from lean_ops import curated_by_spark, curated_job
from lean_ops.schemas import SchemaError, read_schema
from lean_ops.tables import Tables
from lean_ops.topic_table import TopicTable

TOPIC = "telemetry.climate"
TABLE = "curated.telemetry_climate"
SCHEMA = {
    "device": {"type": "string", "minLength": 1, "x-cde": True},
    "measured_at": {"type": "string", "format": "date-time", "x-cde": True},
    "temperature": {"type": "number", "minimum": -90, "maximum": 60, "x-type": "decimal(10,2)"},
    "meta": {
        "type": "object",
        "required": ["fw"],
        "properties": {
            "fw": {"type": "string"},
            "gps": {"type": "object", "properties": {"lat": {"type": "number"}}},
        },
    },
    "tags": {"type": "array"},
}
GOOD = {"device": "dev-7", "measured_at": "2026-11-23T10:00:00+01:00", "temperature": 21.5}


class Killed(BaseException):
    pass


def reading(**changes):
    return {**GOOD, **changes}


def state(lake):
    times = ("detected_at", "started_at", "finished_at")
    return {table: lake.rows(table, *times) for table in (TABLE, "ops.errors", "ops.ledger")}


def test_rows_are_typed_and_judged(lake):
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
    mirror = lake.checkpoints.held[TOPIC, "curated"]
    assert (mirror["schema_version"], mirror["delta_through"]) == (3, "20261123T000001Z-0a1b2c3d")


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
    held = state(lake)
    lake.curate()
    assert state(lake) == held, "nothing new: nothing written"


def test_a_topic_that_gets_a_schema_later_is_filled_and_a_new_schema_judges_again_where_it_says_so(lake):
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
    assert lake.checkpoints.held[TOPIC, "curated"]["schema_version"] == 3
    assert lake.balance("curated") == (8, 8)
    assert [row["schema_version"] for row in lake.rows("ops.errors")] == [1, 3]


def test_a_first_schema_finds_nothing_to_fill_from(lake):
    lake.standardize(Event("bad", message_id="m1"))
    lake.activate(TOPIC, 1, SCHEMA)
    assert lake.curate().complete
    assert lake.rows(TABLE) == []


def partitions(lake):
    """Value of the partition (None: not partitioned, or no value) to its rows."""
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


def test_many_days_in_one_batch_are_written_one_file_at_a_time(lake, by_spark):
    """With a file open for each day, 10,000 made-up event times ended the job for want of memory."""
    lake.activate(TOPIC, 1, SCHEMA, x_event_time="measured_at")
    days = [f"{year}-0{month}-01T00:00:00Z" for year in range(1901, 1921) for month in (1, 2)]
    lake.standardize(*(Event(reading(measured_at=day), message_id=day) for day in days))
    assert lake.curate().complete
    assert len(partitions(lake)) == len(days)
    properties = lake.spark.sql(f"SHOW TBLPROPERTIES {lake.name(TABLE)}").collect()
    assert {row["key"]: row["value"] for row in properties}["write.spark.fanout.enabled"] == "false"
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
    assert len(lake.rows(TABLE)) == 1
    assert lake.rows("curated.fleet_bikes") == []
    assert [row["status"] for row in lake.ledger("curated", "fleet.trucks")] == ["FAILED"]


def test_a_quiet_topic_does_not_have_old_cycles_read_again_and_none_is_passed_over(lake, monkeypatch):
    looked_after, topic_cycles = [], curated_job.topic_cycles
    monkeypatch.setattr(
        curated_job,
        "topic_cycles",
        lambda tables, after, limits: looked_after.append(after) or topic_cycles(tables, after, limits),
    )

    def run(*events):
        lake.standardize(*events)
        outcome = lake.curate()
        return outcome.complete

    def cycle(number):
        return f"20261123T{number:06d}Z-0a1b2c3d"

    fields = {"n": {"type": "integer"}}
    lake.activate(TOPIC, 1, fields)
    lake.activate("fleet.quiet", 1, fields)
    quiet = Event({"n": 0}, topic="fleet.quiet", message_id="q")
    assert run(Event({"n": 1}, message_id="m1"), quiet)
    for n in (2, 3):
        assert run(Event({"n": n}, message_id=f"m{n}"))
    # Each run has a name of its own here: Standardized's are odd.
    assert looked_after == [None, cycle(1), cycle(3)]

    # A table that people rolled back is taken on from where it is now.
    table = lake.name(TABLE)
    first = lake.spark.sql(f"SELECT snapshot_id FROM {table}.snapshots ORDER BY committed_at").collect()[0][0]
    place = table.removeprefix("glue_catalog.")
    lake.spark.sql(f"CALL glue_catalog.system.rollback_to_snapshot('{place}', {first})")
    assert len(lake.rows(TABLE)) == 1
    assert run()
    assert set(lake.by_key(TABLE)) == {"m1", "m2", "m3"}
    assert looked_after[-1] == cycle(1)

    # A topic that fails holds up what was looked through, and loses nothing; one that comes later has all.
    lake.spark.sql(f"ALTER TABLE {table} DROP COLUMN n")
    assert not run(Event({"n": 4}, message_id="m4"))
    lake.activate("fleet.late", 1, fields)
    assert not run(Event({"n": 5}, message_id="m5"), Event({"n": 5}, topic="fleet.late", message_id="l"))
    lake.spark.sql(f"ALTER TABLE {table} ADD COLUMN n BIGINT")
    assert run(quiet)
    assert set(lake.by_key(TABLE)) == {f"m{n}" for n in range(1, 6)}
    assert [row["n"] for row in lake.rows("curated.fleet_late")] == [5]
    assert looked_after[-1] < cycle(9), "the cycles of the run that failed"
    assert run()
    assert looked_after[-1] == cycle(13)


def test_a_checkpoint_that_cannot_be_mirrored_fails_its_topic_and_is_put_by_the_next_run(lake):
    lake.activate(TOPIC, 1, SCHEMA)
    lake.standardize(Event(reading(), message_id="a"))
    lake.checkpoints.refused_topics = {TOPIC}
    assert "checkpoint not mirrored" in lake.curate().failed[TOPIC]
    assert lake.checkpoints.held["*", "curated"]["status"] == "incomplete"
    held = lake.rows(TABLE), lake.ledger("curated")
    assert [len(rows) for rows in held] == [1, 1]

    lake.checkpoints.refused_topics.clear()
    assert lake.curate().complete
    assert lake.checkpoints.held[TOPIC, "curated"]["cycle_id"] == held[1][0]["cycle_id"]
    assert (lake.rows(TABLE), lake.ledger("curated")) == held


def test_a_run_that_is_killed_after_each_write_is_finished_by_the_next(lake, monkeypatch):
    lake.activate(TOPIC, 1, SCHEMA)
    lake.standardize(
        Event(reading(temperature=1), message_id="a", key="k"), Event(reading(device=""), message_id="b")
    )
    lake.curate()
    lake.standardize(
        Event(reading(temperature=2), message_id="c", key="k", produced=1),
        Event(reading(device=""), message_id="b"),
        Event(reading(device="", x=1), message_id="d"),
        Event(reading(), message_id="e"),
    )
    # The errors are written; the rows and their checkpoint are.
    for owner, method in ((Tables, "append"), (TopicTable, "commit")):
        original = getattr(owner, method)

        def then_killed(*arguments, original=original, **named):
            original(*arguments, **named)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(owner, method, then_killed)
            with pytest.raises(Killed):
                lake.curate()
    lake.curate()
    rows = lake.by_key(TABLE)
    assert set(rows) == {"k", "e"}
    assert str(rows["k"]["temperature"]) == "2.00"
    assert sorted(row["message_id"] for row in lake.rows("ops.errors")) == ["b", "d"]
    assert lake.balance("curated") == (6, 6)
    totals = [
        sum(row[name] for row in lake.ledger("curated")) for name in ("rejected", "duplicates", "superseded")
    ]
    assert totals == [2, 1, 1]


def test_a_long_back_fill_without_new_rows_is_one_entry_of_all_its_pieces(lake, by_spark, monkeypatch):
    monkeypatch.setattr(curated_by_spark, "MAX_ROWS", 2)
    for n in range(3):
        lake.standardize(
            Event({"n": n}, message_id=f"m{n}"),
            Event({"n": "x"}, message_id=f"x{n}"),
            Event({"n": n}, message_id=f"m{n}"),
        )
    # So long ago that cycle_delta has nothing of it any more.
    lake.spark.sql(f"DELETE FROM {lake.name('ops.cycle_delta')} WHERE TRUE")
    fields = {"n": {"type": "integer", "x-cde": True}}
    lake.activate(TOPIC, 1, fields)
    assert lake.curate().trouble() is None
    lake.activate(TOPIC, 2, fields | {"m": {"type": "integer"}}, x_backfill=True)
    assert lake.curate().trouble() is None
    counts = ("status", "records_in", "written", "rejected", "duplicates")
    assert [tuple(row[name] for name in counts) for row in lake.ledger("curated")] == [
        ("SUCCEEDED", 6, 3, 3, 0),
        ("SUCCEEDED", 6, 3, 3, 3),
    ]
    assert lake.balance("curated") == (12, 12)


def test_a_long_back_fill_that_is_killed_after_each_piece_goes_on_with_the_next(lake, by_spark, monkeypatch):
    fields = {"n": {"type": "integer", "x-cde": True}}
    lake.activate(TOPIC, 1, fields)
    for n in range(3):
        lake.standardize(
            Event({"n": n, "m": str(n)}, message_id=f"m{n}"), Event({"n": "x"}, message_id=f"x{n}")
        )
    lake.curate()
    lake.activate(TOPIC, 2, fields | {"m": {"type": "integer"}}, x_backfill=True)
    monkeypatch.setattr(curated_by_spark, "MAX_ROWS", 2)
    upsert, pieces = Tables.upsert, []

    def then_killed(self, rows, *arguments):
        pieces.append(sorted(row["message_id"] for row in rows.select("message_id").collect()))
        upsert(self, rows, *arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Tables, "upsert", then_killed)
        for _ in range(3):
            with pytest.raises(Killed):
                lake.curate()
            done = {key for key, row in lake.by_key(TABLE).items() if row["m"] is not None}
            assert done == {key for piece in pieces for key in piece}
    assert pieces == [["m0"], ["m1"], ["m2"]]
    assert lake.curate().complete
    assert {(row["m"], row["schema_version"]) for row in lake.rows(TABLE)} == {(0, 2), (1, 2), (2, 2)}
    assert lake.checkpoints.held[TOPIC, "curated"]["schema_version"] == 2
    assert Counter(row["schema_version"] for row in lake.rows("ops.errors")) == {1: 3, 2: 3}
    assert lake.balance("curated") == (12, 12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x-topic": "other.topic"}, "is of the topic"),
        ({"x-version": "1"}, "x-version"),
        ({"type": "array"}, "no object"),
        ({"properties": {"a": {"type": "string", "allOf": []}}}, "a: allOf is not enforced"),
        ({"properties": {"a": {"type": "integer", "multipleOf": 2}}}, "multipleOf"),
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

    shared = json.loads((Path(__file__).parents[2] / "schemas" / "type-table.json").read_text("utf-8"))[
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
