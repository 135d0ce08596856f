"""Rewind and undo on real tables: both layers, their schemas, what is told of it, and what the next cycles
take."""

import pytest
from budget import budget, chosen
from histories import Killed, killed_in
from lake import Event
from law_checks import untouched
from pyiceberg.table import StaticTable
from rewound import Operator, history, metadata_of, schema_of, targets
from saved_lake import SavedLake

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.operation import OperationError
from lean_ops.operations import rewinding
from lean_ops.tables.spark_tables import Tables

TOPIC, OTHER = "telemetry.climate", "fleet.trucks"
FIELDS = {"n": {"type": "integer", "x-cde": True}}
STANDARDIZED, CURATED = "standardized.telemetry_climate", "curated.telemetry_climate"
LAYERS = ("curated", "standardized")


def cycle(number):
    return f"20261123T{number:06d}Z-0a1b2c3d"


def take(lake, *events):
    name = lake.next_cycle()
    if events:
        lake.deliver(*events)
    for run in (lake.standardize, lake.curate):
        assert run(cycle_id=name).trouble() is None
    return name


def one_cycle(lake, n):
    """The same record in each cycle, corrected; one of its own with a column of its own; one that is rejected
    and one that cannot be read. And a row of another topic."""
    take(
        lake,
        Event({"n": n}, message_id=f"k{n}", key="k", produced=n),
        Event({"n": n, f"only{n}": "x"}, message_id=f"m{n}"),
        Event({"n": "x"}, message_id=f"x{n}"),
        Event("{", message_id=f"torn{n}"),
        Event({"n": n}, topic=OTHER, message_id=f"o{n}"),
    )


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    lake = new_lake()
    for topic in (TOPIC, OTHER):
        lake.activate(topic, 1, FIELDS)
    for n in (1, 2, 3, 4):
        one_cycle(lake, n)
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def lake(saved):
    """A lake after four cycles of two topics."""
    return saved.restored()


def content(lake):
    """What a rewind and the cycles after it may not change in the end."""
    return {
        **{layer: lake.rows(f"{layer}.telemetry_climate", "cycle_id") for layer in LAYERS},
        "errors": sorted(row["error_id"] for row in lake.rows("ops.errors")),
        "parse_errors": sorted(row["error_id"] for row in lake.rows("ops.parse_errors")),
        "columns": [
            row for row in lake.rows("ops.drift_log", "detected_at") if row["change_type"] == "COLUMN_ADDED"
        ],
    }


def balances(lake, topic=TOPIC):
    for layer in LAYERS:
        received, found = lake.balance(layer, topic)
        assert received == found > 0, layer


def other_reader(lake, layer):
    """What PyIceberg reads of the topic's table: its columns, and the ids of its messages."""
    location = lake.metadata_locations(layer)["telemetry_climate"].partition("?")[0]
    read = StaticTable.from_metadata(location).scan().to_arrow()
    return read.column_names, sorted(read["message_id"].to_pylist())


def same_reader(lake, layer):
    found = lake.rows(f"{layer}.telemetry_climate")
    columns = lake.spark.table(lake.name(f"{layer}.telemetry_climate")).columns
    return columns, sorted(row["message_id"] for row in found)


def drift(lake, change):
    return [
        (row["layer"], row["old_value"], row["new_value"], row["source"])
        for row in lake.rows("ops.drift_log")
        if row["change_type"] == change
    ]


def snapshot(lake, layer, topic=TOPIC):
    return metadata_of(lake, topic, layer)["current-snapshot-id"]


