"""A rebuild on real tables: what it builds, swaps and tells, and what it leaves alone."""

import json
import threading
from datetime import UTC, datetime

import pytest
from budget import budget
from lake import Event
from law_checks import untouched
from maintained import MemoryOperations, maintain, make_eager
from operated import operate
from pyiceberg.table import StaticTable
from rewound import Operator, metadata_of, undo_targets
from saved_lake import SavedLake

from lean_ops.bookkeeping.operation import OperationError
from lean_ops.maintenance.reachable import stored_objects
from lean_ops.maintenance.shadows import shadows_of
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.spark.session import file_store_of
from lean_ops.tables.spark_tables import Tables

TOPIC, OTHER = "telemetry.climate", "fleet.trucks"
STANDARDIZED, CURATED = "standardized.telemetry_climate", "curated.telemetry_climate"
REBUILD = "20261130T062500Z-rebuild-ab12cd"
UNDO = "20261130T072500Z-undo-ab12cf"
REDO = "20261130T082500Z-undo-ab12c0"
NOW = datetime(2026, 11, 30, 6, 26, tzinfo=UTC)
SOURCES = ["raw", "standardized"]


def cycle(lake, *events):
    assert lake.standardize(*events).complete
    assert lake.curate().complete


def add(lake, operations, operation_id=REBUILD, topic=TOPIC, **plan):
    operations.add(operation_id, topic, step="BUILDING", plan=plan)


def build(lake, operations, operation_id=REBUILD):
    return operate(lake, operations, operation_id, at=NOW)


def hold(lake, operations, operation_id=REBUILD, topic=TOPIC):
    """What the state machine does once a rebuild is built: it holds the topic, under a new epoch."""
    if "hold" not in lake.registered[topic]:
        lake.hold(topic)
    lake.registered[topic]["epoch"] = lake.registered[topic].get("epoch", 0) + 1
    operations.items[operation_id]["step"] = "DRAINED"


def rebuild(lake, operations, operation_id=REBUILD, topic=TOPIC, **plan):
    add(lake, operations, operation_id, topic, **plan)
    assert build(lake, operations, operation_id).step == "BUILT"
    hold(lake, operations, operation_id, topic)
    done = operate(lake, operations, operation_id, at=NOW)
    assert done.step == "APPLIED"
    return done


def put_schema(lake, version, properties, key="key", **words):
    document = {"type": "object", "x-topic": TOPIC, "x-version": version, "required": [], **words}
    lake.schema_files[key] = json.dumps({**document, "properties": properties})
    return key


def activate(lake, key, topic=TOPIC):
    """What schema-validator does after the swap."""
    lake.active_schemas[topic] = lake.schema_files[key]
    lake.registered[topic]["schema_version"] = json.loads(lake.schema_files[key])["x-version"]


@pytest.fixture
def operations():
    return MemoryOperations()


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    lake = new_lake()
    lake.activate(TOPIC, 1, {"temperature": {"type": "number", "x-cde": True}})
    lake.activate(OTHER, 1, {"temperature": {"type": "number"}})
    cycle(lake, Event({"temperature": 1}, message_id="m1"), Event({"temperature": 1}, OTHER, "o1"))
    cycle(lake, Event({"temperature": "x"}, message_id="m2"), Event("{", message_id="m3"))
    first = Event({"temperature": 3}, message_id="m4", key="m1", produced=5)
    cycle(lake, first, first, Event({"temperature": "21,5"}, message_id="m5"))
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def three(saved):
    """A topic of which three cycles were taken, with corrections, copies, rejects and what is no JSON."""
    return saved.restored()


