import json
from datetime import UTC, datetime

import pytest
from adopted import ENVELOPE, NOW, Adopted, Killed
from lake import Event

from emulator.athena.spark_text import SEPARATOR
from emulator.athena.sql import plan
from lean_ops.catch_up.report import summary
from lean_ops.ports.interfaces import CatalogEntry
from lean_ops.tables.commits import TableError
from lean_ops.tables.spark_tables import Tables

TOPIC = "telemetry.climate"
SCHEMA = {"device": {"type": "string"}, "temperature": {"type": "number", "x-type": "decimal(10,2)"}}
ITEM = {"topic_name": TOPIC, "table_name": "telemetry_climate", "updated_at": NOW.isoformat()}
ENABLED = {
    **ITEM,
    "status": "READY",
    "processing_enabled": True,
    "schema_version": 3,
    "schema_etag": f"etag-of-{TOPIC}",
    "schema_key": f"schemas/{TOPIC}/active/schema.json",
}
DISABLED = {**ITEM, "status": "READY", "processing_enabled": False}
OWNER = {"topic_name": "table#telemetry_climate", "owner": TOPIC, "table_name": "telemetry_climate"}


@pytest.fixture
def adopted(lake):
    return Adopted(lake)


def governed(adopted, topic=TOPIC, version=3):
    """Makes both tables and an active schema by hand, so that nothing of it is on record."""
    adopted.standardized(topic, "device string, temperature string")
    adopted.curated(topic, "device string, temperature decimal(10,2)")
    adopted.schema(topic, version, SCHEMA)


def lines(outcome):
    return "\n".join(summary(outcome))


# --- adoption ---


def test_tables_and_a_schema_become_a_governed_topic(adopted):
    governed(adopted)
    outcome = adopted.run()
    assert (outcome.failed, outcome.left) == ({}, {})
    assert adopted.lake.registered == {TOPIC: ENABLED, OWNER["topic_name"]: OWNER}
    assert adopted.drift(TOPIC) == [
        ("curated", "TABLE_CREATED", None, "device string, temperature decimal(10,2)", "catch_up"),
        ("standardized", "COLUMN_ADDED", "device", "string", "catch_up"),
        ("standardized", "COLUMN_ADDED", "temperature", "string", "catch_up"),
        ("standardized", "TABLE_CREATED", None, None, "catch_up"),
    ]


def test_a_topic_without_a_schema_is_registered_and_not_enabled(adopted):
    adopted.standardized(TOPIC, "device string")
    adopted.folders.add(TOPIC)
    adopted.run()
    assert adopted.lake.registered[TOPIC] == DISABLED


def test_it_writes_what_the_live_job_would_have_written(adopted):
    """When the live job's rows and items are forgotten and made anew, they differ in source, id, cycle and
    time only."""
    lake = adopted.lake
    lake.activate(TOPIC, 3, SCHEMA)
    lake.standardize(
        Event({"device": "a", "meta": {"fw": "1"}}), Event({"x": 1}, topic="other", message_id="b")
    )
    lake.standardize(Event({"device": "a", "later": 1}, message_id="c"))
    live = {
        topic: adopted.drift(topic, "layer", "change_type", "column_name", "new_value")
        for topic in (TOPIC, "other")
    }
    owners = {key: item["owner"] for key, item in lake.registered.items() if "owner" in item}
    adopted.forget()
    assert adopted.run().failed == {}
    # The fixture of schema-validator records nothing.
    made = {(TOPIC, "curated", "TABLE_CREATED")}
    for topic, before in live.items():
        after = adopted.drift(topic, "layer", "change_type", "column_name", "new_value")
        assert [row for row in after if (topic, *row[:2]) not in made] == before
        assert len(before) >= 2
    assert owners == {key: item["owner"] for key, item in lake.registered.items() if "owner" in item}
    assert [lake.registered[topic]["processing_enabled"] for topic in (TOPIC, "other")] == [True, False]
    # And the jobs go on where they were.
    assert lake.standardize(Event({"device": "d", "newest": 1}, message_id="d")).complete
    assert lake.curate().complete
    assert {row["device"] for row in lake.rows("curated.telemetry_climate")} == {"a", "d"}
    assert adopted.run(dry_run=True).plans[TOPIC].changes is False


