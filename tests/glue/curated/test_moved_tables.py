"""Curated tables that others move back, and topics that rest: what a run reads and takes of them."""

import pytest
from budget import chosen
from histories import Killed, killed_in
from lake import Event
from readings import TABLE, TOPIC
from saved_lake import SavedLake

from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.tables.topic_table import TopicTable

FIELDS = {"n": {"type": "integer", "x-cde": True}}


def cycle(number):
    return f"20261123T{number:06d}Z-0a1b2c3d"


def take(lake, *events):
    name = lake.next_cycle()
    lake.standardize(*events, cycle_id=name)
    return lake.curate(cycle_id=name)


def three_cycles(lake):
    """The same record in each cycle, corrected; one of its own, and one that is rejected."""
    lake.activate(TOPIC, 1, FIELDS)
    for n in (1, 2, 3):
        assert take(
            lake,
            Event({"n": n}, message_id=f"k{n}", key="k", produced=n),
            Event({"n": n}, message_id=f"m{n}"),
            Event({"n": "x"}, message_id=f"x{n}"),
        ).complete


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    lake = new_lake()
    three_cycles(lake)
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def aged(saved):
    """A lake after three cycles."""
    return saved.restored()


def told(lake):
    return [
        (row["layer"], row["old_value"], row["new_value"])
        for row in lake.rows("ops.drift_log")
        if row["change_type"] == "TABLE_ROLLED_BACK"
    ]


def rows(lake):
    return lake.rows(TABLE, "cycle_id")


def check(lake, expected):
    assert rows(lake) == expected
    assert len(set(lake.balance("curated"))) == 1
    assert sorted(row["message_id"] for row in lake.rows("ops.errors")) == ["x1", "x2", "x3"]
    last = TopicTable(lake.spark, lake.name(TABLE)).last_commit()
    assert lake.checkpoints.stored[TOPIC, "curated"]["snapshot_id"] == last.snapshot_id


PLACES = {2: "one back", 1: "two back", 0: "behind the first"}
ROLLBACKS = [(kept, lost) for lost in ((), (1, 2)) for kept in PLACES]


def case(rollback):
    kept, lost = rollback
    return f"{PLACES[kept]}, cycle_delta {'lost cycles' if lost else 'is whole'}"


@pytest.mark.parametrize(
    "rollback", [ROLLBACKS[one] for one in chosen(range(len(ROLLBACKS)), each_run=3)], ids=case
)
def test_a_table_that_somebody_rolled_back_is_taken_on_from_where_it_is(aged, rollback):
    """Where cycle_delta has lost what it lacks, by validating Standardized's rows again."""
    kept, lost = rollback
    expected = rows(aged)
    aged.roll_back(TABLE, kept)
    if lost:
        aged.forget([cycle(one) for one in lost])
    assert take(aged).complete
    check(aged, expected)
    assert told(aged) == [("curated", cycle(3), cycle(kept) if kept else None)]
    undone = [row for row in aged.ledger("curated") if row["status"] == "FAILED"]
    assert [row["cycle_id"] for row in undone] == [cycle(n) for n in range(kept + 1, 4)]
    assert all(row["error"].startswith("TABLE_ROLLED_BACK: ") and row["records_in"] == 0 for row in undone)
    # It is told once, and the next cycle goes on as ever.
    assert take(aged, Event({"n": 9}, message_id="m9")).complete
    assert len(told(aged)) == 1
    assert len(rows(aged)) == len(expected) + 1
    assert len(set(aged.balance("curated"))) == 1


def test_rows_are_not_validated_again_from_a_table_that_lacks_some(aged):
    """Both tables were rolled back, and cycle_delta does not have what they lack: Curated waits until
    Standardized has its rows."""
    expected = rows(aged)
    standardized = "standardized.telemetry_climate"
    newest = aged.spark.sql(
        f"SELECT snapshot_id FROM {aged.name(standardized)}.history ORDER BY made_current_at DESC LIMIT 1"
    ).collect()[0][0]
    aged.roll_back(standardized, 1)
    aged.roll_back(TABLE, 1)
    aged.forget([cycle(2), cycle(3)])
    name = aged.next_cycle()
    assert "TABLE_ROLLED_BACK" in aged.standardize(cycle_id=name).trouble()
    aged.curate(cycle_id=name)
    assert len(rows(aged)) < len(expected)
    aged.spark.sql(f"CALL glue_catalog.system.set_current_snapshot('{aged.name(standardized)}', {newest})")
    assert take(aged).complete
    check(aged, expected)


