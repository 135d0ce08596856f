"""Maintenance of real tables: what it expires, drops, compacts and removes, that every snapshot which stays
can be read, and that the next cycle goes on as if nothing had happened."""

import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlparse

import pytest
from lake import EPOCH, Event
from maintained import (
    MemoryOperations,
    MemoryVersions,
    count_at,
    data_files,
    keep_few,
    lines,
    maintain,
    snapshot_ids,
)
from saved_lake import SavedLake

from lean_ops.maintenance import debt, raw_days
from lean_ops.maintenance.debt import MIN_SMALL_FILES, RECENT

TOPIC = "telemetry.climate"
NAME = "telemetry_climate"
TABLES = (f"standardized.{NAME}", f"curated.{NAME}")
LATER = EPOCH + timedelta(days=60)


def event(n, **more):
    return Event({"temperature": n}, message_id=f"m{n}", produced=n, **more)


def age(lake, cycles, first=0):
    """Cycles of both layers, each with a row of its own and a correction of one that is there."""
    for n in range(first, first + cycles):
        lake.deliver(event(n), Event({"temperature": n}, message_id=f"c{n}", key="corrected", produced=n))
        assert lake.standardize().trouble() is None
        assert lake.curate().trouble() is None


def noise(seed):
    """A text that Parquet does not make much smaller."""
    return random.Random(seed).randbytes(300).hex()


def location(lake, table):
    found = (
        lake.spark.sql(f"DESCRIBE TABLE EXTENDED {lake.name(table)}").where("col_name = 'Location'").first()
    )
    return Path(urlparse(found["data_type"]).path)


def check_goes_on(lake, n):
    """The next cycle takes what is new and nothing else, and everything balances."""
    before = {table: len(lake.rows(table)) for table in TABLES}
    age(lake, 1, first=n)
    assert {table: len(lake.rows(table)) - before[table] for table in TABLES} == dict.fromkeys(TABLES, 1)
    for layer in ("standardized", "curated"):
        received, found = lake.balance(layer)
        assert received == found
        assert {row["status"] for row in lake.ledger(layer)} == {"SUCCEEDED"}
    assert not lines(lake, "RAW history gone")


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    lake = new_lake()
    lake.activate(TOPIC, 1, {"temperature": {"type": "number"}})
    age(lake, 4)
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def aged(saved):
    """A lake after four cycles."""
    return saved.restored()


def test_every_snapshot_that_stays_can_be_read_and_the_next_cycle_goes_on(aged, monkeypatch):
    keep_few(monkeypatch, 2)
    tagged = snapshot_ids(aged, TABLES[0])[1]
    aged.spark.sql(f"ALTER TABLE {aged.name(TABLES[0])} CREATE TAG kept AS OF VERSION {tagged}")
    rows = {table: aged.rows(table) for table in TABLES}
    counts = {
        table: {one: count_at(aged, table, one) for one in snapshot_ids(aged, table)} for table in TABLES
    }
    # A day from now, today's snapshots are those of a day that is over.
    assert maintain(aged, at=datetime.now(UTC) + timedelta(days=1, minutes=1)).trouble() is None
    for table in TABLES:
        kept = snapshot_ids(aged, table)
        assert len(kept) == 2 + (table == TABLES[0])
        assert {one: count_at(aged, table, one) for one in kept} == {one: counts[table][one] for one in kept}
        assert aged.rows(table) == rows[table]
    assert tagged in snapshot_ids(aged, TABLES[0])
    (line,) = lines(aged, "snapshots expired", TABLES[1])
    assert (line["expired"], line["kept"]) == (2, 2)
    assert line["metadata_bytes_after"] < line["metadata_bytes_before"]
    check_goes_on(aged, 6)


def test_raw_keeps_what_was_not_read_yet(aged, monkeypatch):
    keep_few(monkeypatch, 1)
    taken = int(aged.checkpoints.get("*", "raw")["snapshot_id"])
    aged.deliver(event(20))
    aged.deliver(event(21))
    aged.deliver(event(22))
    assert maintain(aged).trouble() is None
    kept = snapshot_ids(aged, "raw.events")
    assert kept[0] == taken
    assert len(kept) == 4
    assert aged.standardize().trouble() is None
    assert aged.curate().trouble() is None
    assert {"m20", "m21", "m22"} <= {*aged.by_key(TABLES[1])}
    check_goes_on(aged, 6)


