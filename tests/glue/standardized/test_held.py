"""Held topics: their tables are left alone, their rows are not lost, and the release takes them on."""

from datetime import UTC, datetime
from decimal import Decimal

from lake import Event

from lean_ops.ports.interfaces import Provisioned
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

HELD, OTHER = "telemetry.climate", "fleet.trucks"
TABLE = "standardized.telemetry_climate"
TIMES = ("detected_at", "started_at", "finished_at")


def cycles(lake, *, held):
    """Plays three cycles, in the second and the third of which a topic may be held, and one without rows
    after the release."""
    lake.standardize(Event({"a": 1}, message_id="m1"), Event(topic=OTHER, message_id="t1"))
    if held:
        lake.hold(HELD)
    lake.standardize(
        Event({"a": 2, "b": 1}, message_id="m2", key="m1", produced=1),
        Event("{", message_id="m3"),
        Event(topic=OTHER, message_id="t2"),
    )
    lake.standardize(Event({"c": 1}, message_id="m4"), Event("{", message_id="m3"))
    if held:
        yield
        lake.release(HELD)
    assert lake.standardize().trouble() is None
    yield


def state(lake):
    tables = (TABLE, "standardized.fleet_trucks", "ops.parse_errors", "ops.drift_log", "ops.ledger")
    return {table: lake.rows(table, *TIMES) for table in tables}


def run_item(lake):
    return lake.checkpoints.stored["*", "raw"]


def test_a_held_topic_is_left_alone_and_ends_as_if_it_never_was_held(new_lake):
    never, lake = new_lake(), new_lake()
    [_] = cycles(never, held=False)
    play = cycles(lake, held=True)
    next(play)
    # It has the row of the cycle before it was held, and the other topic has all of its rows.
    assert [row["a"] for row in lake.rows(TABLE)] == ["1"]
    assert "b" not in lake.spark.table(lake.name(TABLE)).columns
    assert len(lake.rows("standardized.fleet_trucks")) == 2
    assert [row["cycle_id"][9:15] for row in lake.ledger("standardized", HELD)] == ["000001"]
    assert run_item(lake)["status"] == "complete"
    assert run_item(lake)["complete_through"] == "20261123T000003Z-0a1b2c3d"
    assert run_item(lake)["behind"] == []
    assert run_item(lake)["held"] == [
        {
            "topic_name": HELD,
            "cycle_id": "20261123T000002Z-0a1b2c3d",
            "since": "2026-11-23T10:01:40+00:00",
        }
    ]
    # What cannot be read is in no table of the topic, and shows at once.
    assert [row["message_id"] for row in lake.rows("ops.parse_errors")] == ["m3"]

    next(play)
    assert state(lake) == state(never)
    assert lake.balance("standardized") == (5, 5)
    assert run_item(lake)["held"] == []
    [line] = [line for line in lake.logged if line["message"] == "topic released"]
    assert (line["topic_name"], line["from_cycle_id"]) == (HELD, "20261123T000002Z-0a1b2c3d")


def test_a_cycle_with_only_held_topics_ends_well_and_makes_no_table(lake):
    lake.hold(HELD)
    assert lake.standardize(Event(message_id="m1")).trouble() is None
    assert lake.curate().trouble() is None
    assert not lake.spark.catalog.tableExists(lake.name(TABLE))
    assert run_item(lake)["status"] == "complete"
    assert lake.rows("ops.ledger") == lake.rows("ops.drift_log") == []
    lake.release(HELD)
    assert lake.standardize().trouble() is None
    assert [row["message_id"] for row in lake.rows(TABLE)] == ["m1"]
    assert [row["change_type"] for row in lake.rows("ops.drift_log")].count("TABLE_CREATED") == 1


def test_a_topic_that_is_held_after_the_registry_was_read_is_held_and_has_not_failed(lake, monkeypatch):
    with monkeypatch.context() as late:
        late.setattr(lake, "_ensure", lambda topic: Provisioned(topic, "TOPIC_HELD", "held"))
        outcome = lake.standardize(Event(message_id="m1"))
    assert (outcome.trouble(), outcome.left, list(outcome.held)) == (None, {}, [HELD])
    assert [note["topic_name"] for note in run_item(lake)["held"]] == [HELD]
    assert lake.standardize().trouble() is None
    assert [row["message_id"] for row in lake.rows(TABLE)] == ["m1"]
    assert run_item(lake)["held"] == []


