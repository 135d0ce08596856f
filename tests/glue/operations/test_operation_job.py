"""The job of operations on real tables: it fences, counts and records, once, however often it is killed."""

import json
from datetime import UTC, datetime

import pytest
from histories import Killed, killed_in
from lake import Event
from maintained import MemoryOperations, make_eager
from operated import operate
from saved_lake import SavedLake

from lean_ops.bookkeeping.operation import OperationError
from lean_ops.maintenance import topic_tables
from lean_ops.operations import job as operation_job
from lean_ops.tables.fence import FencedError
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

TOPIC, OTHER = "telemetry.climate", "fleet.trucks"
STANDARDIZED, CURATED = "standardized.telemetry_climate", "curated.telemetry_climate"
HOLD, RELEASE = "20261130T062500Z-hold-ab12cd", "20261130T072500Z-release-ab12ce"
COMPACT = "20261130T062500Z-compact-ab12cd"
NOW = datetime(2026, 11, 30, 6, 26, tzinfo=UTC)


@pytest.fixture
def operations():
    return MemoryOperations()


def run(lake, operations, operation_id, **arguments):
    return operate(lake, operations, operation_id, at=NOW, **arguments)


def hold(lake, epoch, topic=TOPIC):
    lake.hold(topic)
    lake.registered[topic]["epoch"] = epoch


def two_topics(lake):
    for topic in (TOPIC, OTHER):
        lake.activate(topic, 1, {"temperature": {"type": "number"}})
    lake.standardize(*(Event({"temperature": 1}, topic=topic, message_id="m1") for topic in (TOPIC, OTHER)))
    assert lake.curate().complete


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    lake = new_lake()
    two_topics(lake)
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def both(saved):
    """A lake in which both topics have a row in each layer."""
    return saved.restored()


def epochs(lake):
    tables = Tables(lake.spark, lake.prefix)
    names = [
        f"{layer}.{table}"
        for layer in ("standardized", "curated")
        for table in ("telemetry_climate", "fleet_trucks")
    ]
    return {name: tables.epoch(lake.name(name)) for name in names}


def snapshots(lake, table):
    return [
        row[0] for row in lake.spark.sql(f"SELECT snapshot_id FROM {lake.name(table)}.snapshots").collect()
    ]


def test_a_hold_fences_both_tables_of_its_topic_and_nothing_else(both, operations):
    hold(both, 3)
    planned = TopicTable(both.spark, both.name(STANDARDIZED), 2)
    before = both.rows(STANDARDIZED), both.rows(CURATED)
    operations.add(HOLD)
    assert run(both, operations, HOLD).counts == {"epoch": 3, "tables": 2}
    assert epochs(both) == {
        STANDARDIZED: 3,
        CURATED: 3,
        "standardized.fleet_trucks": 0,
        "curated.fleet_trucks": 0,
    }
    assert (both.rows(STANDARDIZED), both.rows(CURATED)) == before
    with pytest.raises(FencedError):
        planned.commit([], [], {"lean-ops.cycle-id": "20261130T000000Z-0a1b2c3d"})
    item = operations.items[HOLD]
    assert (item["step"], item["counts"], item["state"]) == ("APPLIED", {"epoch": 3, "tables": 2}, "RUNNING")
    [row] = both.rows("ops.operations")
    assert row == {
        "operation_id": HOLD,
        "kind": "hold",
        "topic_name": TOPIC,
        "state": "DONE",
        "requested_by": "arn:aws:iam::123456789012:user/kim",
        "reason": "merge two sites",
        "plan": '{"epoch": 0}',
        "counts": '{"epoch": 3, "tables": 2}',
        "requested_at": datetime(2026, 11, 30, 6, 25),
        "ended_at": datetime(2026, 11, 30, 6, 26),
        "error": None,
    }
    [line] = [line for line in both.logged if line["message"] == "operation applied"]
    assert (line["topic_name"], line["kind"], line["epoch"]) == (TOPIC, "hold", 3)


def test_a_topic_without_tables_is_held_too(lake, operations):
    hold(lake, 1, "new.topic")
    operations.add(HOLD, "new.topic")
    assert run(lake, operations, HOLD).counts == {"epoch": 1, "tables": 0}


