"""Errors on record are judged once more, by a schema that was mended, and come into Curated."""

from datetime import UTC, datetime

import pytest
from budget import budget
from histories import Killed, killed_in
from lake import Event
from law_checks import untouched
from maintained import MemoryOperations
from operated import operate
from rewound import Operator
from saved_lake import SavedLake

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.operation import OperationError
from lean_ops.replay.curated import CuratedReplay
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

TOPIC, OTHER = "telemetry.climate", "fleet.trucks"
CURATED = "curated.telemetry_climate"
UNTIL, LATER = "2090-01-01T00:00:00+00:00", datetime(2090, 1, 2, tzinfo=UTC)
LEVEL = {"type": "integer", "maximum": 3}
NARROW = {
    "temperature": {"type": "number", "x-cde": True, "maximum": 60},
    "phase": {"type": "integer", "maximum": 3},
    "level": LEVEL,
}
WIDE = {
    "temperature": {"type": "number", "x-cde": True, "maximum": 90},
    "phase": {"type": "integer", "maximum": 9},
    "level": LEVEL,
}


def event(key, temperature, produced, message_id=None, topic=TOPIC, **more):
    return Event(
        {"temperature": temperature, **more},
        topic,
        message_id or f"{key}-{produced}",
        key=key,
        produced=produced,
    )


def cycle(lake, *events):
    assert lake.standardize(*events).trouble() is None
    assert lake.curate().trouble() is None


EVENTS = (
    event("valid", 20, 1),
    event("hot", 70, 1),
    event("twice", 70, 1),
    event("twice", 75, 2),
    event("later", 20, 1),
    event("later", 70, 2),
    event("older", 70, 1),
    event("older", 20, 2),
    event("phase", 20, 1, phase=7),
    event("phase-older", 20, 1, phase=7),
    event("phase-older", 20, 2, phase=1),
    event("never", 700, 1),
    event("never-older", 700, 1),
    event("never-older", 20, 2),
    event("both", 70, 1, phase=12),
    event("half", 20, 1, phase=7, level=7),
    event("hot", 70, 1, topic=OTHER),
)


@pytest.fixture(scope="module")
def saved(new_lake, tmp_path_factory):
    lake = new_lake()
    for topic in (TOPIC, OTHER):
        lake.activate(topic, 1, NARROW)
    for n in (1, 2):
        cycle(lake, *(one for one in EVENTS if one.produced == n))
    return SavedLake(lake, tmp_path_factory.mktemp("saved"))


@pytest.fixture
def lake(saved):
    return saved.restored()


def planned(lake, version=2, **plan):
    rows = [
        row for row in lake.rows("ops.errors") if row["topic_name"] == TOPIC and row["resolved_at"] is None
    ]
    newest = {}
    for row in rows:
        key = row["message_id"], row["idempotency_key"]
        newest[key] = max(row["schema_version"], newest.get(key, 0))
    count = sum(row["schema_version"] == newest[row["message_id"], row["idempotency_key"]] for row in rows)
    return {"until": UNTIL, "rows": count, "parse_rows": 0, "schema_version": version, **plan}


def replay(operator, **plan):
    operation = operator.begin("replay", TOPIC, {**planned(operator.lake), **plan})
    return operator.run(operation)


def values(lake):
    return {key: (row["temperature"], row["phase"]) for key, row in lake.by_key(CURATED).items()}


def errors(lake, topic=TOPIC):
    """Message to version of the schema, disposition and resolution, without the operation, of each error."""
    found = {}
    for row in lake.rows("ops.errors"):
        if row["topic_name"] == topic:
            closed = None if row["resolved_at"] is None else row["resolution"].partition(":")[0]
            found[row["message_id"], row["schema_version"]] = row["disposition"], closed
    return found


def open_errors(lake):
    return {key: one[0] for key, one in errors(lake).items() if one[1] is None}


def balances(lake):
    received, found = lake.balance("curated")
    assert received == found


def test_a_rejected_message_comes_in_as_noted(lake):
    """It stands with its values beside one that was noted before, which has nothing to gain."""
    branches = [{"required": ["level"]}, {"required": ["phase"]}]
    lake.activate(TOPIC, 2, WIDE, oneOf=branches)
    cycle(lake, event("noted", 20, 1), event("noted-older", 20, 1), event("noted-older", 20, 2, level=1))
    operator = Operator(lake, now=LATER)
    replay(operator)
    found = errors(lake)
    assert found["hot-1", 1] == ("rejected", "REPLAYED")
    assert found["hot-1", 2] == ("noted", None)
    assert found["phase-1", 1] == ("nulled", "REPLAYED")
    assert found["noted-1", 2] == ("noted", None)
    assert values(lake)["hot"] == (70.0, None)
    balances(lake)