def test_runs_write_by_the_epoch_that_the_registry_has_as_they_begin(lake):
    lake.activate(HELD, 1, {"a": {"type": "integer"}})
    lake.standardize(Event({"a": 1}, message_id="m1"))
    assert lake.curate().complete
    tables = Tables(lake.spark, lake.prefix)
    for layer in ("standardized", "curated"):
        tables.raise_epoch(lake.name(f"{layer}.telemetry_climate"), 2)
    # A run that began before the topic was held a second time.
    lake.registered[HELD]["epoch"] = Decimal(1)
    assert list(lake.standardize(Event({"a": 2}, message_id="m2")).fenced) == [HELD]
    lake.registered[HELD]["epoch"] = Decimal(2)
    assert lake.standardize().complete
    lake.registered[HELD]["epoch"] = Decimal(1)
    assert list(lake.curate().fenced) == [HELD]
    lake.registered[HELD]["epoch"] = Decimal(2)
    assert lake.curate().complete
    assert [len(lake.rows(f"{layer}.telemetry_climate")) for layer in ("standardized", "curated")] == [2, 2]


def test_a_topic_is_left_alone_while_its_tables_are_altered(lake):
    lake.standardize(Event(message_id="m1"))
    now = datetime.now(UTC).timestamp()
    lake.registered[HELD]["ddl"] = {"by": "1", "expires_at": int(now) + 600}
    assert lake.standardize(Event(message_id="m2")).trouble() is None
    assert [row["message_id"] for row in lake.rows(TABLE)] == ["m1"]
    # The upload died and left its mark.
    lake.registered[HELD]["ddl"]["expires_at"] = int(now) - 1
    assert lake.standardize().trouble() is None
    assert sorted(row["message_id"] for row in lake.rows(TABLE)) == ["m1", "m2"]


def test_a_topic_that_fails_after_its_release_is_taken_on_from_where_it_was_held(lake, monkeypatch):
    lake.standardize(Event({"a": 1}, message_id="m1"), Event(topic=OTHER, message_id="t1"))
    lake.hold(HELD)
    lake.standardize(Event({"a": 2}, message_id="m2"), Event(topic=OTHER, message_id="t2"))
    lake.release(HELD)
    commit = TopicTable.commit

    def commit_but_one(self, *files_and_properties):
        if self._name.endswith("telemetry_climate"):
            raise RuntimeError("S3 is tired")
        return commit(self, *files_and_properties)

    with monkeypatch.context() as tired:
        tired.setattr(TopicTable, "commit", commit_but_one)
        assert list(lake.standardize(Event(topic=OTHER, message_id="t3")).failed) == [HELD]
    [note] = run_item(lake)["held"]
    assert note["cycle_id"] == "20261123T000002Z-0a1b2c3d"
    assert run_item(lake)["complete_through"] == "20261123T000002Z-0a1b2c3d"
    assert lake.standardize().trouble() is None
    assert len(lake.rows(TABLE)) == 2
    assert len(lake.rows("standardized.fleet_trucks")) == 3
    assert run_item(lake)["held"] == []


def test_cycles_that_cycle_delta_has_lost_meanwhile_are_no_silent_hole(lake):
    lake.standardize(Event(message_id="m1"))
    lake.hold(HELD)
    cycle = lake.next_cycle()
    lake.standardize(Event(message_id="m2"), cycle_id=cycle)
    lake.standardize(Event(message_id="m3"))
    lake.forget([cycle])
    lake.release(HELD)
    for number in (4, 5):
        outcome = lake.standardize(
            Event(message_id=f"m{number}"), Event(topic=OTHER, message_id=f"t{number}")
        )
        assert outcome.failed[HELD].startswith("DELTA_GONE: cycle_delta has lost cycle " + cycle)
        assert [row["message_id"] for row in lake.rows(TABLE)] == ["m1"]
        assert [note["cycle_id"] for note in run_item(lake)["held"]] == [cycle]
        # The others do not wait for it.
        assert run_item(lake)["complete_through"] == f"20261123T00000{number}Z-0a1b2c3d"
    assert len(lake.rows("standardized.fleet_trucks")) == 2
    # People accept it, with the release of another hold.
    lake.registered[HELD]["gap_accepted"] = "20261130T072500Z-release-ab12ce"
    assert lake.standardize().trouble() is None
    assert sorted(row["message_id"] for row in lake.rows(TABLE)) == ["m1", "m3", "m4", "m5"]
    assert run_item(lake)["held"] == []


def test_more_held_topics_than_the_item_has_room_for_lose_nothing(lake, monkeypatch):
    monkeypatch.setattr("lean_ops.bookkeeping.held_topics.MAX_HELD", 1)
    topics = ("held.a", "held.b", "held.c")
    for topic in topics:
        lake.hold(topic)
    lake.standardize(*(Event(topic=topic) for topic in topics))
    lake.standardize(Event(topic="held.c", message_id="later"))
    assert len(run_item(lake)["held"]) == 1
    for topic in topics:
        lake.release(topic)
    assert lake.standardize().trouble() is None
    assert [len(lake.rows(f"standardized.held_{name}")) for name in "abc"] == [1, 1, 2]
    assert run_item(lake)["held"] == []
