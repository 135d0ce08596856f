"""Where a run of Curated begins: at its topics' checkpoints, after a kill, and where a backfill stopped."""

from collections import Counter

import pytest
from histories import Killed
from lake import Event
from readings import SCHEMA, TABLE, TOPIC, reading

from lean_ops.curated import advance_by_spark, planning
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable


def test_a_quiet_topic_does_not_have_old_cycles_read_again_and_none_is_passed_over(lake, monkeypatch):
    read_after, topic_cycles = [], planning.topic_cycles

    def noted(tables, after, limits, earlier):
        read_after.append(after and min(after, *earlier.values()) if earlier else after)
        return topic_cycles(tables, after, limits, earlier)

    monkeypatch.setattr(planning, "topic_cycles", noted)

    def run(*events):
        lake.standardize(*events)
        outcome = lake.curate()
        return outcome.complete

    def cycle(number):
        return f"20261123T{number:06d}Z-0a1b2c3d"

    fields = {"n": {"type": "integer"}}
    lake.activate(TOPIC, 1, fields)
    lake.activate("fleet.quiet", 1, fields)
    quiet = Event({"n": 0}, topic="fleet.quiet", message_id="q")
    assert run(Event({"n": 1}, message_id="m1"), quiet)
    for n in (2, 3):
        assert run(Event({"n": n}, message_id=f"m{n}"))
    # Each run has a cycle of its own here. Standardized's have odd numbers.
    assert read_after == [None, cycle(1), cycle(3)]

    # A table that people rolled back goes on from where it is now.
    table = lake.name(TABLE)
    first = lake.spark.sql(f"SELECT snapshot_id FROM {table}.snapshots ORDER BY committed_at").collect()[0][0]
    place = table.removeprefix("glue_catalog.")
    lake.spark.sql(f"CALL glue_catalog.system.rollback_to_snapshot('{place}', {first})")
    assert len(lake.rows(TABLE)) == 1
    assert run()
    assert set(lake.by_key(TABLE)) == {"m1", "m2", "m3"}
    assert read_after[-1] == cycle(1)

    # A topic that fails holds up the watermark and loses nothing. A topic that comes later gets everything.
    lake.spark.sql(f"ALTER TABLE {table} DROP COLUMN n")
    assert not run(Event({"n": 4}, message_id="m4"))
    lake.activate("fleet.late", 1, fields)
    assert not run(Event({"n": 5}, message_id="m5"), Event({"n": 5}, topic="fleet.late", message_id="l"))
    lake.spark.sql(f"ALTER TABLE {table} ADD COLUMN n BIGINT")
    assert run(quiet)
    assert set(lake.by_key(TABLE)) == {f"m{n}" for n in range(1, 6)}
    assert [row["n"] for row in lake.rows("curated.fleet_late")] == [5]
    assert read_after[-1] < cycle(9), "the cycles of the run that failed"
    assert run()
    assert read_after[-1] == cycle(13)


def test_a_checkpoint_that_cannot_be_mirrored_fails_its_topic_and_is_put_by_the_next_run(lake):
    lake.activate(TOPIC, 1, SCHEMA)
    lake.standardize(Event(reading(), message_id="a"))
    lake.checkpoints.refused_topics = {TOPIC}
    assert "checkpoint not mirrored" in lake.curate().failed[TOPIC]
    assert lake.checkpoints.stored["*", "curated"]["status"] == "incomplete"
    unchanged = lake.rows(TABLE), lake.ledger("curated")
    assert [len(rows) for rows in unchanged] == [1, 1]

    lake.checkpoints.refused_topics.clear()
    assert lake.curate().complete
    assert lake.checkpoints.stored[TOPIC, "curated"]["cycle_id"] == unchanged[1][0]["cycle_id"]
    assert (lake.rows(TABLE), lake.ledger("curated")) == unchanged