def test_an_accepted_gap_of_standardized_keeps_curated_from_nothing(aged):
    aged.roll_back("standardized.telemetry_climate", 1)
    aged.roll_back(TABLE, 1)
    aged.forget([cycle(2), cycle(3)])
    aged.registered[TOPIC]["gap_accepted"] = "20261130T072500Z-release-ab12ce"
    assert take(aged).complete
    assert sorted(row["message_id"] for row in rows(aged)) == ["k1", "m1"]


def test_a_run_that_is_killed_while_it_takes_a_table_on_is_finished_by_the_next(aged):
    expected = rows(aged)
    aged.roll_back(TABLE, 1)
    with pytest.raises(Killed), killed_in(TopicTable, "commit", 1, after=True):
        aged.curate()
    assert aged.curate().complete
    check(aged, expected)


class Requests:
    """Counts what a run asks for: calls of the catalog, and schemas read from S3."""

    def __init__(self, lake, monkeypatch):
        self.calls = iceberg_of(lake.spark._jvm).calls
        self.schemas = []
        self.tables = []
        active, load = lake.active, TopicTable.__init__

        def read(topic):
            self.schemas.append(topic)
            return active(topic)

        def loaded(table, spark, name, *rest):
            self.tables.append(name.rpartition(".")[2])
            load(table, spark, name, *rest)

        monkeypatch.setattr(lake, "active", read)
        monkeypatch.setattr(TopicTable, "__init__", loaded)

    def of(self, run):
        before = self.calls.taken
        self.schemas.clear()
        self.tables.clear()
        assert run().trouble() is None
        return self.calls.taken - before, sorted(self.schemas), sorted(self.tables)


def test_topics_at_rest_cost_no_request_of_their_own(lake, monkeypatch):
    topics = [f"law.rest{n}" for n in range(6)]
    for topic in topics:
        lake.activate(topic, 1, FIELDS)
    lake.activate(TOPIC, 1, FIELDS)
    take(lake, *(Event({"n": 1}, topic=topic, message_id="m") for topic in [*topics, TOPIC]))
    requests = Requests(lake, monkeypatch)
    # The run after a commit looks at the table that it has left, and then nobody does.
    _, schemas, tables = requests.of(lake.curate)
    assert len(schemas) == len(tables) == len(topics) + 1
    idle, schemas, tables = requests.of(lake.curate)
    assert (schemas, tables) == ([], [])
    lake.standardize(Event({"n": 2}, message_id="m2"))
    busy, schemas, tables = requests.of(lake.curate)
    assert (schemas, set(tables)) == ([TOPIC], {"telemetry_climate"})
    # Topics at rest without end add nothing: what a run of one busy topic costs is the same without them.
    for topic in topics[1:]:
        lake.registered[topic]["processing_enabled"] = False
    assert requests.of(lake.curate)[1:] == ([TOPIC], ["telemetry_climate"])
    assert requests.of(lake.curate)[0] == idle
    lake.standardize(Event({"n": 3}, message_id="m3"))
    assert requests.of(lake.curate)[0] == busy
    # A new schema wakes its topic, and so does whoever touches the table.
    lake.activate(topics[0], 2, FIELDS)
    assert topics[0] in requests.of(lake.curate)[1]
    assert topics[0] in requests.of(lake.curate)[1], "the look after its commit"
    assert topics[0] not in requests.of(lake.curate)[1]
    lake.spark.sql(f"ALTER TABLE {lake.name('curated.law_rest0')} SET TBLPROPERTIES ('a'='b')")
    assert requests.of(lake.curate)[1] == [topics[0]]
    assert len(lake.rows("curated.law_rest0")) == 1


def test_a_topic_that_wakes_and_is_moved_back_in_that_moment_is_left_to_the_next_run(aged, monkeypatch):
    take(aged)
    expected = rows(aged)
    aged.standardize(Event({"n": 9}, message_id="m9"))
    locations = aged.metadata_locations

    def then_moved(layer):
        found = locations(layer)
        if layer == "curated":
            aged.roll_back(TABLE, 1)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(aged, "metadata_locations", then_moved)
        outcome = aged.curate()
    assert list(outcome.failed) == [TOPIC]
    assert "the next cycle takes it on" in outcome.failed[TOPIC]
    assert aged.curate().complete
    assert len(rows(aged)) == len(expected) + 1
    assert len(set(aged.balance("curated"))) == 1
