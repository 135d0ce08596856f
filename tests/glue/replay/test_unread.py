"""Messages that nobody could read are read once more from RAW, and come into both tables."""

from datetime import UTC, datetime

import pytest
from budget import budget
from histories import Killed, killed_in
from lake import Event
from law_checks import untouched
from maintained import MemoryOperations
from pyspark.sql import functions as F
from rewound import Operator
from saved_lake import SavedLake

from lean_ops.bookkeeping import ledger
from lean_ops.maintenance.shadows import shadows_of
from lean_ops.replay import unread
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

TOPIC, OTHER = "telemetry.climate", "fleet.trucks"
STANDARDIZED, CURATED = "standardized.telemetry_climate", "curated.telemetry_climate"
UNTIL, LATER = "2090-01-01T00:00:00+00:00", datetime(2090, 1, 2, tzinfo=UTC)
FIELDS = {"temperature": {"type": "number", "x-cde": True, "maximum": 60}}
BROKEN = '{"temperature": 21, "new": NaN}'
"""It is no JSON. Some releases of the flattener might read it."""


def cycle(lake, *events):
    assert lake.standardize(*events).trouble() is None
    assert lake.curate().trouble() is None


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    lake = new_lake()
    for topic in (TOPIC, OTHER):
        lake.activate(topic, 1, FIELDS)
        cycle(
            lake, Event({"temperature": 1}, topic, "m1"), Event({"temperature": 2}, topic, "m2", key="later")
        )
    cycle(
        lake,
        Event(BROKEN, TOPIC, "b1"),
        Event(BROKEN, TOPIC, "b1", ingested=200),
        Event(BROKEN.replace("21", "70"), TOPIC, "b2"),
        Event(BROKEN, TOPIC, "b3", key="later", produced=-50),
        Event("{", TOPIC, "b4"),
        Event(BROKEN, OTHER, "b1"),
    )
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def lake(saved):
    return saved.restored()


@pytest.fixture
def mended(lake, monkeypatch):
    """A release whose flattener reads what the one before has refused. Tasks have a process of their own,
    where nothing can be replaced, so what stands in for it is the payload that they get."""
    real = unread.flatten_events

    def flatten_as_mended(rows, *arguments):
        return real(rows.withColumn("payload", F.expr("replace(payload, 'NaN', '5')")), *arguments)

    monkeypatch.setattr(unread, "flatten_events", flatten_as_mended)
    return lake


def planned(lake, topic=TOPIC, **plan):
    def count(table):
        rows = lake.rows(f"ops.{table}")
        return sum(row["topic_name"] == topic and row["resolved_at"] is None for row in rows)

    return {
        "until": UNTIL,
        "rows": count("errors"),
        "parse_rows": count("parse_errors"),
        "schema_version": 1,
        **plan,
    }


def replay(operator, **plan):
    return operator.run(operator.begin("replay", TOPIC, {**planned(operator.lake), **plan}))


def state(lake):
    own = [row for row in lake.rows("ops.parse_errors") if row["topic_name"] == TOPIC]
    return (
        {key: (row["temperature"], row.get("new")) for key, row in lake.by_key(STANDARDIZED).items()},
        {key: row["temperature"] for key, row in lake.by_key(CURATED).items()},
        {row["message_id"]: (row["resolution"] or "").partition(":")[0] for row in own},
        {row["message_id"] for row in lake.rows("ops.errors") if row["topic_name"] == TOPIC},
    )


STATE = (
    {"m1": ("1", None), "later": ("2", None), "b1": ("21", "5"), "b2": ("70", "5")},
    {"m1": 1.0, "later": 2.0, "b1": 21.0},
    {"b1": "REPLAYED", "b2": "REPLAYED", "b3": "REPLAYED", "b4": ""},
    {"b2"},
)


def check(lake):
    assert state(lake) == STATE
    for layer in ("standardized", "curated"):
        received, found = lake.balance(layer)
        assert received == found, layer
    assert shadows_of(Tables(lake.spark, lake.prefix)) == {}


def test_what_can_be_read_now_comes_into_both_tables_with_its_new_columns(mended):
    others = untouched(mended, OTHER)
    counts = replay(Operator(mended, now=LATER))
    check(mended)
    names = ("parse_selected", "parse_replayed", "parse_rejudged", "parse_failing", "parse_gone")
    assert [counts[name] for name in names] == [4, 3, 0, 1, 0]
    own = {row["layer"]: row for row in mended.rows("ops.ledger") if row["status"] == "REPLAYED"}
    assert (own["standardized"]["replayed"], own["standardized"]["superseded"]) == (3, 1)
    assert (own["standardized"]["new_columns"], own["curated"]["records_in"]) == (1, 3)
    assert own["curated"]["rejected"] == 1
    assert untouched(mended, OTHER) == others
    drift = [row for row in mended.rows("ops.drift_log") if row["column_name"] == "new"]
    assert [row["change_type"] for row in drift] == ["COLUMN_ADDED"]

    cycle(mended, Event({"temperature": 3}, TOPIC, "m9"))
    assert mended.by_key(CURATED)["m9"]["temperature"] == 3.0
    for layer in ("standardized", "curated"):
        received, found = mended.balance(layer)
        assert received == found, layer
    assert not [line for line in mended.logged if line["message"] == "table moved"]