def test_columns_are_dated_by_the_tables_own_history(adopted):
    table = adopted.standardized(TOPIC, "device string")
    adopted.insert(table, device="a")
    adopted.sql(f"ALTER TABLE {table} ADD COLUMNS (later string)")
    adopted.insert(table, device="b")
    adopted.insert(table, device="c")
    adopted.sql(f"ALTER TABLE {table} ADD COLUMNS (unwritten string)")
    adopted.folders.add(TOPIC)
    times = adopted.lake.spark.sql(f"SELECT committed_at FROM {table}.snapshots ORDER BY 1").collect()
    first, second, third = (row[0].astimezone(UTC).replace(tzinfo=None) for row in times)
    adopted.run()
    at = dict(adopted.drift(TOPIC, "column_name", "detected_at"))
    assert at[None] == at["device"] <= first
    assert at["later"] == second
    assert third <= at["unwritten"] < datetime.now()
    assert adopted.lake.logged[-2]["exact_dates"] is True


def test_expired_snapshots_leave_the_oldest_one_as_the_date(adopted):
    table = adopted.standardized(TOPIC, "device string")
    adopted.sql(f"ALTER TABLE {table} ADD COLUMNS (later string)")
    for name in "abc":
        adopted.insert(table, later=name)
    adopted.sql(
        f"CALL glue_catalog.system.expire_snapshots(table => '{table.removeprefix('glue_catalog.')}', "
        "older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 1)"
    )
    adopted.folders.add(TOPIC)
    outcome = adopted.run()
    [left] = adopted.lake.spark.sql(f"SELECT committed_at FROM {table}.snapshots").collect()
    at = dict(adopted.drift(TOPIC, "column_name", "detected_at"))
    assert at["later"] == left[0].astimezone(UTC).replace(tzinfo=None)
    assert "3 rows *" in lines(outcome)
    assert "the columns were there by then" in lines(outcome)


def test_curated_lists_what_it_was_made_with_and_dates_what_came_later(adopted):
    adopted.schema(TOPIC, 3, {**SCHEMA, "n": {"type": "integer"}})
    table = adopted.curated(TOPIC, "device string, temperature decimal(10,2)")
    adopted.sql(f"ALTER TABLE {table} ADD COLUMNS (n bigint)")
    adopted.run()
    assert adopted.drift(TOPIC) == [
        ("curated", "COLUMN_ADDED", "n", "bigint", "catch_up"),
        ("curated", "TABLE_CREATED", None, "device string, temperature decimal(10,2)", "catch_up"),
    ]


# --- what is there already ---


def record(adopted, change, column, new, source="payload", layer="standardized", topic=TOPIC):
    adopted.sql(
        f"INSERT INTO {adopted.lake.name('ops.drift_log')} VALUES ('id-{column}-{source}', '{topic}', "
        f"'{layer}', '{change}', {json.dumps(column)}, NULL, {json.dumps(new)}, '{source}', NULL, 'c1', NULL)"
    )


def test_what_has_a_row_gets_none(adopted):
    governed(adopted)
    record(adopted, "COLUMN_ADDED", "device", "string")
    record(adopted, "TABLE_CREATED", None, "device string, temperature decimal(10,2)", "schema", "curated")
    adopted.run()
    assert [row for row in adopted.drift(TOPIC) if row[4] == "catch_up"] == [
        ("standardized", "COLUMN_ADDED", "temperature", "string", "catch_up"),
        ("standardized", "TABLE_CREATED", None, None, "catch_up"),
    ]


def test_a_list_of_columns_that_was_cut_hides_none(adopted):
    governed(adopted)
    record(adopted, "TABLE_CREATED", None, "device string, temper…", "schema", "curated")
    adopted.run()
    assert [row for row in adopted.drift(TOPIC) if row[0] == "curated"] == [
        ("curated", "TABLE_CREATED", None, "device string, temper…", "schema")
    ]


def test_the_live_job_does_not_record_again_what_was_caught_up(adopted):
    """A running cycle has just made the table, and its own row comes after this run's, with the same id."""
    topic = "fresh"
    adopted.lake._ensure(topic)
    adopted.run()
    adopted.lake.spark.sql(f"DROP TABLE {adopted.lake.name('standardized.fresh')}")
    adopted.lake.standardize(Event({"a": 1}, topic=topic))
    created = [row for row in adopted.drift(topic) if row[1] == "TABLE_CREATED"]
    assert created == [("standardized", "TABLE_CREATED", None, None, "catch_up")]