def test_a_rebuild_from_raw_gives_the_same_rows_and_moves_no_checkpoint(three, operations):
    before = [three.rows(table, "cycle_id") for table in (STANDARDIZED, CURATED, "ops.parse_errors")]
    others = untouched(three, OTHER)
    points = {
        key: item.get("delta_through", item["cycle_id"]) for key, item in three.checkpoints.stored.items()
    }
    errors = three.rows("ops.errors")
    done = rebuild(three, operations, **{"from": "raw"})
    assert [three.rows(table, "cycle_id") for table in (STANDARDIZED, CURATED, "ops.parse_errors")] == before
    assert untouched(three, OTHER) == others
    assert three.rows("ops.errors") == errors
    now = {key: item.get("delta_through", item["cycle_id"]) for key, item in three.checkpoints.stored.items()}
    assert now == points
    assert done.counts["standardized_keys_changed"] == done.counts["curated_keys_new"] == 0
    assert done.counts["curated_rows_before"] == done.counts["curated_rows_after"] == 1
    assert shadows_of(Tables(three.spark, three.prefix)) == {}
    for layer in ("standardized", "curated"):
        received, found = three.balance(layer)
        assert received == found
        assert [row["status"] for row in three.ledger(layer)][-1] == "REBUILT"
    three.release(TOPIC)
    cycle(three, Event({"temperature": 9}, message_id="m9"))
    assert len(three.rows(CURATED)) == 2
    assert not [line for line in three.logged if line["message"] == "table moved"]
    for layer in ("standardized", "curated"):
        received, found = three.balance(layer)
        assert received == found


@pytest.mark.parametrize("source", SOURCES[: budget(each_run=1, thorough=2)])
def test_a_rebuild_under_another_schema_takes_what_the_old_one_rejected(three, operations, source):
    key = put_schema(three, 2, {"temperature": {"type": "string"}})
    assert len([row for row in three.rows("ops.errors") if row["resolved_at"] is None]) == 2
    done = rebuild(
        three, operations, **{"from": source, "schema_key": key, "schema_version": 2, "activates": True}
    )
    assert {row["idempotency_key"]: row["temperature"] for row in three.rows(CURATED)} == {
        "m1": "3",
        "m2": "x",
        "m5": "21,5",
    }
    assert {row["schema_version"] for row in three.rows(CURATED)} == {2}
    assert done.counts["errors_closed"] == 2
    assert {row["resolution"] for row in three.rows("ops.errors")} == {f"REBUILT:{REBUILD}"}
    [drift] = [
        row
        for row in three.rows("ops.drift_log")
        if (row["change_type"], row["layer"]) == ("REBUILT", "curated")
    ]
    assert (drift["new_value"], drift["old_value"]) == (REBUILD, "1")
    activate(three, key)
    three.release(TOPIC)
    cycle(three, Event({"temperature": 9}, message_id="m9"))
    assert three.by_key(CURATED)["m9"]["temperature"] == "9"
    assert len(three.rows(CURATED)) == 4
    received, found = three.balance("curated")
    assert received == found
    assert {row["status"] for row in three.ledger("curated")} == {"SUCCEEDED", "REBUILT"}


@pytest.mark.parametrize("source", SOURCES[: budget(each_run=1, thorough=2)])
def test_events_that_come_while_it_builds_are_in_exactly_once(three, operations, source):
    add(three, operations, **{"from": source})
    build(three, operations)
    cycle(three, Event({"temperature": 5}, message_id="m6"), Event({"temperature": 1}, message_id="m1"))
    hold(three, operations)
    # A cycle that begins after the hold takes RAW, and leaves the topic alone.
    three.standardize(Event({"temperature": 7}, message_id="m7"))
    operate(three, operations, REBUILD, at=NOW)
    assert sorted(three.by_key(CURATED)) == ["m1", "m6"]
    three.release(TOPIC)
    assert three.standardize().complete
    assert three.curate().complete
    assert sorted(three.by_key(CURATED)) == ["m1", "m6", "m7"]
    for layer in ("standardized", "curated"):
        received, found = three.balance(layer)
        assert received == found


def test_what_a_held_topic_has_not_taken_stays_for_its_release(three, operations):
    """Also where it was held before the build began, so RAW has more than its tables."""
    three.hold(TOPIC)
    three.standardize(Event({"temperature": 7}, message_id="m7"), Event({"temperature": 1}, message_id="m1"))
    add(three, operations, **{"from": "raw"})
    build(three, operations)
    operations.items[REBUILD]["step"] = "DRAINED"
    three.registered[TOPIC]["epoch"] = 1
    operate(three, operations, REBUILD, at=NOW)
    assert sorted(three.by_key(STANDARDIZED)) == ["m1", "m2", "m5"]
    three.release(TOPIC)
    assert three.standardize().complete
    assert three.curate().complete
    assert sorted(three.by_key(CURATED)) == ["m1", "m7"]
    for layer in ("standardized", "curated"):
        received, found = three.balance(layer)
        assert received == found