def test_raw_that_nobody_has_read_is_left_as_it_is(lake, monkeypatch):
    keep_few(monkeypatch, 1)
    for n in range(3):
        lake.deliver(event(n))
    assert maintain(lake, at=LATER, raw_retention_days=1).trouble() is None
    assert len(snapshot_ids(lake, "raw.events")) == 3
    assert len(lake.rows("raw.events")) == 3
    (line,) = lines(lake, "old days of RAW kept")
    assert (line["days"], line["first_day"]) == (1, "2026-11-23")
    lake.standardize()
    assert len(lake.rows(TABLES[0])) == 3


def test_a_checkpoint_behind_commits_of_others_is_carried_over(aged, monkeypatch):
    from lean_ops.tables.topic_table import TopicTable

    keep_few(monkeypatch, 2)
    for table in TABLES:
        for _ in range(3):
            TopicTable(aged.spark, aged.name(table))._table.newFastAppend().commit()
    before = {table: TopicTable(aged.spark, aged.name(table)).last_commit() for table in TABLES}
    assert maintain(aged, at=datetime.now(UTC) + timedelta(days=40)).trouble() is None
    for table in TABLES:
        last = TopicTable(aged.spark, aged.name(table)).last_commit()
        counts = ("lean-ops.counts", "lean-ops.started-at")
        carried = {key: one for key, one in before[table].properties.items() if key not in counts}
        assert last.properties == carried
        assert before[table].snapshot_id != last.snapshot_id
        assert len(snapshot_ids(aged, table)) == 2
    check_goes_on(aged, 6)


def test_cycles_that_all_have_taken_are_dropped(aged):
    def cycles():
        return sorted({row["cycle_id"] for row in aged.rows("ops.cycle_delta")})

    all_of_them = cycles()
    assert maintain(aged, at=EPOCH + timedelta(days=20)).trouble() is None
    assert cycles() == all_of_them, "the rewind window is not over"
    aged.checkpoints.stored["*", "raw"]["held"] = [
        {"topic_name": TOPIC, "cycle_id": all_of_them[2], "since": ""}
    ]
    maintain(aged, at=LATER)
    assert cycles() == all_of_them[2:]
    (line,) = lines(aged, "cycles dropped")
    assert (line["cycles"], line["next_kept_by"]) == (2, f"the topic {TOPIC}, which is held")
    assert line["bytes"] > 0
    (warning,) = lines(aged, "old cycles kept")
    assert (warning["level"], warning["cycles"], warning["first_cycle_id"], warning["kept_by"]) == (
        "WARN",
        len(all_of_them) - 3,
        all_of_them[2],
        line["next_kept_by"],
    )
    del aged.checkpoints.stored["*", "raw"]["held"]
    maintain(aged, at=LATER)
    assert cycles() == all_of_them[-1:]
    check_goes_on(aged, 6)


def test_a_topic_that_curated_left_behind_keeps_its_cycles(aged, monkeypatch):
    through = aged.checkpoints.stored[TOPIC, "curated"]["delta_through"]
    aged.checkpoints.stored[TOPIC, "curated"]["delta_through"] = "20261123T000003Z-0a1b2c3d"
    maintain(aged, at=LATER)
    assert min(row["cycle_id"] for row in aged.rows("ops.cycle_delta")) == "20261123T000005Z-0a1b2c3d"
    aged.checkpoints.stored[TOPIC, "curated"]["delta_through"] = through


def test_what_a_held_table_lacks_that_was_moved_back_stays_in_cycle_delta(lake):
    for n in range(3):
        assert lake.standardize(event(n)).trouble() is None
    lake.hold(TOPIC)
    lake.roll_back(TABLES[0], 1)
    for n in (3, 4):
        lake.standardize(event(n), Event({"n": n}, topic="fleet.trucks", message_id=f"t{n}"))
    assert maintain(lake, at=LATER).trouble() is None
    lake.release(TOPIC)
    assert lake.standardize().trouble() is None
    assert set(lake.by_key(TABLES[0])) == {f"m{n}" for n in range(5)}