def test_items_are_never_overwritten_and_gaps_are_filled(adopted):
    governed(adopted)
    adopted.lake.registered[TOPIC] = {"topic_name": TOPIC, "processing_enabled": True, "status": "ERROR"}
    adopted.run()
    assert adopted.lake.registered[TOPIC] == {**ENABLED, "status": "ERROR"}


def test_what_somebody_switched_off_stays_off(adopted):
    governed(adopted)
    off = {**ENABLED, "processing_enabled": False, "updated_at": "then"}
    adopted.lake.registered |= {TOPIC: off, OWNER["topic_name"]: OWNER}
    outcome = adopted.run()
    assert adopted.lake.registered[TOPIC] == {**ENABLED, "processing_enabled": False, "updated_at": "then"}
    assert outcome.plans[TOPIC].notes == ()


def test_a_topic_that_was_registered_before_its_schema_was_known_needs_a_person(adopted):
    governed(adopted)
    adopted.lake.registered[TOPIC] = dict(DISABLED)
    outcome = adopted.run()
    assert adopted.lake.registered[TOPIC] == DISABLED
    assert "switched off: upload its schema again" in lines(outcome)


@pytest.mark.parametrize("status", ["MAINTENANCE", "REBUILDING"])
def test_topics_that_an_operator_holds_are_left_alone(adopted, status):
    governed(adopted)
    adopted.lake.registered[TOPIC] = {"topic_name": TOPIC, "status": status}
    before = adopted.state()
    assert status in lines(adopted.run())
    assert adopted.state() == before


def test_a_topic_that_schema_validator_is_at_gets_no_rows_for_curated(adopted):
    governed(adopted)
    claimed = {"topic_name": TOPIC, "claimed_sequencer": "2", "settled_sequencer": "1"}
    adopted.lake.registered[TOPIC] = dict(claimed)
    outcome = adopted.run()
    assert adopted.lake.registered == {TOPIC: claimed}
    assert {row[0] for row in adopted.drift(TOPIC)} == {"standardized"}
    assert "begun an upload" in lines(outcome)


@pytest.mark.parametrize("write", ["claim telemetry_climate", f"add {TOPIC}"])
def test_who_comes_in_between_keeps_what_he_wrote(adopted, write):
    governed(adopted)
    theirs = {
        OWNER["topic_name"]: {**OWNER, "owner": "telemetry-climate"},
        TOPIC: {"topic_name": TOPIC, "claimed_sequencer": "1"},
    }
    key = OWNER["topic_name"] if write.startswith("claim") else TOPIC

    def come_in(what):
        if what == write:
            adopted.lake.registered[key] = theirs[key]

    adopted.before_write = come_in
    outcome = adopted.run()
    assert adopted.lake.registered[key] == theirs[key]
    assert (outcome.failed, "meanwhile: run again" in outcome.left[TOPIC]) == ({}, True)


def test_a_gap_is_not_filled_once_a_new_upload_has_begun(adopted):
    governed(adopted)
    adopted.lake.registered[TOPIC] = {"topic_name": TOPIC, "processing_enabled": True, "status": "READY"}

    def come_in(what):
        if what == f"fill {TOPIC}":
            adopted.lake.registered[TOPIC]["claimed_sequencer"] = "9"

    adopted.before_write = come_in
    outcome = adopted.run()
    assert "schema_version" not in adopted.lake.registered[TOPIC]
    assert "meanwhile" in outcome.left[TOPIC]


# --- names that engines keep to themselves ---


@pytest.mark.parametrize("after_a_cycle", [False, True])
def test_the_statement_of_the_note_mends_a_table_that_spark_cannot_read(adopted, by_spark, after_a_cycle):
    table = adopted.standardized(TOPIC, "_deleted string")
    for key in ("kept", "replaced"):
        then = "2026-11-23T00:00:00Z"
        adopted.insert(table, idempotency_key=key, message_id="m", produced_at=then, _deleted="yes")
    lake, new = adopted.lake, "payload___deleted"
    lake.deliver(Event({"_deleted": True}, key="replaced"))
    if after_a_cycle:
        assert TOPIC in lake.standardize().failed
        new += "_before"
    outcome = adopted.run()
    [note] = outcome.plans[TOPIC].notes
    assert "its standardized table has the column _deleted" in note
    assert note in lines(outcome)
    statement = note[note.index("ALTER TABLE") :]
    assert statement.startswith(f"ALTER TABLE {lake.prefix}_standardized.telemetry_climate CHANGE COLUMN")
    for sql in plan(statement, f"{lake.prefix}_standardized").sql.split(SEPARATOR):
        adopted.sql(sql)

    assert adopted.run().plans[TOPIC].notes == ()
    assert ("COLUMN_ADDED", new) in adopted.drift(TOPIC, "change_type", "column_name")
    assert lake.standardize().failed == {}
    rows = lake.by_key("standardized.telemetry_climate")
    assert (rows["kept"][new], rows["replaced"]["payload___deleted"]) == ("yes", "true")