def test_both_layers_go_to_the_point_with_the_schema_that_they_had_and_take_all_again(lake):
    expected = content(lake)
    before = {layer: (snapshot(lake, layer), schema_of(lake, TOPIC, layer)) for layer in LAYERS}
    others = untouched(lake, OTHER)
    mirrors = dict(lake.checkpoints.stored)
    wanted = targets(lake, TOPIC, cycle(2))
    operator = Operator(lake)
    rewound = operator.rewind(TOPIC, cycle(2))
    # Of the topic's cycles 3 and 4, four messages each.
    counts = operator.operations.items[rewound]["counts"]
    assert (counts["cycles_waiting"], counts["messages_waiting"]) == (2, 8)
    for layer in LAYERS:
        done = counts["layers"][layer]
        assert (done["cycle_before"], done["cycle_after"]) == (cycle(4), cycle(2))
        assert done["snapshot_before"] == str(before[layer][0])
        assert done["snapshot_after"] == wanted[layer]["snapshot_id"] == str(snapshot(lake, layer))
        tag = metadata_of(lake, TOPIC, layer)["refs"][f"lean-ops-undo-{rewound}"]
        assert (tag["snapshot-id"], tag["type"]) == (before[layer][0], "tag")
        assert tag["max-ref-age-ms"] >= 7 * 24 * 3_600_000
    assert untouched(lake, OTHER) == others
    columns = lake.spark.table(lake.name(STANDARDIZED)).columns
    assert "only2" in columns
    assert "only3" not in columns
    assert {row["idempotency_key"] for row in lake.rows(STANDARDIZED)} == {"k", "m1", "x1", "m2", "x2"}
    assert {row["idempotency_key"]: row["n"] for row in lake.rows(CURATED)} == {"k": 2, "m1": 1, "m2": 2}
    assert lake.checkpoints.stored == mirrors, "the mirrors say what the tables had reached"
    assert sorted(drift(lake, "REWOUND")) == [(layer, cycle(4), cycle(2), rewound) for layer in LAYERS]
    undone = {row["cycle_id"]: row for row in lake.ledger("curated") if row["status"] == "REWOUND"}
    assert undone.keys() == {cycle(3), cycle(4)}
    assert all(row["records_in"] == 0 for row in undone.values())
    assert all(row["error"].startswith(f"REWOUND:{rewound}: ") for row in undone.values())

    # The next cycle takes all again, and tells nobody of a rollback.
    take(lake)
    assert content(lake) == expected
    balances(lake)
    assert drift(lake, "TABLE_ROLLED_BACK") == []
    assert not [line for line in lake.logged if line["message"] == "table moved"]
    told = [line for line in lake.logged if line["message"] == "table rewound"]
    assert sorted(line["layer"] for line in told) == list(LAYERS)
    # What comes then goes on as ever, and a rollback of somebody else's is told as such.
    one_cycle(lake, 9)
    balances(lake)
    assert lake.by_key(CURATED)["k"]["n"] == 9
    assert lake.checkpoints.stored["*", "raw"]["complete_through"] == cycle(lake.cycles)
    lake.roll_back(STANDARDIZED, 1)
    take(lake)
    [(layer, _, to, _)] = drift(lake, "TABLE_ROLLED_BACK")
    assert (layer, to) == ("standardized", cycle(1))
    balances(lake)


def test_an_undo_puts_rows_and_schema_where_they_were(lake):
    expected = content(lake)
    schemas = {layer: schema_of(lake, TOPIC, layer) for layer in LAYERS}
    snapshots = {layer: snapshot(lake, layer) for layer in LAYERS}
    mirrors = dict(lake.checkpoints.stored)
    operator = Operator(lake)
    rewound = operator.rewind(TOPIC, cycle(1))
    for layer in LAYERS:
        assert other_reader(lake, layer) == same_reader(lake, layer)
    undone = operator.undo(rewound)
    for layer in LAYERS:
        assert other_reader(lake, layer) == same_reader(lake, layer)
    assert {layer: snapshot(lake, layer) for layer in LAYERS} == snapshots
    assert {layer: schema_of(lake, TOPIC, layer) for layer in LAYERS} == schemas
    assert content(lake) == expected
    assert lake.checkpoints.stored == mirrors
    balances(lake)
    refs = metadata_of(lake, TOPIC, "curated")["refs"]
    assert refs.keys() == {"main", f"lean-ops-undo-{undone}"}, "what is undone is not undone again"
    take(lake)
    assert content(lake) == expected
    balances(lake)


@pytest.mark.parametrize("more", budget(each_run=[True], thorough=[False, True]), ids=str)
def test_an_undo_after_cycles_ran_takes_them_again_and_can_be_undone(lake, more):
    operator = Operator(lake)
    rewound = operator.rewind(TOPIC, cycle(2))
    one_cycle(lake, 5) if more else take(lake)
    expected = content(lake)
    again = snapshot(lake, "curated")
    undone = operator.undo(rewound)
    assert operator.operations.items[undone]["counts"]["cycles_waiting"] == (1 if more else 0)
    take(lake)
    assert content(lake) == expected
    balances(lake)
    operator.undo(undone)
    assert snapshot(lake, "curated") == again
    take(lake)
    assert content(lake) == expected
    balances(lake)
    logged = len(lake.logged)
    take(lake)
    assert not [line for line in lake.logged[logged:] if line["message"] == "table rewound"], (
        "it is told once"
    )
    assert drift(lake, "TABLE_ROLLED_BACK") == []


def test_curated_alone_is_validated_again_from_the_cycles_that_it_lacks(lake):
    expected = content(lake)
    operator = Operator(lake)
    standardized = snapshot(lake, "standardized")
    counts = operator.operations.items[operator.rewind(TOPIC, cycle(1), ["curated"])]["counts"]
    assert counts["layers"].keys() == {"curated"}
    assert counts["cycles_waiting"] == 3
    assert snapshot(lake, "standardized") == standardized
    take(lake)
    assert content(lake) == expected
    balances(lake)


def test_a_topic_that_stays_held_is_taken_on_when_it_is_released(lake):
    expected = content(lake)
    Operator(lake).rewind(TOPIC, cycle(2), hold_after=True)
    take(lake, Event({"n": 7}, message_id="m7"))
    assert "m7" not in lake.by_key(STANDARDIZED)
    assert "m3" not in lake.by_key(STANDARDIZED)
    lake.release(TOPIC)
    take(lake)
    assert lake.by_key(CURATED)["m7"]["n"] == 7
    assert len(lake.rows(STANDARDIZED)) == len(expected["standardized"]) + 1
    balances(lake)
    assert drift(lake, "TABLE_ROLLED_BACK") == []