def test_a_topic_that_is_held_is_left_alone(aged, monkeypatch):
    keep_few(monkeypatch, 1)
    before = {table: snapshot_ids(aged, table) for table in TABLES}
    aged.registered[TOPIC]["status"] = "MAINTENANCE"
    maintain(aged, at=LATER)
    assert {table: snapshot_ids(aged, table) for table in TABLES} == before
    assert lines(aged, "topics left alone")[0]["first_topics"] == [TOPIC]
    aged.registered[TOPIC] |= {"status": "READY", "ddl": {"expires_at": int(LATER.timestamp()) + 60}}
    maintain(aged, at=LATER)
    assert {table: snapshot_ids(aged, table) for table in TABLES} == before
    del aged.registered[TOPIC]["ddl"]
    maintain(aged, at=LATER)
    assert {len(snapshot_ids(aged, table)) for table in TABLES} == {1}
    check_goes_on(aged, 6)


def test_one_topic_is_maintained_by_itself(aged, monkeypatch):
    keep_few(monkeypatch, 1)
    aged.registered[TOPIC]["status"] = "MAINTENANCE"
    others = {table: snapshot_ids(aged, table) for table in ("raw.events", "ops.cycle_delta", "ops.ledger")}
    assert maintain(aged, topic=TOPIC, at=LATER).trouble() is None
    assert {len(snapshot_ids(aged, table)) for table in TABLES} == {1}
    assert {table: snapshot_ids(aged, table) for table in others} == others


def test_a_compacted_day_of_raw_is_read_by_topic(lake, monkeypatch):
    monkeypatch.setattr(raw_days, "TARGET_BYTES", 60_000)
    topics = [f"plant.line{n:02}" for n in range(12)]
    for n in range(6):
        lake.deliver(
            *(
                Event({"t": noise(f"{n}-{topic}-{m}")}, topic, message_id=f"{n}-{topic}-{m}", produced=n)
                for topic in topics
                for m in range(20)
            )
        )
    lake.standardize()
    rows = lake.rows("raw.events")

    def files_of_a_topic():
        table = lake.spark.table(lake.name("raw.events")).where(f"topic_name = '{topics[5]}'")
        return {row[0] for row in table.selectExpr("input_file_name()").distinct().collect()}

    before, all_before = len(files_of_a_topic()), data_files(lake, "raw.events")
    assert maintain(lake, at=LATER).trouble() is None
    (line,) = lines(lake, "day of RAW compacted")
    assert (line["day"], line["files_before"], line["files_a_topic_before"]) == ("2026-11-23", 6, 6)
    assert (before, all_before) == (6, 6)
    assert line["files_after"] == data_files(lake, "raw.events")
    assert len(files_of_a_topic()) <= 2 < line["files_after"]
    assert lake.rows("raw.events") == rows
    assert maintain(lake, at=LATER).trouble() is None
    assert len(lines(lake, "day of RAW compacted")) == 1, "a sorted day is left as it is"
    lake.deliver(Event({"t": "new"}, topics[0], message_id="new"))
    lake.standardize()
    assert [row["records_in"] for row in lake.ledger("standardized", topics[0])] == [120, 1]
    assert not lines(lake, "RAW history gone")


def test_a_day_of_raw_with_rows_that_nobody_has_read_waits(lake):
    for n in range(5):
        lake.deliver(event(n))
    lake.standardize()
    lake.deliver(event(9))
    maintain(lake, at=LATER)
    assert data_files(lake, "raw.events") == 6
    lake.standardize()
    maintain(lake, at=LATER)
    assert data_files(lake, "raw.events") == 1
    assert sum(row["records_in"] for row in lake.ledger("standardized")) == 6


def test_old_days_of_raw_go_when_it_is_not_kept_for_ever(aged):
    aged.deliver(event(30, ingested=86_400 * 59))
    assert aged.standardize().trouble() is None
    assert aged.curate().trouble() is None
    maintain(aged, at=LATER, raw_retention_days=30)
    assert [row["message_id"] for row in aged.rows("raw.events")] == ["m30"]
    (line,) = lines(aged, "days of RAW dropped")
    assert (line["days"], line["first_day"], line["files"]) == (1, "2026-11-23", 4)
    check_goes_on(aged, 6)