def test_what_a_mended_schema_takes_comes_in_and_is_closed_and_what_it_does_not_is_told_anew(lake):
    others = untouched(lake, OTHER)
    lake.activate(TOPIC, 2, WIDE)
    operator = Operator(lake, now=LATER)
    counts = replay(operator)
    assert values(lake) == {
        "valid": (20.0, None),
        "hot": (70.0, None),
        "twice": (75.0, None),
        "later": (70.0, None),
        "older": (20.0, None),
        "phase": (20.0, 7),
        "phase-older": (20.0, 1),
        "never-older": (20.0, None),
        "both": (70.0, None),
        "half": (20.0, 7),
    }
    assert errors(lake) == {
        ("hot-1", 1): ("rejected", "REPLAYED"),
        ("twice-1", 1): ("rejected", "SUPERSEDED"),
        ("twice-2", 1): ("rejected", "REPLAYED"),
        ("later-2", 1): ("rejected", "REPLAYED"),
        ("older-1", 1): ("rejected", "SUPERSEDED"),
        ("phase-1", 1): ("nulled", "REPLAYED"),
        ("phase-older-1", 1): ("nulled", "SUPERSEDED"),
        ("never-1", 1): ("rejected", "REJUDGED"),
        ("never-1", 2): ("rejected", None),
        ("never-older-1", 1): ("rejected", "SUPERSEDED"),
        ("both-1", 1): ("rejected", "REPLAYED"),
        ("both-1", 2): ("nulled", None),
        ("half-1", 1): ("nulled", "REJUDGED"),
        ("half-1", 2): ("nulled", None),
    }
    expected = {"selected": 11, "replayed": 5, "superseded": 4, "rejudged": 2, "failing": 0, "gone": 0}
    assert {name: counts[name] for name in expected} == expected
    balances(lake)
    own = next(row for row in lake.ledger("curated") if row["status"] == "REPLAYED")
    # hot, later and both came in, twice came in once and lost once, and later's older row lost.
    assert (own["replayed"], own["superseded"], own["written"]) == (5, 2, 6)
    assert untouched(lake, OTHER) == others

    # A second replay changes nothing.
    before = lake.rows(CURATED), errors(lake)
    counts = replay(operator, until="2090-01-03T00:00:00+00:00")
    assert (counts["selected"], counts["replayed"], counts["failing"]) == (3, 0, 3)
    assert (lake.rows(CURATED), errors(lake)) == before

    cycle(lake, event("new", 1, 9))
    assert values(lake)["new"] == (1.0, None)
    assert not [line for line in lake.logged if line["message"] == "table moved"]
    balances(lake)


STEPS = [
    (TopicTable, "upsert_rows", 1, False),
    (TopicTable, "upsert_rows", 1, True),
    (ledger, "write", 1, False),
    (ledger, "write", 1, True),
    (Tables, "change", 1, False),
    (Tables, "change", 1, True),
    (Tables, "upsert", 1, True),
    (CuratedReplay, "_close", 1, True),
    (MemoryOperations, "apply", 1, False),
]


@pytest.mark.parametrize(("where", "name", "call", "after"), budget(each_run=STEPS[1:2], thorough=STEPS))
def test_a_replay_that_is_killed_and_resumed_ends_as_an_undisturbed_one(saved, where, name, call, after):
    whole = saved.restored()
    whole.activate(TOPIC, 2, WIDE)
    replay(Operator(whole, now=LATER))
    expected = lake_state(whole)
    lake = saved.restored()
    lake.activate(TOPIC, 2, WIDE)
    operator = Operator(lake, now=LATER)
    operation = operator.begin("replay", TOPIC, planned(lake))
    with pytest.raises(Killed), killed_in(where, name, call, after):
        operator.run(operation)
    operator.run(operation)
    assert lake_state(lake) == expected
    balances(lake)


def lake_state(lake):
    return values(lake), errors(lake), [row["replayed"] for row in lake.ledger("curated")]


def test_only_what_the_plan_names_is_replayed(lake):
    lake.activate(TOPIC, 2, WIDE)
    operator = Operator(lake, now=LATER)
    causes = [{"layer": "curated", "signature": "phase maximum"}]
    counts = replay(operator, causes=causes, rows=2)
    assert counts["selected"] == 2
    assert values(lake)["phase"] == (20.0, 7)
    assert "hot" not in values(lake)
    one = next(
        row for row in lake.rows("ops.errors") if row["message_id"] == "hot-1" and row["topic_name"] == TOPIC
    )
    replay(operator, error_ids=[one["error_id"]], rows=1)
    assert values(lake)["hot"] == (70.0, None)
    assert "twice" not in values(lake)
    replay(operator, causes=[{"layer": "curated", "signature": "temperature maximum"}], since=UNTIL, rows=0)
    assert "twice" not in values(lake)


