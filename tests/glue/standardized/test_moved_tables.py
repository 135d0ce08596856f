"""Standardized tables that others move back, compact, clear or clean up: a cycle goes on from where a table
is, and leaves nothing out silently."""

import pytest
from budget import chosen
from histories import Killed, killed_in
from lake import Event
from saved_lake import SavedLake

from lean_ops.raw.snapshot_range import CycleDeltaRolledBackError
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.standardized import job
from lean_ops.tables.topic_table import TopicTable

TOPIC = "telemetry.climate"
TABLE = "standardized.telemetry_climate"
OTHER = "fleet.trucks"


def reading(number, **more):
    """A message of the topic, each of a record of its own."""
    return Event({"n": number}, message_id=f"m{number}", **more)


def truck(number):
    return Event({"n": number}, topic=OTHER, message_id=f"t{number}")


def three_cycles(lake):
    """The same record in each cycle, corrected, and one of its own; after the first comes an unreadable
    one."""
    for n in (1, 2, 3):
        corrected = Event({"v": n}, message_id=f"k{n}", key="k", produced=n)
        lake.standardize(reading(n), corrected, *([Event("bad", message_id="x")] if n > 1 else []), truck(n))


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    lake = new_lake()
    three_cycles(lake)
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def aged(saved):
    """A lake after three cycles."""
    return saved.restored()


def told(lake, table="ops.drift_log"):
    """What people are told of moved tables: the lines of the log, and the rows of drift_log."""
    names = ("topic_name", "layer", "old_value", "new_value", "cycle_id", "source")
    rows = [
        tuple(row[name] for name in names)
        for row in lake.rows(table)
        if row["change_type"] == "TABLE_ROLLED_BACK"
    ]
    lines = [
        (line["topic_name"], line["layer"], line["from_cycle_id"], line["to_cycle_id"])
        for line in lake.logged
        if line["message"] == "table moved"
    ]
    assert [row[:4] for row in sorted(rows, key=lambda row: row[4])] == lines
    return lines


def loads(monkeypatch):
    """The names of the tables that are loaded from now on, as often as they are."""
    loaded = []
    load = TopicTable.__init__

    def counted(self, spark, name, *rest):
        loaded.append(name)
        load(self, spark, name, *rest)

    monkeypatch.setattr(TopicTable, "__init__", counted)
    return loaded


def cycle(number):
    return f"20261123T{number:06d}Z-0a1b2c3d"


def state(lake):
    times = ("detected_at", "started_at", "finished_at")
    rows = {name: lake.rows(name, *times) for name in (TABLE, "ops.parse_errors", "ops.ledger")}
    drift = [row for row in lake.rows("ops.drift_log", *times) if row["change_type"] != "TABLE_ROLLED_BACK"]
    return {**rows, "drift": drift}


PLACES = {2: "one back", 1: "two back", 0: "behind the first"}
ROLLBACKS = [(kept, has_news) for has_news in (True, False) for kept in PLACES]


def case(rollback):
    kept, has_news = rollback
    return f"{PLACES[kept]}, {'with' if has_news else 'without'} new rows"


@pytest.mark.parametrize(
    "rollback", [ROLLBACKS[one] for one in chosen(range(len(ROLLBACKS)), each_run=3)], ids=case
)
def test_a_table_that_somebody_rolled_back_is_taken_on_from_where_it_is(saved, rollback):
    kept, has_news = rollback
    last = [reading(4)] if has_news else []
    lake = saved.restored()
    lake.standardize(*last, truck(4))
    undisturbed = state(lake)
    lake = saved.restored()
    lake.roll_back(TABLE, kept)
    outcome = lake.standardize(*last, truck(4))
    assert outcome.trouble() is None
    assert state(lake) == undisturbed
    assert lake.balance("standardized") == lake.balance("standardized", TOPIC)
    assert len(set(lake.balance("standardized"))) == 1
    assert told(lake) == [(TOPIC, "standardized", cycle(3), cycle(kept) if kept else None)]
    mirror = lake.checkpoints.stored[TOPIC, "standardized"]
    assert mirror["cycle_id"] == cycle(4 if has_news else 3)
    assert mirror["snapshot_id"] == TopicTable(lake.spark, lake.name(TABLE)).last_commit().snapshot_id
    assert lake.checkpoints.stored["*", "raw"]["complete_through"] == cycle(4)
    # It is told once, and the next cycle goes on as ever.
    assert lake.standardize(reading(5)).trouble() is None
    assert set(lake.by_key(TABLE)) == {"k", "m1", "m2", "m3", "m5", *(["m4"] if has_news else [])}
    assert len(told(lake)) == 1