def test_small_files_of_the_ops_tables_are_joined(aged):
    rows = aged.rows("ops.ledger")
    before = data_files(aged, "ops.ledger")
    assert maintain(aged).trouble() is None
    assert data_files(aged, "ops.ledger") == 1 < before
    assert aged.rows("ops.ledger") == rows
    (line,) = lines(aged, "table rewritten", "ops.ledger")
    assert (line["files_before"], line["files_after"]) == (before, 1)
    check_goes_on(aged, 6)


def test_tables_with_ids_are_sorted_by_topic_and_id(lake):
    """Which is what tables/known_ids.py looks rows up by."""
    for n in range(MIN_SMALL_FILES):
        torn = [Event("{", topic, f"m{n}-{m}") for topic in ("water.meter", TOPIC) for m in range(4)]
        lake.standardize(*torn)
    maintain(lake)
    (line,) = lines(lake, "table rewritten", "ops.parse_errors")
    assert line["files_after"] == 1
    found = [
        tuple(row)
        for row in lake.spark.table(lake.name("ops.parse_errors")).select("topic_name", "error_id").collect()
    ]
    assert found == sorted(found)
    assert len(found) == 8 * MIN_SMALL_FILES


def test_rows_that_another_engine_deleted_are_written_out_and_tasks_read_the_table_again(aged):
    table = TABLES[1]
    for name, value in (("write.delete.mode", "merge-on-read"), ("format-version", "2")):
        aged.spark.sql(f"ALTER TABLE {aged.name(table)} SET TBLPROPERTIES ('{name}' = '{value}')")
    aged.deliver(*(event(n) for n in range(10, 20)))
    assert aged.standardize().trouble() is None
    assert aged.curate().trouble() is None
    # A file with one row would be left out as a whole.
    places = (
        aged.spark.table(aged.name(table)).selectExpr("input_file_name() AS file", "message_id").collect()
    )
    files = [row["file"] for row in places]
    deleted = next(row["message_id"] for row in places if files.count(row["file"]) > 1)
    aged.spark.sql(f"DELETE FROM {aged.name(table)} WHERE message_id = '{deleted}'")
    assert aged.spark.table(f"{aged.name(table)}.delete_files").count() == 1
    rows = aged.rows(table)
    assert maintain(aged).trouble() is None
    (line,) = lines(aged, "table rewritten", table)
    assert line["delete_files_applied"] == 1
    assert aged.spark.table(f"{aged.name(table)}.delete_files").count() == 0
    assert aged.rows(table) == rows
    aged.logged.clear()
    aged.deliver(event(20))
    assert aged.standardize().trouble() is None
    found = aged.curate().trouble()
    assert f"the table has {len(rows) + 1} rows and should have {len(rows) + 2}" in found
    assert not lines(aged, "topics go by Spark")
    aged.deliver(event(21))
    assert aged.standardize().trouble() is None
    assert aged.curate().trouble() is None, "it is reported once"


def test_a_table_that_was_fenced_after_the_run_began_is_not_rewritten(aged, monkeypatch):
    from lean_ops.maintenance import topic_tables
    from lean_ops.tables.fence import EPOCH

    for n in (30, 31):
        aged.deliver(event(n))
        assert aged.standardize().trouble() is None
        assert aged.curate().trouble() is None
    rewritten = topic_tables.rewritten
    files = {table: data_files(aged, table) for table in TABLES}
    for module in (debt, topic_tables):
        monkeypatch.setattr(module, "MIN_SMALL_FILES", 2)

    def fencing(spark, loaded, *args, **more):
        new = rewritten(spark, loaded, *args, **more)
        for table in TABLES:
            spark.sql(f"ALTER TABLE {aged.name(table)} SET TBLPROPERTIES ('{EPOCH}' = '7')")
        return new

    monkeypatch.setattr(topic_tables, "rewritten", fencing)
    assert maintain(aged).trouble() is None
    assert {table: data_files(aged, table) for table in TABLES} == files, "files that came lately stay"
    assert "FENCED" in maintain(aged, at=datetime.now(UTC) + RECENT + timedelta(minutes=1)).trouble()
    assert {table: data_files(aged, table) for table in TABLES} == files
    assert max(files.values()) > 1