def test_a_plan_that_is_stale_changes_nothing_and_a_record_that_is_gone_stays_open(lake):
    lake.activate(TOPIC, 2, WIDE)
    operator = Operator(lake, now=LATER)
    before = lake.rows(CURATED), lake.rows("ops.errors")
    for plan, why in (({"rows": 3}, "3 open rows"), ({"schema_version": 1}, "version 1")):
        with pytest.raises(OperationError, match=f"PLAN_STALE: .*{why}"):
            replay(operator, **plan)
    assert (lake.rows(CURATED), lake.rows("ops.errors")) == before

    # A record that nobody can read stays open, and is counted.
    lake.spark.sql(f"UPDATE {lake.name('ops.errors')} SET record = NULL WHERE message_id = 'hot-1'")
    assert replay(operator)["gone"] == 1
    assert errors(lake)["hot-1", 1] == ("rejected", None)


def test_what_a_backfill_has_validated_again_is_closed_by_its_newest_verdict(lake):
    """A version with x-backfill has put some messages on record anew, and taken others, whose rows stayed
    open."""
    lake.activate(TOPIC, 2, {**WIDE, "temperature": {**WIDE["temperature"], "maximum": 72}}, x_backfill=True)
    cycle(lake)
    assert values(lake)["hot"] == (70.0, None)
    assert open_errors(lake)["hot-1", 1] == "rejected"
    lake.activate(TOPIC, 3, WIDE)
    counts = replay(Operator(lake, now=LATER), schema_version=3)
    assert counts["failing"] == 0
    left = open_errors(lake)
    assert set(left) == {("never-1", 3), ("both-1", 3), ("half-1", 3)}
    assert values(lake)["twice"] == (75.0, None)
    balances(lake)


def test_a_rewind_behind_a_replay_opens_its_errors_again_and_an_undo_of_that_closes_them(lake):
    lake.activate(TOPIC, 2, WIDE)
    operator = Operator(lake, now=LATER)
    was_open = open_errors(lake)
    replay(operator)
    after, closed = values(lake), errors(lake)
    cycles = sorted(row["cycle_id"] for row in lake.ledger("curated") if row["status"] == "SUCCEEDED")
    cycle(lake, event("new", 1, 9))
    rewind = operator.rewind(TOPIC, cycles[-2], ("curated",))
    assert set(values(lake)) == {"valid", "later", "phase", "phase-older", "half"}
    assert open_errors(lake).keys() >= was_open.keys()
    balances(lake)
    operator.undo(rewind)
    assert values(lake) == after | {"new": (1.0, None)}
    assert errors(lake) == closed
    balances(lake)


def test_a_cycle_that_runs_again_after_a_replay_keeps_its_counts(lake):
    """It failed for another topic, and meanwhile the schema was mended, the errors were replayed, and it was
    mended once more."""
    lake.activate(TOPIC, 2, WIDE)
    replay(Operator(lake, now=LATER))
    last = lake.ledger("curated")[-2]
    assert (last["status"], last["records_in"] > 0) == ("SUCCEEDED", True)
    lake.activate(TOPIC, 3, {**WIDE, "more": {"type": "string"}})
    assert lake.curate(cycle_id=last["cycle_id"]).trouble() is None
    again = next(row for row in lake.ledger("curated") if row["cycle_id"] == last["cycle_id"])
    assert again["records_in"] == last["records_in"]
    balances(lake)


def test_a_replay_that_is_cancelled_behind_its_commit_is_on_record_and_the_next_one_closes_the_rest(lake):
    lake.activate(TOPIC, 2, WIDE)
    operator = Operator(lake, now=LATER)
    operation = operator.begin("replay", TOPIC, planned(lake))
    with pytest.raises(Killed), killed_in(TopicTable, "upsert_rows", 1, True):
        operator.run(operation)
    operator.operations.items[operation].update(state="CANCELLED", step="ENDED")
    operate(lake, operator.operations, operation, at=LATER)
    lake.release(TOPIC)
    balances(lake)
    assert open_errors(lake)["hot-1", 1] == "rejected"
    replay(operator)
    assert set(open_errors(lake)) == {("never-1", 2), ("both-1", 2), ("half-1", 2)}
    balances(lake)


def test_the_cycle_of_a_run_that_was_killed_is_entered_before_a_replay_commits_upon_it(lake):
    lake.standardize(event("new", 1, 9))
    with pytest.raises(Killed), killed_in(ledger, "write", 1, False):
        lake.curate()
    lake.activate(TOPIC, 2, WIDE)
    replay(Operator(lake, now=LATER))
    assert values(lake)["new"] == (1.0, None)
    balances(lake)
    cycle(lake)
    balances(lake)