# --- whose table is it ---


def test_topics_are_found_in_raw_and_cycle_delta(adopted):
    adopted.lake.deliver(Event(topic="from-raw"), Event(topic="no topic!"), Event(topic=None))
    for topic in ("from-raw", TOPIC):
        adopted.standardized(topic)
    adopted.insert(adopted.lake.name("ops.cycle_delta"), topic_name=TOPIC, cycle_id="c")
    assert set(adopted.run().plans) == {"from-raw", TOPIC}


def test_two_topics_for_one_table_are_reported_and_not_guessed(adopted):
    adopted.standardized(TOPIC, "device string")
    adopted.folders |= {TOPIC, "telemetry-climate"}
    before = adopted.state()
    outcome = adopted.run()
    assert (
        "telemetry-climate and telemetry.climate would share it"
        in outcome.left["standardized.telemetry_climate"]
    )
    assert adopted.state() == before
    adopted.run(telemetry_climate=TOPIC)
    assert adopted.lake.registered[OWNER["topic_name"]] == OWNER


def test_the_registry_decides_where_it_knows(adopted):
    adopted.standardized(TOPIC)
    adopted.folders |= {TOPIC, "telemetry-climate"}
    adopted.lake.registered[OWNER["topic_name"]] = dict(OWNER)
    assert set(adopted.run().plans) == {TOPIC}
    contradicted = adopted.run(telemetry_climate="telemetry-climate")
    assert "one must yield" in contradicted.left["standardized.telemetry_climate"]
    assert (
        "belongs to the topic telemetry.climate" in adopted.run("telemetry-climate").left["telemetry-climate"]
    )


def test_a_table_without_a_topic_is_reported_with_what_to_do(adopted):
    adopted.standardized("orders.v2", "n string")
    outcome = adopted.run()
    assert outcome.failed == {}
    assert "--owners orders_v2=<topic name>" in outcome.left["standardized.orders_v2"]
    assert adopted.lake.registered == {}
    adopted.run(orders_v2="orders.v2")
    assert adopted.lake.registered["orders.v2"]["table_name"] == "orders_v2"


def test_what_is_no_topics_table_is_reported_and_never_stops_a_run(adopted):
    governed(adopted)
    adopted.foreign += [
        ("curated", CatalogEntry("daily", "view")),
        ("standardized", CatalogEntry("old_csv", "table that is not Iceberg")),
    ]
    adopted.sql(f"CREATE TABLE {adopted.lake.name('curated')}.`2024-backup` (a string) USING iceberg")
    outcome = adopted.run()
    assert set(outcome.left) == {"curated.daily", "standardized.old_csv", "curated.2024-backup"}
    assert adopted.lake.registered[TOPIC] == ENABLED


def test_topics_limit_the_run(adopted):
    for topic in (TOPIC, "other"):
        adopted.standardized(topic, "device string")
        adopted.folders.add(topic)
    outcome = adopted.run(TOPIC, "not-there")
    assert set(outcome.plans) == {TOPIC}
    assert "no table yet" in outcome.left["not-there"]
    assert adopted.drift("other") == []
    assert "other" not in adopted.lake.registered


# --- what does not fit ---


def test_the_pipelines_own_columns_are_added_where_rows_can_do_without(adopted):
    kept = [part for part in ENVELOPE.split(", ") if part.split()[0] not in ("event_time", "rescued_data")]
    table = adopted.standardized(TOPIC, own=", ".join(kept))
    adopted.insert(table, message_id="m")
    adopted.folders.add(TOPIC)
    adopted.run()
    added = [row for row in adopted.drift(TOPIC, "change_type", "column_name", "detected_at") if row[1]]
    now = NOW.replace(tzinfo=None)
    assert added == [("COLUMN_ADDED", "event_time", now), ("COLUMN_ADDED", "rescued_data", now)]
    assert adopted.lake.spark.table(table).columns[-2:] == ["event_time", "rescued_data"]
    assert adopted.run(dry_run=True).plans[TOPIC].changes is False


