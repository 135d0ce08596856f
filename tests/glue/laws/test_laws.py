"""The law that the order of versions makes (docs/data-contracts.md): tables depend on the set of events, and
on nothing else. The real jobs play random histories, are killed and run again, and end as the model."""

from itertools import accumulate

import pytest
from budget import SEED, budget
from histories import CALM, CYCLES, WIDE, at_any_time, histories, is_simplest, kills, moves, play
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from lake import Event
from law_checks import check, check_schema_times
from rewound import Operator, rewinds

from lean_ops.payload.flatten_batches import KEPT_COLUMNS, flatten_events

PARTS = budget(each_run=1, thorough=5)
HISTORIES = budget(each_run=12, thorough=60)
"""How many histories an example has; a thorough run plays 300. Many share the runs of a cycle, as topics
do. Of still more, Hypothesis would draw none, as they take more random bytes than it allows."""

MOVED_HISTORIES = budget(each_run=4, thorough=30)
"""How many histories an example of tables that are rolled back has."""

plans = st.lists(st.tuples(kills, kills, st.booleans()), min_size=CYCLES, max_size=CYCLES)


SCHEMA_HISTORIES = budget(each_run=3, thorough=15)
"""How many histories an example of schemas that come at any time has; each is four topics."""

forgetting = st.lists(st.integers(1, CYCLES), min_size=CYCLES, max_size=CYCLES).map(
    lambda drawn: [0, *(min(cycle, gone) for cycle, gone in enumerate(accumulate(drawn, max), start=1))]
)
"""For each cycle and for the time after them, how many cycles cycle_delta has lost."""


# Nothing is shrunk: an example takes its time, and says which topic and key differ.
@pytest.mark.parametrize("part", range(PARTS))
def test_tables_are_those_of_the_set_of_events(new_lake, compacting, part):
    lakes = []

    @seed(SEED * 1000 + part)
    @settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(histories(HISTORIES), plans)
    def hold(played, plan):
        if not is_simplest(played):
            lakes.append(lake := new_lake())
            play(lake, played, plan)
            check(lake, played)

    hold()
    assert lakes, "Hypothesis drew nothing but the simplest example"


@pytest.mark.parametrize("part", range(PARTS))
def test_tables_that_somebody_rolls_back_end_as_if_nobody_had(new_lake, part):
    """Before any cycle, in either layer, also behind the first commit; and runs are killed as well."""
    lakes, told = [], []

    @seed(SEED * 1000 + part)
    @settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(histories(MOVED_HISTORIES), plans, moves)
    def hold(played, plan, moved):
        if not is_simplest(played):
            lakes.append(lake := new_lake())
            play(lake, played, plan, moved=moved)
            check(lake, played)
            told.extend(line for line in lake.logged if line["message"] == "table moved")

    hold()
    assert lakes, "Hypothesis drew nothing but the simplest example"
    assert told, "no table was behind its mirror"


@pytest.mark.parametrize("part", range(PARTS))
def test_topics_that_are_rewound_and_undone_end_as_if_nobody_had(new_lake, part):
    """Law L7: to any point that there is, both layers or Curated alone, undone at once, later or not at all;
    the operation is killed in its steps and resumed, and cycles are killed as well (L1)."""
    lakes, operators = [], []

    @seed(SEED * 1000 + part)
    @settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(histories(MOVED_HISTORIES), plans, rewinds)
    def hold(played, plan, drawn):
        if not is_simplest(played):
            lakes.append(lake := new_lake())
            operators.append(operator := Operator(lake))
            topics = [history.topic for history in played]
            play(lake, played, plan, between=lambda cycle: operator.play(topics, drawn, cycle))
            check(lake, played)
            told = [row for row in lake.rows("ops.drift_log") if row["change_type"] == "TABLE_ROLLED_BACK"]
            assert told == [], "the operations have told it"

    hold()
    assert lakes, "Hypothesis drew nothing but the simplest example"
    assert sum(operator.rewound for operator in operators) > 0, "no topic had a point behind it"


@pytest.mark.parametrize("part", range(PARTS))
def test_curated_does_not_depend_on_when_the_schema_came(new_lake, part):
    """Before, between or after the events, and after cycle_delta has lost its first cycles; with governed
    fields past max_columns."""
    lakes = []

    @seed(SEED * 1000 + part)
    @settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(histories(SCHEMA_HISTORIES), forgetting)
    def hold(drawn, forgotten):
        if not is_simplest(drawn):
            lakes.append(lake := new_lake())
            lake.max_columns = 1
            played = [one for history in (WIDE, *drawn) for one in at_any_time(history)]
            play(lake, played, CALM, forgotten)
            assert check_schema_times(lake, played, forgotten), "no value was past max_columns"

    hold()
    assert lakes, "Hypothesis drew nothing but the simplest example"


held_runs = st.lists(st.integers(0, 2 ** (2 * CYCLES) - 1), min_size=HISTORIES, max_size=HISTORIES)
"""For each topic the runs that begin while it is held; see histories.play."""


@pytest.mark.parametrize("part", range(PARTS))
def test_a_topic_that_was_held_ends_as_if_it_never_was(new_lake, part):
    """Whenever it is held and released among cycles that are killed, also before it is known."""
    lakes = []

    @seed(SEED * 1000 + part)
    @settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(histories(HISTORIES), plans, held_runs)
    def hold(played, plan, held):
        if not is_simplest(played):
            lakes.append(lake := new_lake())
            holds = {history.topic: runs for history, runs in zip(played, held, strict=True)}
            play(lake, played, plan, holds=holds)
            check(lake, played)
            for layer in ("raw", "curated"):
                assert lake.checkpoints.stored["*", layer]["held"] == []

    hold()
    assert lakes, "Hypothesis drew nothing but the simplest example"


def versions(spark, events):
    columns = [*KEPT_COLUMNS[:7], "payload"]
    types = ["timestamp_ntz" if name.endswith(("_at", "_time")) else "string" for name in columns]
    fields = ", ".join(f"{name} {kind}" for name, kind in zip(columns, types, strict=True))
    rows = [(*one.row()[:8], one.row()[9]) for one in events]
    return spark.createDataFrame(rows, fields + ", payload_sha256 string")


def test_flattening_on_executors_gives_one_row_for_each(job_session):
    events = [Event({"a": n}, message_id=f"m{n}") for n in range(1200)] + [Event("bad", message_id="x")]
    rows = flatten_events(versions(job_session, events), "c1", {}).collect()
    assert len(rows) == 1201
    assert {row["message_id"]: row["columns"] for row in rows} == {
        **{f"m{n}": {"$.a": str(n)} for n in range(1200)},
        "x": None,
    }
