"""Topics that are held in Curated: left alone, noted, and taken on from their own checkpoint."""

from lake import Event

from lean_ops.curated import job as curated_job

HELD, OTHER = "telemetry.climate", "fleet.trucks"
FIELDS = {"n": {"type": "integer"}}


def test_a_held_topic_is_noted_and_taken_on_once_it_is_released(lake):
    for topic in (HELD, OTHER):
        lake.activate(topic, 1, FIELDS)
    lake.standardize(*(Event({"n": 1}, topic=topic, message_id="m1") for topic in (HELD, OTHER)))
    assert lake.curate().complete
    through = lake.checkpoints.stored["*", "curated"]["looked_through"]
    # Standardized has taken a cycle of it that Curated has not.
    lake.standardize(*(Event({"n": 2}, topic=topic, message_id="m2") for topic in (HELD, OTHER)))
    lake.hold(HELD)
    for message in ("m3", "m4"):
        lake.standardize(Event({"n": 3}, topic=OTHER, message_id=message))
        assert lake.curate().trouble() is None
        [note] = lake.checkpoints.stored["*", "curated"]["held"]
        assert (note["topic_name"], note["cycle_id"]) == (HELD, through)
    assert len(lake.rows("curated.telemetry_climate")) == 1
    assert len(lake.rows("curated.fleet_trucks")) == 4
    lake.release(HELD)
    # No event has come since.
    assert lake.standardize().trouble() is None
    assert lake.curate().trouble() is None
    assert len(lake.rows("curated.telemetry_climate")) == 2
    assert lake.balance("curated") == (2, 2)
    assert lake.checkpoints.stored["*", "curated"]["held"] == []


def test_a_topic_that_is_given_back_between_the_two_jobs_waits_for_the_next_cycle(lake):
    """Standardized saw the hold, and Curated does not any more."""
    lake.activate(HELD, 1, FIELDS)
    lake.standardize(Event({"n": 1}, message_id="m1"))
    assert lake.curate().complete
    lake.hold(HELD)
    one = lake.next_cycle()
    assert lake.standardize(Event({"n": 2}, message_id="m2"), cycle_id=one).trouble() is None
    lake.release(HELD)
    assert lake.curate(cycle_id=one).trouble() is None
    assert len(lake.rows("curated.telemetry_climate")) == 1
    assert lake.standardize().trouble() is None
    assert lake.curate().complete
    assert len(lake.rows("curated.telemetry_climate")) == 2
    assert lake.balance("curated") == (2, 2)


def test_a_hold_lets_nobody_read_old_cycles_again_but_the_topic_itself(lake, monkeypatch):
    for topic in (HELD, OTHER):
        lake.activate(topic, 1, FIELDS)
    lake.standardize(*(Event({"n": 1}, topic=topic, message_id="m1") for topic in (HELD, OTHER)))
    assert lake.curate().complete
    read, new_cycles = [], curated_job.new_cycles

    def seen(job, tables, unread):
        read.append((unread.after, dict(unread.earlier)))
        return new_cycles(job, tables, unread)

    monkeypatch.setattr(curated_job, "new_cycles", seen)
    through = []
    for n, (act, topics) in enumerate(
        [
            (None, [OTHER]),
            (lake.hold, [OTHER, HELD]),
            (None, [OTHER, HELD]),
            (lake.release, [OTHER]),
            (None, []),
        ]
    ):
        if act is not None:
            act(HELD)
        through.append(lake.checkpoints.stored["*", "curated"]["looked_through"])
        lake.standardize(*(Event({"n": n}, topic=topic, message_id=f"n{n}") for topic in topics))
        assert lake.curate().trouble() is None
    assert [after for after, _ in read] == through, "each run goes on from the last one"
    assert [earlier for _, earlier in read] == [{}, {}, {}, {HELD: through[1]}, {}]
    assert len(lake.rows("curated.telemetry_climate")) == 3
    assert len(set(lake.balance("curated"))) == 1


def test_a_topic_whose_schema_was_away_takes_what_it_missed(lake):
    for topic in (HELD, OTHER):
        lake.activate(topic, 1, FIELDS)
    both = [Event({"n": 1}, topic=topic, message_id="m1") for topic in (HELD, OTHER)]
    lake.standardize(*both)
    assert lake.curate().complete
    schema = lake.active_schemas.pop(HELD)
    for n in (2, 3):
        lake.standardize(*(Event({"n": n}, topic=topic, message_id=f"m{n}") for topic in (HELD, OTHER)))
        assert lake.curate().skipped == {HELD: "no active schema"}
    lake.active_schemas[HELD] = schema
    lake.standardize(Event({"n": 4}, topic=OTHER, message_id="m4"))
    assert lake.curate().complete
    assert set(lake.by_key("curated.telemetry_climate")) == {"m1", "m2", "m3"}
    assert len(lake.rows("curated.fleet_trucks")) == 4


def test_a_run_with_only_held_topics_leaves_everything_as_it_is(lake):
    lake.activate(HELD, 1, FIELDS)
    lake.standardize(Event({"n": 1}))
    assert lake.curate().complete
    before = dict(lake.checkpoints.stored)
    lake.hold(HELD)
    assert lake.curate().trouble() is None
    assert lake.checkpoints.stored == before
    assert "every topic with a schema is held" in [line["message"] for line in lake.logged]