def test_rows_that_cannot_be_ordered_keep_a_topic_from_being_enabled(adopted):
    governed(adopted)
    table = adopted.lake.name("standardized.telemetry_climate")
    adopted.insert(table, device="a")
    adopted.sql(f"ALTER TABLE {table} DROP COLUMNS (idempotency_key, cycle_id)")
    outcome = adopted.run()
    assert "lack idempotency_key, cycle_id" in lines(outcome)
    assert "idempotency_key" not in adopted.lake.spark.table(table).columns
    assert adopted.lake.registered[TOPIC]["processing_enabled"] is False
    # Without rows nothing is at stake.
    adopted.sql(f"DELETE FROM {table}")
    adopted.run()
    assert "idempotency_key" in adopted.lake.spark.table(table).columns


def test_a_topic_that_was_once_held_gets_its_columns_as_any_other(adopted):
    governed(adopted)
    table = adopted.lake.name("standardized.telemetry_climate")
    adopted.sql(f"ALTER TABLE {table} DROP COLUMN rescued_data")
    Tables(adopted.lake.spark, adopted.lake.prefix).raise_epoch(table, 2)
    adopted.lake.registered[TOPIC] = {**ENABLED, "epoch": 2}
    assert adopted.run().failed == {}
    assert "rescued_data" in adopted.lake.spark.table(table).columns


def test_typed_columns_in_standardized_are_reported(adopted):
    adopted.standardized(TOPIC, "n int, nested struct<a:int>, t timestamp, d decimal(9,1)")
    adopted.folders.add(TOPIC)
    outcome = adopted.run()
    assert "has n int, nested struct, t timestamp with time zone, d decimal(9,1), where" in lines(outcome)


@pytest.mark.parametrize(
    ("columns", "expected_note"),
    [
        ("device string", "lacks temperature of version 3"),
        ("device string, temperature double", "lacks temperature as decimal(10,2) (it is double)"),
        ("device string, temperature decimal(9,2)", "it is decimal(9,2)"),
        ("device string, temperature decimal(12,2), more string", None),
    ],
)
def test_a_curated_table_behind_its_schema_is_left_to_schema_validator(adopted, columns, expected_note):
    adopted.standardized(TOPIC)
    table = adopted.curated(TOPIC, columns)
    adopted.schema(TOPIC, 3, SCHEMA)
    before = adopted.lake.spark.table(table).dtypes
    notes = " ".join(adopted.run().plans[TOPIC].notes)
    assert (expected_note in notes and "schema push" in notes) if expected_note else notes == ""
    assert adopted.lake.registered[TOPIC]["processing_enabled"] is (expected_note is None)
    assert adopted.lake.spark.table(table).dtypes == before


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe", b"[" * 100_000, b'{"type":"object","x-topic":"other","x-version":1}', b"[]"],
    ids=["cut", "bytes", "deep", "other topic", "list"],
)
def test_a_damaged_active_schema_is_reported_and_the_rest_is_done(adopted, content):
    governed(adopted)
    governed(adopted, "fine")
    adopted.active_files[TOPIC] = content
    outcome = adopted.run()
    assert outcome.failed == {}
    assert "active schema is damaged" in lines(outcome)
    assert adopted.lake.registered[TOPIC] == DISABLED
    assert adopted.lake.registered["fine"]["processing_enabled"] is True
    assert len(adopted.drift(TOPIC)) == 4


def test_tables_or_schemas_that_are_alone_are_reported(adopted):
    adopted.curated("no.schema", "a string")
    adopted.standardized("no.table")
    adopted.schema("no.table", 1, SCHEMA)
    adopted.folders.add("no.schema")
    text = lines(adopted.run())
    assert "no.schema: it has a Curated table and no active schema" in text
    assert "no.table: it has an active schema and no Curated table" in text


# --- failures ---