def test_a_run_that_is_killed_after_each_write_is_finished_by_the_next(lake, monkeypatch):
    lake.activate(TOPIC, 1, SCHEMA)
    lake.standardize(
        Event(reading(temperature=1), message_id="a", key="k"), Event(reading(device=""), message_id="b")
    )
    lake.curate()
    lake.standardize(
        Event(reading(temperature=2), message_id="c", key="k", produced=1),
        Event(reading(device=""), message_id="b"),
        Event(reading(device="", x=1), message_id="d"),
        Event(reading(), message_id="e"),
    )
    # The first kill comes after the errors are written, the second after the rows with their checkpoint.
    for owner, method in ((Tables, "append"), (TopicTable, "commit")):
        original = getattr(owner, method)

        def then_killed(*arguments, original=original, **named):
            original(*arguments, **named)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(owner, method, then_killed)
            with pytest.raises(Killed):
                lake.curate()
    lake.curate()
    rows = lake.by_key(TABLE)
    assert set(rows) == {"k", "e"}
    assert str(rows["k"]["temperature"]) == "2.00"
    assert sorted(row["message_id"] for row in lake.rows("ops.errors")) == ["b", "d"]
    assert lake.balance("curated") == (6, 6)
    totals = [
        sum(row[name] for row in lake.ledger("curated")) for name in ("rejected", "duplicates", "superseded")
    ]
    assert totals == [2, 1, 1]


def test_a_long_backfill_without_new_rows_is_one_entry_of_all_its_batches(lake, by_spark, monkeypatch):
    monkeypatch.setattr(advance_by_spark, "MAX_ROWS", 2)
    for n in range(3):
        lake.standardize(
            Event({"n": n}, message_id=f"m{n}"),
            Event({"n": "x"}, message_id=f"x{n}"),
            Event({"n": n}, message_id=f"m{n}"),
        )
    # The rows are so old that cycle_delta has nothing of them any more.
    lake.spark.sql(f"DELETE FROM {lake.name('ops.cycle_delta')} WHERE TRUE")
    fields = {"n": {"type": "integer", "x-cde": True}}
    lake.activate(TOPIC, 1, fields)
    assert lake.curate().trouble() is None
    lake.activate(TOPIC, 2, fields | {"m": {"type": "integer"}}, x_backfill=True)
    assert lake.curate().trouble() is None
    counts = ("status", "records_in", "written", "rejected", "duplicates")
    assert [tuple(row[name] for name in counts) for row in lake.ledger("curated")] == [
        ("SUCCEEDED", 6, 3, 3, 0),
        ("SUCCEEDED", 6, 3, 3, 3),
    ]
    assert lake.balance("curated") == (12, 12)


def test_a_long_backfill_that_is_killed_after_each_batch_goes_on_with_the_next(lake, by_spark, monkeypatch):
    fields = {"n": {"type": "integer", "x-cde": True}}
    lake.activate(TOPIC, 1, fields)
    for n in range(3):
        lake.standardize(
            Event({"n": n, "m": str(n)}, message_id=f"m{n}"), Event({"n": "x"}, message_id=f"x{n}")
        )
    lake.curate()
    lake.activate(TOPIC, 2, fields | {"m": {"type": "integer"}}, x_backfill=True)
    monkeypatch.setattr(advance_by_spark, "MAX_ROWS", 2)
    upsert, batches = TopicTable.upsert_rows, []

    def then_killed(self, rows, *arguments):
        batches.append(sorted(row["message_id"] for row in rows.select("message_id").collect()))
        upsert(self, rows, *arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(TopicTable, "upsert_rows", then_killed)
        for _ in range(3):
            with pytest.raises(Killed):
                lake.curate()
            done = {key for key, row in lake.by_key(TABLE).items() if row["m"] is not None}
            assert done == {key for batch in batches for key in batch}
    assert batches == [["m0"], ["m1"], ["m2"]]
    assert lake.curate().complete
    assert {(row["m"], row["schema_version"]) for row in lake.rows(TABLE)} == {(0, 2), (1, 2), (2, 2)}
    assert lake.checkpoints.stored[TOPIC, "curated"]["schema_version"] == 2
    assert Counter(row["schema_version"] for row in lake.rows("ops.errors")) == {1: 3, 2: 3}
    assert lake.balance("curated") == (12, 12)
