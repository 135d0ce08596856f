"""The ledger against the tables: a topic's counts must agree with what its table shows."""

from datetime import UTC, datetime

from lake import Event, out_of_reach

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.run_outcome import RunOutcome
from lean_ops.tables.spark_tables import Tables

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


def test_no_more_of_the_ledger_is_read_than_the_cycles_that_are_written(lake):
    tables = Tables(lake.spark, lake.prefix)
    topics = ("a.b", "a.c")

    def write(layer, cycle, error=None, only=topics):
        about = {"layer": layer, "cycle_id": cycle, "started_at": AT, "finished_at": AT}
        ledger.write(tables, [ledger.Entry(topic=topic, error=error, **about) for topic in only])

    def cycle_id(n):
        return f"20261123T10{n:02}00Z-0a1b2c3d"

    for n in range(3):
        for layer in ("standardized", "curated"):
            # Not even the other layer's entries of the same cycle.
            with out_of_reach(lake.data_files("ops.ledger")):
                write(layer, cycle_id(n), error="no table" if n == 1 else None)
    assert len(lake.data_files("ops.ledger")) == 6

    # A topic that was left behind takes its cycle later, beside the new one.
    with_error = {
        row["file_path"]
        for row in lake.spark.table(f"{lake.name('ops.ledger')}.files").collect()
        if row["readable_metrics"]["cycle_id"]["lower_bound"] != cycle_id(1)[:16]
        or row["readable_metrics"]["layer"]["lower_bound"] != "curated"
    }
    assert len(with_error) == 5
    with out_of_reach(with_error):
        write("curated", cycle_id(1), only=("a.b",))

    rows = {
        (row["topic_name"], row["layer"], row["cycle_id"]): row["status"]
        for row in lake.spark.table(lake.name("ops.ledger")).collect()
    }
    expected = {
        (topic, layer, cycle_id(n)): ledger.FAILED if n == 1 else ledger.DONE
        for topic in topics
        for layer in ("standardized", "curated")
        for n in range(3)
    }
    assert rows == {**expected, ("a.b", "curated", cycle_id(1)): ledger.DONE}
    assert lake.spark.table(lake.name("ops.ledger")).count() == len(rows)