def test_a_release_makes_sure_of_the_fence_and_counts_what_waits(both, operations):
    hold(both, 1)
    both.standardize(Event({"temperature": 2}, message_id="m2"), Event("{", message_id="m3"))
    both.standardize(Event({"temperature": 3}, topic=OTHER, message_id="m2"))
    both.standardize(Event({"temperature": 4}, message_id="m4"))
    # The hold died before it fenced the tables, and the topic is released all the same.
    operations.add(RELEASE)
    assert run(both, operations, RELEASE).counts == {
        "epoch": 1,
        "tables": 2,
        "cycles_waiting": 2,
        "messages_waiting": 3,
    }
    assert epochs(both)[STANDARDIZED] == epochs(both)[CURATED] == 1
    both.release(TOPIC)
    assert both.standardize().trouble() is None
    assert both.curate().trouble() is None
    assert len(both.rows(STANDARDIZED)) == len(both.rows(CURATED)) == 3
    assert both.balance("standardized") == (4, 4)


def test_a_compaction_rewrites_the_small_files_of_its_topic_and_changes_no_row(both, operations, monkeypatch):
    make_eager(monkeypatch, 100)
    for n in (2, 3):
        both.standardize(
            *(Event({"temperature": n}, topic=one, message_id=f"m{n}") for one in (TOPIC, OTHER))
        )
        assert both.curate().complete
    before = both.rows(STANDARDIZED), both.rows(CURATED), snapshots(both, "standardized.fleet_trucks")
    hold(both, 1)
    operations.add(COMPACT)
    counts = run(both, operations, COMPACT).counts
    assert counts["epoch"] == 1
    assert counts["files_after"] < counts["files_before"] == 6
    assert (
        both.rows(STANDARDIZED),
        both.rows(CURATED),
        snapshots(both, "standardized.fleet_trucks"),
    ) == before
    assert epochs(both)[STANDARDIZED] == epochs(both)[CURATED] == 1
    both.release(TOPIC)
    both.standardize(Event({"temperature": 99}, message_id="last"))
    assert both.curate().complete
    assert len(both.rows(CURATED)) == len(both.rows(STANDARDIZED)) == 4


def test_a_compaction_that_was_cancelled_cannot_commit_after_the_next_cycle(both, operations, monkeypatch):
    for n in (2, 3):
        both.standardize(Event({"temperature": n}, message_id=f"m{n}"))
        assert both.curate().complete
    make_eager(monkeypatch, 100)
    hold(both, 1)
    operations.add(COMPACT)
    rewritten = topic_tables.rewritten

    def cancelled_meanwhile(*args, **more):
        new = rewritten(*args, **more)
        if "hold" in both.registered[TOPIC]:
            both.release(TOPIC)
            both.registered[TOPIC]["epoch"] = 2
            assert both.standardize(Event({"temperature": 4}, message_id="m4")).complete
            assert both.curate().complete
        return new

    monkeypatch.setattr(topic_tables, "rewritten", cancelled_meanwhile)
    with pytest.raises(OperationError, match="FENCED"):
        run(both, operations, COMPACT)
    assert operations.items[COMPACT]["step"] == "DRAINED"
    assert {epoch for name, epoch in epochs(both).items() if "climate" in name} == {2}
    assert not [row for row in both.ledger("standardized") if row["status"] != "SUCCEEDED"]
    assert len(both.rows(CURATED)) == len(both.rows(STANDARDIZED)) == 4


POINTS = (
    (Tables, "raise_epoch"),
    (MemoryOperations, "apply"),
    (operation_job, "record"),
    (MemoryOperations, "note_recorded"),
)


def test_a_job_that_is_killed_between_any_two_steps_ends_as_an_undisturbed_one(both):
    """L1: the ends of all runs are compared."""
    ends = []
    places = [
        None,
        *((*point, 1, after) for point in POINTS for after in (False, True)),
        (*POINTS[0], 2, False),
    ]
    for number, place in enumerate(places):
        topic = (TOPIC, OTHER)[number % 2]
        operations = MemoryOperations()
        operations.add(HOLD, topic)
        if number < 2:
            hold(both, 0, topic)
        both.registered[topic]["epoch"] = number + 1
        both.spark.sql(f"DELETE FROM {both.name('ops.operations')}")
        if place is not None:
            with pytest.raises(Killed), killed_in(*place):
                run(both, operations, HOLD)
        run(both, operations, HOLD)
        item = {
            name: value for name, value in operations.items[HOLD].items() if name not in ("topic", "counts")
        }
        [row] = both.rows("ops.operations", "topic_name", "counts")
        found = [epoch for name, epoch in epochs(both).items() if topic.replace(".", "_") in name]
        ends.append(
            (item, row, [epoch - number for epoch in found], operations.items[HOLD]["counts"]["tables"])
        )
    assert ends == ends[:1] * len(places)


