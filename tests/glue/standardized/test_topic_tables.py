"""That a table was made is on record once, however it came to be, and historical_catch_up finds nothing."""

import json
from pathlib import Path

import pytest
from adopted import Adopted
from lake import Event

from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.catch_up.report import summary
from lean_ops.columns import names
from lean_ops.tables.spark_tables import Tables

TOPIC = "telemetry.climate"
SCHEMA = {"device": {"type": "string"}}
VECTORS = json.loads((Path(__file__).parents[2] / "conformance" / "drift_ids.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["topic"])
def test_a_table_has_the_id_that_schema_validator_gives_it(vector):
    drift = Drift(
        topic=vector["topic"],
        layer=vector["layer"],
        change_type=vector["change_type"],
        column_name=None,
        cycle_id="a cycle",
    )
    assert drift.drift_id == vector["drift_id"]


def upload(lake, topic=TOPIC):
    """Puts a topic's first schema in force and on record, as schema-validator does."""
    lake.activate(topic, 1, SCHEMA)
    key = f"schemas/{topic}/active/schema.json"
    lake.registered[topic] |= {"schema_etag": f"etag-of-{topic}", "schema_key": key}
    known = {row["drift_id"] for row in lake.rows("ops.drift_log")}
    [row] = [one["drift_id"] for one in VECTORS if one["topic"] == topic]
    listed = ", ".join(f"{name} string" for name in SCHEMA)
    for layer, drift_id, value in (("curated", "c" * 64, f"'{listed}'"), ("standardized", row, "NULL")):
        if drift_id not in known:
            lake.spark.sql(
                f"INSERT INTO {lake.name('ops.drift_log')} VALUES ('{drift_id}', '{topic}', '{layer}', "
                f"'TABLE_CREATED', NULL, NULL, {value}, 'schema', 1, NULL, "
                "TIMESTAMP_NTZ '2026-11-23 10:00:00')"
            )


def events(lake):
    lake.standardize(Event({"device": "a"}, message_id=f"m{lake.cycles}"))
    lake.curate()


def broken(lake):
    lake.standardize(Event("{", message_id=f"b{lake.cycles}"))


@pytest.mark.parametrize(
    "history",
    [
        [upload],
        [upload, events],
        [events, upload, events],
        [events, events, upload],
        [broken],
        [broken, events, upload],
        [upload, broken, events],
    ],
    ids=lambda steps: " ".join(step.__name__ for step in steps),
)
def test_a_lake_of_this_version_is_in_line(lake, history):
    for step in history:
        step(lake)
    adopted = Adopted(lake)
    made = [row[0] for row in adopted.drift(TOPIC) if row[1] == "TABLE_CREATED"]
    assert made == (["curated", "standardized"] if upload in history else ["standardized"])
    outcome = adopted.run(dry_run=True)
    assert (outcome.left, outcome.failed) == ({}, {})
    counts = "1 topics: 0 to bring in line by 0 rows of drift_log, 1 in line already, 0 failed."
    assert counts in summary(outcome), summary(outcome)


@pytest.mark.parametrize("payload", [{"device": "a"}, "{"], ids=["rows", "no row"])
def test_a_run_that_was_killed_right_after_a_table_was_made_loses_nothing(lake, monkeypatch, payload):
    class KilledError(BaseException):
        pass

    def die(*_):
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Tables, "append_new", die)
        with pytest.raises(KilledError):
            lake.standardize(Event(payload))
    assert names.table_name(TOPIC) in Tables(lake.spark, lake.prefix).listed("standardized")
    assert lake.rows("ops.drift_log") == []
    lake.standardize()
    made = [row for row in lake.rows("ops.drift_log") if row["change_type"] == "TABLE_CREATED"]
    assert [(row["layer"], row["source"]) for row in made] == [("standardized", "payload")]