def test_a_reader_who_polls_sees_the_old_table_until_the_swap_and_the_new_one_from_then_on(three, operations):
    """The reader is another engine, which goes by the table's entry in the catalog each time. The schema
    changes to and fro, so that each rebuild changes type and rows."""
    seen, stop = [], threading.Event()

    def poll():
        while not stop.is_set():
            location = three.metadata_locations("curated")["telemetry_climate"].partition("?")[0]
            found = StaticTable.from_metadata(location).scan().to_arrow().to_pylist()
            now = frozenset((row["idempotency_key"], row["temperature"]) for row in found)
            if seen[-1:] != [now]:
                seen.append(now)

    numbers = frozenset([("m1", 3.0)])
    texts = frozenset([("m1", "3"), ("m2", "x"), ("m5", "21,5")])
    reader = threading.Thread(target=poll)
    reader.start()
    expected = [numbers]
    try:
        for turn in range(budget(each_run=1, thorough=20)):
            field = {"type": "number", "x-cde": True} if turn % 2 else {"type": "string"}
            key = put_schema(three, turn + 2, {"temperature": field}, f"key-{turn}")
            own = REBUILD.replace("ab12cd", f"ab12{turn:02x}")
            source = SOURCES[(turn + 1) % 2]
            rebuild(three, operations, own, **{"from": source, "schema_key": key, "activates": True})
            activate(three, key)
            three.release(TOPIC)
            operations.items[own].update(state="DONE", step="ENDED")
            expected.append(numbers if turn % 2 else texts)
    finally:
        stop.set()
        reader.join()
    # The reader may be slower than the last swap.
    assert seen in (expected, expected[:-1])


def test_maintenance_leaves_a_rebuild_alone_that_is_under_way_and_removes_what_is_left_of_others(
    three, operations, monkeypatch
):
    make_eager(monkeypatch, 1)
    add(three, operations, **{"from": "raw"})
    build(three, operations)
    later = datetime(2027, 3, 1, tzinfo=UTC)
    cycle(three, Event({"temperature": 8}, message_id="m8"))
    assert maintain(three, at=later, operations=operations).trouble() is None
    assert len(shadows_of(Tables(three.spark, three.prefix))) == 5
    hold(three, operations)
    operate(three, operations, REBUILD, at=NOW)
    assert sorted(three.by_key(CURATED)) == ["m1", "m8"]
    three.release(TOPIC)
    operations.items[REBUILD].update(state="DONE", step="ENDED")
    other = REBUILD.replace("ab12cd", "ab12ce")
    add(three, operations, other, **{"from": "standardized"})
    build(three, operations, other)
    operations.items[other].update(state="CANCELLED", step="ENDED")
    assert maintain(three, at=later, operations=operations).trouble() is None
    assert shadows_of(Tables(three.spark, three.prefix)) == {}
    assert sorted(three.by_key(CURATED)) == ["m1", "m8"]


def open_errors(lake):
    """Without the mark that one has which was closed before."""
    return [{**row, "resolution": None} for row in lake.rows("ops.errors") if row["resolved_at"] is None]


def state(lake):
    """What an undo puts back: rows, errors, schemas and partitionings."""
    metadata = [metadata_of(lake, TOPIC, layer) for layer in ("standardized", "curated")]
    return (
        [lake.rows(table) for table in (STANDARDIZED, CURATED)],
        open_errors(lake),
        [(one["current-schema-id"], one["default-spec-id"]) for one in metadata],
    )


def undo(lake, operations, operation_id, undone):
    targets = undo_targets(lake, TOPIC, operations.items[undone])
    plan = {"targets": targets, "undoes": undone, "activates": True}
    operations.add(operation_id, TOPIC, plan=plan)
    operate(lake, operations, operation_id, at=NOW)


def balances(lake):
    for layer in ("standardized", "curated"):
        received, found = lake.balance(layer)
        assert received == found, layer


