"""The ledger against the tables: a topic's counts must agree with what its table shows."""

from datetime import UTC, datetime

from lake import Event

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.run_outcome import RunOutcome

TOPIC = "telemetry.climate"
AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
SCHEMA = {"n": {"type": "integer", "x-cde": True}}


def entries(lake, layer, topic=TOPIC):
    return {row["cycle_id"]: (row["status"], row["error"]) for row in lake.ledger(layer, topic)}


def test_rows_that_somebody_deleted_between_two_cycles_are_reported_once(lake):
    lake.activate(TOPIC, 1, SCHEMA)

    def cycle(*ids):
        name = lake.next_cycle()
        outcome = lake.standardize(*(Event({"n": 1}, message_id=one) for one in ids), cycle_id=name)
        return name, {"standardized": outcome, "curated": lake.curate(name)}

    cycle("m1", "m2", "m3")
    for layer in ("standardized", "curated"):
        lake.spark.sql(f"DELETE FROM {lake.name(layer + '.telemetry_climate')} WHERE message_id = 'm2'")
    named, outcomes = cycle("m4")
    reason = (
        "LEDGER_UNBALANCED: the table has 3 rows and should have 4: it had 3, 1 came in, "
        "0 of them were no rows of their own"
    )
    for layer, outcome in outcomes.items():
        assert outcome.complete, "rows are written: nothing is left for the next cycle"
        assert outcome.unbalanced == {TOPIC: reason}
        assert outcome.trouble() == f"1 topic unbalanced: {TOPIC}: {reason}"
        assert entries(lake, layer)[named] == (ledger.UNBALANCED, reason)
    logged = [line for line in lake.logged if line["message"] == "ledger unbalanced"]
    assert [(line["layer"], line["reason"]) for line in logged] == [(layer, reason) for layer in outcomes]

    _, outcomes = cycle("m5")
    assert [outcome.trouble() for outcome in outcomes.values()] == [None, None]


def test_corrections_copies_compaction_and_refused_rows_keep_the_balance(lake):
    lake.activate(TOPIC, 1, SCHEMA)
    table = lake.name("standardized.telemetry_climate")
    for produced in range(2):
        outcomes = [
            lake.standardize(
                Event({"n": produced}, message_id=f"a{produced}", key="k", produced=produced),
                Event({"n": produced}, message_id=f"a{produced}", key="k", produced=produced, ingested=200),
                Event({"n": "no"}, message_id=f"b{produced}"),
                Event("no json", message_id=f"c{produced}"),
            ),
            lake.curate(),
        ]
        assert [outcome.trouble() for outcome in outcomes] == [None, None]
        lake.spark.sql(
            f"CALL glue_catalog.system.rewrite_data_files(table => '{table}', "
            "options => map('rewrite-all', 'true'))"
        )


def test_a_table_that_had_rows_before_the_first_cycle_starts_from_them(lake):
    lake.ensure([TOPIC])
    table = lake.name("standardized.telemetry_climate")
    empty = ", ".join("NULL" for _ in lake.spark.table(table).columns[2:])
    lake.spark.sql(f"INSERT INTO {table} VALUES ('old', 'old', {empty})")
    assert lake.standardize(Event(message_id="m1")).trouble() is None


def test_an_outcome_names_every_topic_that_is_in_trouble():
    outcome = RunOutcome()
    assert outcome.trouble() is None

    def enter(topic, **trouble):
        about = {"layer": "curated", "cycle_id": "c", "started_at": AT, "finished_at": AT}
        outcome.enter(ledger.Entry(topic=topic, **about, **trouble))

    enter("a.b", error="no table")
    enter("a.c", imbalance="one too many")
    enter("a.d")
    assert not outcome.complete
    assert outcome.trouble() == "1 topic failed: a.b: no table; 1 topic unbalanced: a.c: one too many"
    assert [entry.status for entry in outcome.entries] == ["FAILED", "UNBALANCED", "SUCCEEDED"]