def test_what_ended_without_a_run_of_the_job_gets_its_row_from_the_next_one(both, operations):
    hold(both, 1)
    ended = {"ended_at": "2026-11-30T06:25:30.000Z", "step": "ENDED"}
    operations.add("20261130T060000Z-hold-000001", OTHER, state="CANCELLED", **ended)
    recorded = {"recorded": True, "recorded_state": "DONE"}
    operations.add("20261130T060000Z-hold-000002", OTHER, state="CANCELLED", **ended, **recorded)
    operations.add("20261130T060000Z-hold-000003", OTHER, state="FAILED", step="DRAINED")
    operations.add(HOLD)
    run(both, operations, HOLD)
    run(both, operations, HOLD)
    rows = {row["operation_id"][-6:]: row["state"] for row in both.rows("ops.operations")}
    assert rows == {"000001": "CANCELLED", "000002": "CANCELLED", "ab12cd": "DONE"}
    assert len(both.rows("ops.operations")) == 3
    assert operations.items["20261130T060000Z-hold-000001"]["recorded_state"] == "CANCELLED"


def test_an_operation_whose_row_cannot_be_written_is_done_all_the_same(lake, operations, monkeypatch):
    hold(lake, 1, "new.topic")
    operations.add(HOLD, "new.topic")
    # Somebody has put this one there by hand.
    operations.items["x"] = {"operation_id": "x"}

    def conflict(*_):
        raise RuntimeError("another commit was faster")

    with monkeypatch.context() as patched:
        patched.setattr(operation_job, "record", conflict)
        assert run(lake, operations, HOLD).step == "APPLIED"
    told = [line for line in lake.logged if line.get("level") == "WARNING"]
    assert [line["message"] for line in told] == ["operation unreadable", "operation not recorded"]
    assert "another commit was faster" in told[1]["reason"]
    operations.items[HOLD] |= {"state": "DONE", "step": "ENDED", "ended_at": "2026-11-30T06:26:10.000Z"}
    operations.add(RELEASE, "new.topic")
    run(lake, operations, RELEASE)
    assert {row["operation_id"] for row in lake.rows("ops.operations")} == {HOLD, RELEASE}


def test_a_topic_whose_tables_belong_to_another_one_touches_none_of_them(lake, operations):
    """L5: topics that differ in `-` and `.` alone have the same table's name."""
    twin = "telemetry-climate"
    lake.activate(TOPIC, 1, {"temperature": {"type": "number"}})
    lake.standardize(Event({"temperature": 1}, message_id="m1"))
    hold(lake, 1, twin)
    operations.add(HOLD, twin)
    with pytest.raises(OperationError, match=r"TOPIC_COLLISION: .* belongs to the topic telemetry\.climate"):
        run(lake, operations, HOLD)
    operations.add(RELEASE, twin)
    assert run(lake, operations, RELEASE).counts["tables"] == 0
    assert Tables(lake.spark, lake.prefix).epoch(lake.name(STANDARDIZED)) == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"state": "CANCELLED"}, "is CANCELLED"),
        ({"state": "DONE", "step": "ENDED"}, "is DONE"),
        ({"step": "BEGUN"}, "its last step is BEGUN"),
        ({"kind": "paint"}, "no operation of the kind 'paint'"),
    ],
)
def test_an_operation_that_is_not_its_turn_is_refused_and_changes_nothing(both, operations, more, message):
    hold(both, 1)
    operations.add(HOLD, **more)
    before = json.dumps(operations.items, sort_keys=True)
    with pytest.raises(OperationError, match=message):
        run(both, operations, HOLD)
    assert json.dumps(operations.items, sort_keys=True) == before
    assert set(epochs(both).values()) == {0}
    assert both.rows("ops.operations") == []


def test_an_operation_on_a_topic_that_is_not_held_any_more_is_refused(both, operations):
    operations.add(HOLD)
    with pytest.raises(OperationError, match="is not held"):
        run(both, operations, HOLD)
    with pytest.raises(OperationError, match="there is no operation"):
        run(both, operations, RELEASE)


def test_tables_that_are_ahead_of_the_registry_are_told_before_nobody_can_write_to_them(both, operations):
    Tables(both.spark, both.prefix).raise_epoch(both.name(CURATED), 5)
    hold(both, 2)
    operations.add(RELEASE)
    with pytest.raises(OperationError, match="has the epoch 5, and the registry has 2"):
        run(both, operations, RELEASE)