def test_one_topics_failure_does_not_stop_the_others(adopted, monkeypatch):
    for topic in ("bad.read", "bad.write", "bad.schema", "good"):
        governed(adopted, topic)
    adopted.sql(f"ALTER TABLE {adopted.lake.name('standardized.bad_write')} DROP COLUMN rescued_data")
    read, active = Tables.metadata, adopted.active_file

    def metadata(self, table):
        if table.endswith("standardized.bad_read"):
            raise TableError("its metadata is gone")
        return read(self, table)

    def add_columns(self, table, *_):
        raise OSError("no space")

    def active_file(topic):
        if topic == "bad.schema":
            raise OSError("access denied")
        return active(topic)

    with monkeypatch.context() as patch:
        patch.setattr(Tables, "metadata", metadata)
        patch.setattr(Tables, "add_columns", add_columns)
        patch.setattr(adopted, "active_file", active_file)
        outcome = adopted.run()
    assert outcome.failed == {
        "bad.read": "its standardized table cannot be read: TableError: its metadata is gone",
        "bad.write": "OSError: no space",
        "bad.schema": "OSError: access denied",
    }
    assert "4 topics" not in lines(outcome)
    assert "3 failed" in lines(outcome)
    assert {key for key in adopted.lake.registered if "#" not in key} == {"good"}
    assert adopted.run().failed == {}
    assert {key for key in adopted.lake.registered if "#" not in key} == {
        "good",
        "bad.read",
        "bad.write",
        "bad.schema",
    }


def test_a_lake_without_drift_log_is_reported_at_once(adopted):
    adopted.sql(f"DROP TABLE {adopted.lake.name('ops.drift_log')}")
    with pytest.raises(TableError, match="terraform apply makes it"):
        adopted.run()


# --- dry run, repeat, kill ---


def mixed(adopted):
    """Makes a lake in which a run writes something of every kind."""
    governed(adopted)
    own = ", ".join(part for part in ENVELOPE.split(", ") if not part.startswith("received_at"))
    adopted.standardized("plain", "a string, b string", own)
    adopted.folders.add("plain")
    governed(adopted, "partial")
    adopted.lake.registered["partial"] = {
        "topic_name": "partial",
        "processing_enabled": True,
        "status": "READY",
    }
    record(adopted, "COLUMN_ADDED", "device", "string", topic="partial")
    adopted.standardized("orphan")


def test_a_dry_run_says_what_a_run_then_does_and_writes_nothing(adopted):
    mixed(adopted)
    before = (adopted.state(), adopted.snapshots())
    dry = adopted.run(dry_run=True)
    assert (adopted.state(), adopted.snapshots()) == before
    assert adopted.calls == []
    real = adopted.run()
    assert real.plans == dry.plans
    assert summary(dry)[2:] == summary(real)[2:]
    assert summary(dry)[0] == (
        "historical catch-up: dry run, nothing was written; a run with --dry-run=false would do this"
    )
    assert "plain              4 rows     received_at    new, not enabled; owns plain" in summary(dry)
    assert "3 topics: 3 to bring in line by 11 rows of drift_log, 0 in line already, 0 failed." in summary(
        dry
    )


def test_a_second_run_finds_nothing_to_do_and_commits_nothing(adopted):
    mixed(adopted)
    adopted.run()
    before, calls = (adopted.state(), adopted.snapshots()), len(adopted.calls)
    outcome = adopted.run()
    assert (adopted.state(), adopted.snapshots(), len(adopted.calls)) == (*before, calls)
    assert summary(outcome)[0] == "historical catch-up: nothing to do"


def counted(adopted, monkeypatch):
    """Counts writes of Spark as outside calls too."""
    for method in ("append_new", "add_columns"):
        real = getattr(Tables, method)

        def write(self, *given, real=real, method=method):
            return adopted.written(method, lambda: real(self, *given))

        monkeypatch.setattr(Tables, method, write)


def test_a_run_that_was_killed_anywhere_is_simply_run_again(new_lake, monkeypatch):
    def fresh():
        adopted = Adopted(new_lake())
        mixed(adopted)
        return adopted

    with monkeypatch.context() as patch:
        undisturbed = fresh()
        counted(undisturbed, patch)
        undisturbed.run()
    expected, writes = undisturbed.state(ids=False), len(undisturbed.calls)
    assert writes == 8
    for place in range(writes + 1):
        adopted = fresh()
        adopted.kill_after = place
        with monkeypatch.context() as patch:
            counted(adopted, patch)
            with pytest.raises(Killed):
                adopted.run()
        adopted.kill_after = None
        assert adopted.run().failed == {}, place
        assert adopted.state(ids=False) == expected, place


def test_progress_is_logged_by_batch(adopted, monkeypatch):
    monkeypatch.setattr("lean_ops.catch_up.job.BATCH", 2)
    for n in range(5):
        adopted.standardized(f"topic{n}", "a string")
        adopted.folders.add(f"topic{n}")
    adopted.run()
    logged = [(line["done"], line["of"]) for line in adopted.lake.logged if line["message"] == "progress"]
    assert logged == [(2, 5), (4, 5), (5, 5)]