def test_objects_of_no_table_are_reported_and_removed_when_they_are_old(aged):
    # The first in the order of turns. A week later all tables are due.
    table = TABLES[1]
    first = datetime.now(UTC)
    later = first + timedelta(days=7)
    folder = location(aged, table)
    old, young = folder / "data" / "old.parquet", folder / "metadata" / "young.avro"
    for path, at in ((old, first - timedelta(days=4)), (young, later - timedelta(days=2))):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"left by nobody")
        os.utime(path, (at.timestamp(), at.timestamp()))
    counts = {one: count_at(aged, table, one) for one in snapshot_ids(aged, table)}
    operations = MemoryOperations()
    requested = (first - timedelta(days=5)).isoformat()
    operations.add("20261130T062500Z-hold-ab12cd", TOPIC, state="FAILED", requested_at=requested)
    assert maintain(aged, at=first, operations=operations).trouble() is None
    assert [line["removed"] for line in lines(aged, "orphans found", table)] == [0]
    assert old.exists(), "an operation that has not ended may have written it"
    aged.logged.clear()
    operations.items["20261130T062500Z-hold-ab12cd"]["state"] = "CANCELLED"
    assert maintain(aged, at=later, operations=operations).trouble() is None
    (line,) = lines(aged, "orphans found", table)
    assert (line["orphans"], line["removed"], line["removed_bytes"]) == (2, 1, 14)
    assert (old.exists(), young.exists()) == (False, True)
    assert {one: count_at(aged, table, one) for one in snapshot_ids(aged, table)} == counts
    check_goes_on(aged, 6)


def test_old_versions_of_entries_are_deleted(lake):
    versions = MemoryVersions(raw__events=[str(n) for n in range(150, -1, -1)], ops__ledger=["0"])
    maintain(lake, versions=versions)
    assert versions.stored == {"raw__events": [str(n) for n in range(150, 50, -1)], "ops__ledger": ["0"]}
    (line,) = lines(lake, "versions deleted")
    assert (line["table"], line["versions"], line["kept"]) == ("raw.events", 51, 100)


def test_a_run_ends_when_its_budget_is_used_up(aged, monkeypatch):
    keep_few(monkeypatch, 1)
    done = maintain(aged, at=LATER, ticks=[0, 0, 0, 601])
    assert done.trouble() is None
    assert {line["message"] for line in aged.logged} >= {"maintenance done"}
    assert not lines(aged, "snapshots expired")
    assert done.waiting["snapshots expired"] > 3
    kept = aged.checkpoints.get("*", "maintenance_pace")["steps"]
    assert {step: one["waiting"] for step, one in kept.items() if one["waiting"]} == done.waiting
    maintain(aged, at=LATER)
    assert lines(aged, "snapshots expired", TABLES[0])


def test_one_table_that_fails_stops_no_other(aged, monkeypatch):
    keep_few(monkeypatch, 1)
    aged.spark.sql(f"ALTER TABLE {aged.name(TABLES[0])} SET TBLPROPERTIES ('gc.enabled' = 'false')")
    done = maintain(aged, at=LATER)
    assert done.trouble().startswith(f"maintenance of 1 table failed: {TABLES[0]}: ValidationException: ")
    assert len(snapshot_ids(aged, TABLES[1])) == 1
    (line,) = lines(aged, "maintenance of a table failed")
    assert (line["level"], line["table"], line["step"]) == ("ERROR", TABLES[0], "snapshots expired")


def test_a_second_run_has_nothing_to_do(aged, monkeypatch):
    keep_few(monkeypatch, 2)
    maintain(aged, at=LATER)
    maintain(aged, at=LATER)
    aged.logged.clear()
    maintain(aged, at=LATER)
    assert [line["message"] for line in aged.logged] == ["maintenance done"]


assert debt.MIN_SMALL_FILES <= 4, "the tables of these tests have four files"