KILLS = [
    *((rewinding, "move", call, after) for call in (1, 2) for after in (False, True)),
    *((rewinding, "_record", call, after) for call in (1, 2) for after in (False, True)),
    (ledger, "write", 1, False),
    (ledger, "write", 1, True),
]


@pytest.mark.parametrize("kind", budget(each_run=["undo"], thorough=["rewind", "undo"]))
def test_one_that_is_killed_anywhere_ends_as_one_that_was_not(saved, kind):
    """Killed in each step in turn and resumed, and at last let through."""

    def world():
        lake = saved.restored()
        operator = Operator(lake)
        if kind == "rewind":
            return (
                lake,
                operator,
                operator.begin("rewind", TOPIC, {"targets": targets(lake, TOPIC, cycle(2))}),
            )
        return lake, operator, operator.begin_undo(operator.rewind(TOPIC, cycle(2)))

    def end(lake, counts):
        refs = {layer: metadata_of(lake, TOPIC, layer)["refs"] for layer in LAYERS}
        rows = {layer: lake.rows(f"{layer}.telemetry_climate") for layer in LAYERS}
        entries = [row for row in lake.rows("ops.ledger") if row["status"] == "REWOUND"]
        return counts, refs, rows, entries, sorted(drift(lake, "REWOUND"))

    lake, operator, operation = world()
    undisturbed = end(lake, operator.run(operation))
    lake, operator, operation = world()
    for owner, method, call, after in [KILLS[one] for one in chosen(range(len(KILLS)), each_run=3)]:
        try:
            with killed_in(owner, method, call, after):
                operator.run(operation)
        except Killed:
            pass
        else:
            break
    item = operator.operations.items[operation]
    counts = item["counts"] if item["step"] == "ENDED" else operator.run(operation)
    assert end(lake, counts) == undisturbed


def test_a_plan_for_a_table_that_was_moved_since_is_stale(lake):
    operator = Operator(lake)
    operation = operator.begin("rewind", TOPIC, {"targets": targets(lake, TOPIC, cycle(2))})
    lake.roll_back(STANDARDIZED, 3)
    lake.roll_back(CURATED, 3)
    with pytest.raises(OperationError, match=r"^PLAN_STALE: .*was moved since"):
        operator.run(operation)
    gone = {"snapshot_id": "123456789012345678", "schema_id": 0}
    operation = operator.begin("rewind", TOPIC, {"targets": {"curated": gone}})
    with pytest.raises(OperationError, match=r"^PLAN_STALE: .*does not keep the snapshot 1234"):
        operator.run(operation)


def test_cycles_that_ended_between_plan_and_hold_are_undone_as_well(lake):
    operator = Operator(lake)
    wanted = targets(lake, TOPIC, cycle(3))
    one_cycle(lake, 5)
    expected = content(lake)
    counts = operator.run(operator.begin("rewind", TOPIC, {"targets": wanted}))
    assert {one["cycle_before"] for one in counts["layers"].values()} == {cycle(5)}
    assert counts["cycles_waiting"] == 2
    take(lake)
    assert content(lake) == expected
    balances(lake)


def test_curated_is_not_put_behind_a_change_of_a_type(lake):
    """One that keeps the column's id, as a widened type does in the other direction."""
    wanted = targets(lake, TOPIC, cycle(2), ["curated"])
    name = lake.name(CURATED)
    lake.spark.sql(f"ALTER TABLE {name} ADD COLUMN size INT")
    take(lake, Event({"n": 5}, message_id="m5"))
    at_int = targets(lake, TOPIC, cycle(5), ["curated"]) or {"curated": {}}
    metadata = metadata_of(lake, TOPIC, "curated")
    at_int["curated"] |= {"snapshot_id": str(history(metadata)[0]["snapshot-id"])}
    lake.spark.sql(f"ALTER TABLE {name} ALTER COLUMN size TYPE BIGINT")
    take(lake, Event({"n": 6}, message_id="m6"))
    wide = str(snapshot(lake, "curated"))
    operator = Operator(lake)
    # Rows of a narrower type are read by the wider one; the schema of the point is not asked for.
    operator.run(
        operator.begin("rewind", TOPIC, {"targets": {"curated": {**at_int["curated"], "schema_id": None}}})
    )
    assert len(lake.rows(CURATED)) == 6
    narrow = wanted["curated"]["schema_id"]
    operation = operator.begin(
        "rewind", TOPIC, {"targets": {"curated": {"snapshot_id": wide, "schema_id": narrow + 1}}}
    )
    with pytest.raises(OperationError, match=r"^SCHEMA_CHANGED: "):
        operator.run(operation)
    assert len(lake.rows(CURATED)) == 6
    assert Tables(lake.spark, lake.prefix).epoch(name) > 0