def test_a_table_that_was_made_anew_is_taken_from_its_first_cycle(aged):
    before = aged.by_key(TABLE)
    aged.spark.sql(f"DROP TABLE {aged.name(TABLE)} PURGE")
    assert aged.standardize(reading(4)).trouble() is None
    assert aged.by_key(TABLE).keys() == {*before, "m4"}
    assert told(aged) == [(TOPIC, "standardized", cycle(3), None)]
    assert len(set(aged.balance("standardized"))) == 1


def test_a_topic_whose_cycles_are_gone_fails_by_name_until_its_table_is_where_it_was(aged, monkeypatch):
    read = []
    summarize = job.topic_cycles
    monkeypatch.setattr(
        job,
        "topic_cycles",
        lambda tables, after, limits, earlier: (
            read.append((after, earlier)) or summarize(tables, after, limits, earlier)
        ),
    )
    loaded = loads(monkeypatch)
    there = aged.checkpoints.stored[TOPIC, "standardized"]["snapshot_id"]
    aged.roll_back(TABLE, 1)
    aged.forget([cycle(1), cycle(2)])
    for n in (4, 5):
        read.clear()
        loaded.clear()
        outcome = aged.standardize(reading(n), truck(n))
        # It is looked at once, and holds up nobody.
        assert read == [(cycle(n - 1), {TOPIC: cycle(1)} if n == 4 else {})]
        assert loaded.count(aged.name(TABLE)) == (1 if n == 4 else 0)
        run = aged.checkpoints.stored["*", "raw"]
        assert run["complete_through"] == cycle(n)
        assert [(one["topic_name"], one["cycle_id"]) for one in run["held"]] == [(TOPIC, cycle(4))]
        assert [one["topic_name"] for one in run["behind"]] == [TOPIC]
        assert run["status"] == "incomplete"
        assert [row["status"] for row in aged.ledger("standardized")][-1] == "FAILED"
        assert list(outcome.failed) == [TOPIC]
        assert outcome.failed[TOPIC] == (
            f"TABLE_ROLLED_BACK: somebody moved the table telemetry_climate back from cycle {cycle(3)} to "
            f"{cycle(1)}, and cycle_delta has not all of cycle {cycle(2)} any more, which the table lacks. "
            f"Set its current snapshot to {there} again, or accept the gap: hold the topic, then lean-ops "
            f"topic release {TOPIC} --accept-gap"
        )
        assert aged.checkpoints.stored[TOPIC, "standardized"]["snapshot_id"] == there
    assert set(aged.by_key(TABLE)) == {"k", "m1"}
    assert len(aged.rows("standardized.fleet_trucks")) == 5
    assert not told(aged)
    # As the message says.
    java = iceberg_of(aged.spark._jvm).load(aged.spark, aged.name(TABLE))
    java.manageSnapshots().setCurrentSnapshot(int(there)).commit()
    assert aged.standardize().trouble() is None
    assert set(aged.by_key(TABLE)) == {"k", *(f"m{n}" for n in range(1, 6))}
    assert len(set(aged.balance("standardized"))) == 1
    assert aged.checkpoints.stored["*", "raw"]["held"] == []