STEPS = [
    (unread, "make_shadow", 1, False),
    (unread, "make_shadow", 1, True),
    (TopicTable, "replace_rows_where", 1, True),
    (unread, "record_drift", 1, True),
    (unread, "advance_standardized", 1, False),
    (unread, "advance_standardized", 1, True),
    (ledger, "write", 1, False),
    (unread, "advance_curated", 1, False),
    (unread, "advance_curated", 1, True),
    (ledger, "write", 2, True),
    (Tables, "upsert", 1, True),
    (unread, "remove_topic_shadow", 1, False),
    (unread, "remove_topic_shadow", 1, True),
    (MemoryOperations, "apply", 1, False),
]


@pytest.mark.parametrize(("where", "name", "call", "after"), budget(each_run=STEPS[5:6], thorough=STEPS))
def test_a_replay_that_is_killed_and_resumed_ends_as_an_undisturbed_one(mended, where, name, call, after):
    operator = Operator(mended, now=LATER)
    operation = operator.begin("replay", TOPIC, planned(mended))
    with pytest.raises(Killed), killed_in(where, name, call, after):
        operator.run(operation)
    counts = operator.run(operation)
    assert (counts["parse_selected"], counts["parse_replayed"]) == (4, 3)
    check(mended)


def test_a_message_that_raw_has_dropped_stays_open(mended):
    mended.spark.sql(f"DELETE FROM {mended.name('raw.events')} WHERE message_id = 'b1'")
    counts = replay(Operator(mended, now=LATER))
    assert (counts["parse_gone"], counts["parse_replayed"]) == (1, 2)
    assert state(mended)[2]["b1"] == ""


def test_messages_of_a_topic_whose_name_collided_come_in_under_its_new_name(lake):
    """telemetry_climate and telemetry.climate would have one table. The first one came second, and its
    producer gave it another name."""
    name = "telemetry_climate"
    collided = Event({"temperature": 7}, name, "c1"), Event({"temperature": 8}, name, "c2")
    cycle(lake, *collided, Event({"temperature": 9}, OTHER, "m8"))
    refused = [row for row in lake.rows("ops.parse_errors") if row["topic_name"] == name]
    assert {row["error_code"] for row in refused} == {"TOPIC_COLLISION"}
    plan = planned(lake, name, rows=0, from_topic=name, schema_version=1)
    operator = Operator(lake, now=LATER)
    counts = operator.run(operator.begin("replay", OTHER, plan))
    assert (counts["parse_selected"], counts["parse_replayed"]) == (2, 2)
    assert {"c1", "c2"} <= set(lake.by_key("standardized.fleet_trucks"))
    assert {"c1", "c2"} <= set(lake.by_key("curated.fleet_trucks"))
    for layer in ("standardized", "curated"):
        received, found = lake.balance(layer, OTHER)
        assert received == found, layer

    # Neither a rewind nor a rebuild from RAW finds them under the new name, so they are open again.
    def left():
        rows = lake.rows("ops.parse_errors")
        return [row["message_id"] for row in rows if row["topic_name"] == name and row["resolved_at"] is None]

    assert left() == []
    cycles = sorted(row["cycle_id"] for row in lake.ledger("curated", OTHER) if row["status"] == "SUCCEEDED")
    operator.rewind(OTHER, cycles[0])
    assert sorted(left()) == ["c1", "c2"]


def test_a_rewind_behind_a_replay_opens_its_errors_again_and_an_undo_of_that_closes_them(mended):
    operator = Operator(mended, now=LATER)
    cycle(mended, Event({"temperature": 2}, TOPIC, "m2", key="later"), Event({"temperature": 9}, TOPIC, "m9"))
    replay(operator)
    cycles = sorted(row["cycle_id"] for row in mended.ledger("curated") if row["status"] == "SUCCEEDED")
    rewind = operator.rewind(TOPIC, cycles[0])
    found = state(mended)
    assert (set(found[0]), set(found[1])) == ({"m1", "later"}, {"m1", "later"})
    assert {row["message_id"] for row in mended.rows("ops.parse_errors") if row["resolved_at"] is None} >= {
        *("b1", "b2", "b3", "b4")
    }
    # What Standardized has of cycles that it takes again is entered anew with them.
    received, expected = mended.balance("curated")
    assert received == expected
    operator.undo(rewind)
    expected = [{**STATE[0], "m9": ("9", None)}, {**STATE[1], "m9": 9.0}, *STATE[2:]]
    assert list(state(mended)) == expected
    for layer in ("standardized", "curated"):
        came, went = mended.balance(layer)
        assert came == went, layer


def test_a_message_that_only_curated_has_lost_by_a_rewind_comes_again_with_another_replay(mended):
    operator = Operator(mended, now=LATER)
    cycle(mended, Event({"temperature": 2}, TOPIC, "m2", key="later"), Event({"temperature": 9}, TOPIC, "m9"))
    replay(operator)
    cycles = sorted(row["cycle_id"] for row in mended.ledger("curated") if row["status"] == "SUCCEEDED")
    operator.rewind(TOPIC, cycles[0], ("curated",))
    cycle(mended, Event({"temperature": 3}, TOPIC, "m10"))
    assert "b1" not in mended.by_key(CURATED)
    assert {row["message_id"] for row in mended.rows("ops.parse_errors") if row["resolved_at"] is None} >= {
        *("b1", "b2", "b3", "b4")
    }
    replay(operator, until="2090-01-03T00:00:00+00:00")
    assert mended.by_key(CURATED)["b1"]["temperature"] == 21.0
    assert state(mended)[2] == STATE[2]
    for layer in ("standardized", "curated"):
        came, went = mended.balance(layer)
        assert came == went, layer