def test_an_undo_puts_rows_errors_schema_partitioning_and_ledger_back_and_so_does_its_own(three, operations):
    before = state(three)
    # It takes what the first one rejects, rejects what that one takes, and has another partitioning.
    field = {"type": "string", "minLength": 2, "x-cde": True}
    key = put_schema(three, 2, {"temperature": field}, **{"x-event-time-stable": True})
    rebuild(three, operations, **{"from": "raw", "schema_key": key, "activates": True})
    rebuilt = state(three)
    assert sorted(three.by_key(CURATED)) == ["m5"]
    assert rebuilt[2][1] != before[2][1]
    undo(three, operations, UNDO, REBUILD)
    assert state(three) == before
    balances(three)
    undo(three, operations, REDO, UNDO)
    assert state(three) == rebuilt
    balances(three)
    undo(three, operations, REDO.replace("ab12c0", "ab12c1"), REDO)
    assert state(three) == before
    three.release(TOPIC)
    cycle(three, Event({"temperature": 9}, message_id="m9"))
    assert sorted(three.by_key(CURATED)) == ["m1", "m9"]
    balances(three)


def test_the_ledger_balances_behind_rebuilds_and_upon_them_again(three, operations):
    """Two rebuilds are of one cycle, and so is the cycle's own commit before them."""
    rebuild(three, operations, **{"from": "standardized"})
    rebuild(three, operations, REBUILD.replace("0625", "0626"), **{"from": "raw"})
    three.release(TOPIC)
    cycle(three, Event({"temperature": 9}, message_id="m9"))
    balances(three)
    rows = [three.rows(table) for table in (STANDARDIZED, CURATED)]
    operator = Operator(three, operations)
    cycles = [row["cycle_id"] for row in three.ledger("curated") if row["status"] == "SUCCEEDED"]
    rewound = operator.rewind(TOPIC, cycles[0])
    assert len(three.rows(STANDARDIZED)) == 1
    operator.undo(rewound)
    assert [three.rows(table) for table in (STANDARDIZED, CURATED)] == rows
    balances(three)
    # To the rebuilds themselves, which stay in force.
    operator.rewind(TOPIC, cycles[2])
    assert three.standardize().complete
    assert three.curate().complete
    assert sorted(three.by_key(CURATED)) == ["m1", "m9"]
    balances(three)


def test_rows_of_which_raw_has_dropped_the_events_are_not_lost_unless_somebody_says_so(three, operations):
    cycle(three, Event({"temperature": 2}, message_id="old", ingested=-200_000))
    three.spark.sql(f"DELETE FROM {three.name('raw.events')} WHERE message_id = 'old'")
    cycle(three, Event({"temperature": 2}, message_id="new"))
    add(three, operations, **{"from": "raw"})
    with pytest.raises(OperationError, match=r"^RAW_GONE: .* since 2026-11-23T10:01Z, .* 1 rows from before"):
        build(three, operations)
    assert operations.items[REBUILD]["step"] == "BUILDING"
    assert shadows_of(Tables(three.spark, three.prefix)) == {}
    operations.items[REBUILD]["plan"]["since"] = "2026-11-23T00:00:00Z"
    assert build(three, operations).step == "BUILT"


def test_too_many_rejected_messages_stop_it_before_the_topic_is_held(three, operations):
    add(three, operations, **{"from": "raw", "max_rejected": "1"})
    with pytest.raises(OperationError, match="TOO_MANY_REJECTED: the schema rejects 2 of"):
        build(three, operations)
    assert operations.items[REBUILD]["step"] == "BUILDING"


def test_a_cancelled_rebuild_leaves_nothing_but_its_record(three, operations):
    files = {table: stored(three, table) for table in (STANDARDIZED, CURATED)}
    add(three, operations, **{"from": "raw"})
    build(three, operations)
    assert len(shadows_of(Tables(three.spark, three.prefix))) == 5
    operations.items[REBUILD] |= {
        "state": "CANCELLED",
        "step": "ENDED",
        "ended_at": "2026-11-30T06:26:10.000Z",
    }
    operate(three, operations, REBUILD, at=NOW)
    operate(three, operations, REBUILD, at=NOW)
    assert shadows_of(Tables(three.spark, three.prefix)) == {}
    assert {table: stored(three, table) for table in (STANDARDIZED, CURATED)} == files
    [row] = three.rows("ops.operations")
    assert row["state"] == "CANCELLED"


def stored(lake, table):
    """The files below a table's folder."""
    location = iceberg_of(lake.spark._jvm).load(lake.spark, lake.name(table)).location()
    return {one.path for one in stored_objects(file_store_of(lake.spark), location)}