@pytest.mark.parametrize(
    ("lost", "left"), [([1, 2], {"k", "m1", "m3"}), ([1, 2, 3], {"m1", "k"})], ids=["one of two", "both"]
)
def test_a_gap_that_people_accept_is_left_and_all_else_is_taken(aged, lost, left):
    aged.roll_back(TABLE, 1)
    aged.forget([cycle(n) for n in lost])
    assert aged.standardize(truck(4)).trouble() is not None
    aged.hold(TOPIC)
    aged.release(TOPIC)
    aged.registered[TOPIC]["gap_accepted"] = "20261130T072500Z-release-ab12ce"
    # Without news of the topic, and without news a second time.
    for number in (5, 6):
        assert aged.standardize(truck(number)).trouble() is None
        assert set(aged.by_key(TABLE)) == left
    assert aged.standardize(reading(7)).trouble() is None
    assert set(aged.by_key(TABLE)) == {*left, "m7"}
    assert {line[2:] for line in told(aged)} >= {(cycle(3), cycle(1))}
    assert aged.checkpoints.stored["*", "raw"]["complete_through"] == cycle(7)
    # What is lost later is not what was accepted.
    aged.roll_back(TABLE, 1)
    aged.forget([cycle(7)])
    assert aged.checkpoints.stored[TOPIC, "standardized"]["cycle_id"] == cycle(7)
    aged.registered[TOPIC]["gap_accepted"] = "20261123T000006Z-release-ab12ce"
    assert list(aged.standardize(reading(8)).failed) == [TOPIC]


def test_a_cycle_that_only_had_copies_need_not_be_there_to_catch_up(lake):
    lake.standardize(reading(1))
    lake.standardize(reading(1))
    lake.standardize(reading(3))
    lake.roll_back(TABLE, 1)
    lake.forget([cycle(2)])
    assert lake.standardize().trouble() is None
    assert set(lake.by_key(TABLE)) == {"m1", "m3"}
    assert len(set(lake.balance("standardized"))) == 1


def expire_all_but_the_last(lake, table):
    lake.spark.sql(
        f"CALL glue_catalog.system.expire_snapshots(table => '{lake.name(table)}', "
        "older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 1)"
    )


def test_what_others_compact_delete_and_expire_is_no_move_and_costs_one_look(aged, monkeypatch):
    aged.spark.sql(
        f"CALL glue_catalog.system.rewrite_data_files(table => '{aged.name(TABLE)}', "
        "options => map('rewrite-all', 'true'))"
    )
    aged.spark.sql(f"DELETE FROM {aged.name(TABLE)} WHERE idempotency_key = 'm2'")
    expire_all_but_the_last(aged, TABLE)
    assert TopicTable(aged.spark, aged.name(TABLE)).last_commit() is None
    loaded = loads(monkeypatch)
    for looks in (1, 0, 0):
        loaded.clear()
        assert aged.standardize(truck(5)).trouble() is None
        assert loaded.count(aged.name(TABLE)) == looks
    assert not told(aged)
    assert set(aged.by_key(TABLE)) == {"k", "m1", "m3"}, "rows that people delete stay away"
    assert aged.standardize(reading(6)).trouble() is None
    assert set(aged.by_key(TABLE)) == {"k", "m1", "m3", "m6"}


def test_a_rollback_behind_commits_that_expired_is_seen_by_the_order_of_the_snapshots(lake):
    lake.standardize(truck(1))
    lake.ensure([TOPIC])
    for n in (1, 2):
        known = {"message_id": f"'a{n}'", "idempotency_key": f"'a{n}'", "cycle_id": "'0'"}
        values = [known.get(name, "NULL") for name in lake.spark.table(lake.name(TABLE)).columns]
        lake.spark.sql(f"INSERT INTO {lake.name(TABLE)} VALUES ({', '.join(values)})")
    adopted = lake.spark.sql(
        f"SELECT snapshot_id FROM {lake.name(TABLE)}.history ORDER BY made_current_at DESC LIMIT 1"
    ).collect()[0][0]
    lake.standardize(reading(2))
    lake.standardize(reading(3))
    java = iceberg_of(lake.spark._jvm).load(lake.spark, lake.name(TABLE))
    java.manageSnapshots().rollbackTo(adopted).commit()
    expire_all_but_the_last(lake, TABLE)
    assert lake.standardize().trouble() is None
    assert set(lake.by_key(TABLE)) == {"a1", "a2", "m2", "m3"}
    assert told(lake) == [(TOPIC, "standardized", cycle(3), None)]


