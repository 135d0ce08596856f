"""A topic that an operation takes over while a run is under way: the run leaves it and says so, and does not
fail."""

import pytest
from budget import budget
from lake import Event

from lean_ops.tables.fence import EPOCH
from lean_ops.tables.spark_tables import Tables

TOPIC, OTHER = "telemetry.climate", "fleet.trucks"
TABLES = {"standardized": "telemetry_climate", "curated": "telemetry_climate"}


TASKS, SPARK = "in tasks", "by Spark"
COLUMN = {"site": "north"}


@pytest.fixture
def taken(request, lake):
    """A lake in which two topics have taken a cycle."""
    if request.param == SPARK:
        request.getfixturevalue("by_spark")
    for topic in (TOPIC, OTHER):
        lake.activate(topic, 1, {"temperature": {"type": "number"}})
    lake.standardize(*events("a"))
    lake.curate()
    return lake


def events(message_id, **more):
    return [Event({"temperature": 1, **more}, topic=topic, message_id=message_id) for topic in (TOPIC, OTHER)]


def fence(lake, layer):
    """Raises the table's epoch; the run has read the registry before, where the topic has none."""
    Tables(lake.spark, lake.prefix).raise_epoch(lake.name(f"{layer}.{TABLES[layer]}"), 1)


def end_operation(lake, layer):
    table = lake.name(f"{layer}.{TABLES[layer]}")
    lake.spark.sql(f"ALTER TABLE {table} UNSET TBLPROPERTIES ('{EPOCH}')")


def keys(lake, table):
    return sorted(lake.by_key(table))


def lines(lake):
    return [
        {name: line[name] for name in ("topic_name", "layer", "epoch", "writer_epoch", "of_cycle_id")}
        for line in lake.logged
        if line["message"] == "topic fenced"
    ]


@pytest.mark.parametrize(
    ("taken", "more"),
    budget(
        each_run=[(TASKS, COLUMN), (SPARK, {})],
        thorough=[(TASKS, COLUMN), (TASKS, {}), (SPARK, COLUMN), (SPARK, {})],
    ),
    indirect=["taken"],
)
def test_standardized_leaves_a_fenced_topic_and_takes_it_on_later(taken, more):
    lake = taken
    before = lake.checkpoints.stored["*", "raw"]["complete_through"]
    fence(lake, "standardized")
    outcome = lake.standardize(*events("b", **more))
    cycle = lake.ledger("standardized")[-1]["cycle_id"]
    assert (outcome.trouble(), outcome.failed, list(outcome.fenced)) == (None, {}, [TOPIC])
    assert keys(lake, "standardized.telemetry_climate") == ["a"]
    assert "site" not in lake.rows("standardized.telemetry_climate")[0]
    assert keys(lake, "standardized.fleet_trucks") == ["a", "b"]
    entry = lake.ledger("standardized")[-1]
    assert entry["status"] == "FENCED"
    assert entry["error"].startswith("FENCED: an operation has taken")
    assert lines(lake) == [
        {"topic_name": TOPIC, "layer": "standardized", "epoch": 1, "writer_epoch": 0, "of_cycle_id": cycle}
    ]
    item = lake.checkpoints.stored["*", "raw"]
    assert (item["complete_through"], item["behind"]) == (before, [])
    end_operation(lake, "standardized")
    assert lake.standardize().complete
    assert keys(lake, "standardized.telemetry_climate") == ["a", "b"]
    assert [row["status"] for row in lake.ledger("standardized")] == ["SUCCEEDED", "SUCCEEDED"]
    received, found = lake.balance("standardized")
    assert received == found == 2


@pytest.mark.parametrize("taken", budget(each_run=[TASKS], thorough=[TASKS, SPARK]), indirect=True)
def test_curated_leaves_a_fenced_topic_and_takes_it_on_later(taken):
    lake = taken
    lake.standardize(*events("b"))
    fence(lake, "curated")
    outcome = lake.curate()
    assert (outcome.trouble(), outcome.failed, list(outcome.fenced)) == (None, {}, [TOPIC])
    assert keys(lake, "curated.telemetry_climate") == ["a"]
    assert keys(lake, "curated.fleet_trucks") == ["a", "b"]
    assert [row["status"] for row in lake.ledger("curated")] == ["SUCCEEDED", "FENCED"]
    assert [(line["layer"], line["topic_name"]) for line in lines(lake)] == [("curated", TOPIC)]
    end_operation(lake, "curated")
    assert lake.curate().complete
    assert keys(lake, "curated.telemetry_climate") == ["a", "b"]
    received, found = lake.balance("curated")
    assert received == found == 2