def test_a_run_that_is_killed_while_it_takes_a_table_on_is_finished_by_the_next(aged):
    before = aged.by_key(TABLE)
    aged.roll_back(TABLE, 1)
    with pytest.raises(Killed), killed_in(TopicTable, "commit", 1, after=True):
        aged.standardize()
    assert aged.standardize().trouble() is None
    assert aged.by_key(TABLE) == before
    assert len(set(aged.balance("standardized"))) == 1


def test_a_table_that_is_moved_back_while_a_run_is_under_way_is_left_to_the_next(lake, monkeypatch):
    """Between two of the cycles that a run takes."""
    lake.standardize(reading(1), truck(1))
    lake.provisioning_failures["fleet.late"] = "Athena is tired"
    for n in (2, 3):
        lake.standardize(reading(n), Event({"n": n}, topic="fleet.late", message_id=f"l{n}"))
    lake.provisioning_failures.clear()
    ensure = lake.ensure

    def then_moved(topics):
        if "fleet.late" in topics:
            lake.roll_back(TABLE, 1)
        return ensure(topics)

    with monkeypatch.context() as patch:
        patch.setattr(lake, "ensure", then_moved)
        outcome = lake.standardize(reading(4))
    assert list(outcome.failed) == [TOPIC]
    assert outcome.failed[TOPIC].startswith("TableMovedError: ")
    assert lake.standardize(reading(5)).trouble() is None
    assert set(lake.by_key(TABLE)) == {f"m{n}" for n in range(1, 6)}
    assert len(set(lake.balance("standardized"))) == 1


# --- cycle_delta ---


def test_a_cycle_delta_that_is_rolled_back_takes_the_rows_of_raw_again_as_copies(aged):
    before = aged.by_key(TABLE)
    aged.roll_back("ops.cycle_delta", 1)
    for n in (4, 5):
        assert aged.standardize(reading(n)).trouble() is None
    told_once = [line["to_cycle_id"] for line in aged.logged if line["message"] == "cycle_delta moved"]
    assert told_once == [cycle(1)]
    rows = aged.by_key(TABLE)
    assert {rows.pop(key)["n"] for key in ("m4", "m5")} == {"4", "5"}
    assert rows == before
    assert len(set(aged.balance("standardized"))) == 1


def test_a_cycle_delta_that_is_rolled_back_behind_its_first_commit_ends_the_run(aged):
    before = aged.by_key(TABLE)
    aged.roll_back("ops.cycle_delta", 0)
    with pytest.raises(CycleDeltaRolledBackError, match="no row of RAW is lost"):
        aged.standardize(reading(4))
    # As the message says: all of RAW is taken anew, and the tables keep what they have.
    aged.checkpoints.stored.pop(("*", "raw"))
    assert aged.standardize().trouble() is None
    assert {key: row for key, row in aged.by_key(TABLE).items() if key != "m4"} == before
    assert "m4" in aged.by_key(TABLE)
    assert len(set(aged.balance("standardized"))) == 1


def test_a_cycle_delta_whose_commits_all_expired_goes_on_by_the_mirror(aged):
    aged.forget([cycle(1)])
    expire_all_but_the_last(aged, "ops.cycle_delta")
    assert aged.standardize(reading(4)).trouble() is None
    assert set(aged.by_key(TABLE)) == {"k", "m1", "m2", "m3", "m4"}
    assert len(set(aged.balance("standardized"))) == 1
