"""How the steps of maintenance share its time and take their turns: laws over random runs, some of which have
hardly any time, and the examples at their borders."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lake import MemoryCheckpoints

from lean_ops.maintenance import pace
from lean_ops.maintenance.maintenance_run import MaintenanceRun, Table
from lean_ops.maintenance.pace import Pace, Turn
from lean_ops.maintenance.steps import PACES, take_steps

START = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
ALL = {f"raw.t{n:03}" for n in range(20)}


class Pool:
    """Takes tables one after the other, as a pool of one thread does."""

    def each(self, tasks, work, at_once=None):
        found = []
        for task in tasks:
            try:
                found.append((task, work(None, task)))
            except Exception as error:
                found.append((task, error))
        return found


class Clock:
    """What has elapsed. Each table takes a second."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def begin(labels, *, at=START, paces=None, seconds=1e9):
    """A run with so much time, whose tables are of RAW, and its log."""
    clock, logged = Clock(), []
    job = SimpleNamespace(elapsed=clock, log=lambda message, **fields: logged.append((message, fields)))
    tables = [Table(layer="raw", table=label.partition(".")[2], name=label) for label in labels]
    run = MaintenanceRun(
        job=job, tables=None, pool=Pool(), now=at, ends_at=seconds, all_tables=tables, paces=paces or {}
    )
    return run, clock, logged


def play(run, clock, step, *, seconds, at_most=None, failing=()):
    """Takes a step for all tables, and gives those that had their turn."""
    had = []

    def work(_, one):
        clock.seconds += 1
        had.append(one.label)
        if one.label in failing:
            raise RuntimeError("no")
        return {"size": 1}

    run.begin(step, clock() + seconds)
    run.by_turns("did it", run.all_tables, work, at_most=at_most)
    return had


def stored(run):
    """The paces after a run, as they come back from DynamoDB."""
    return pace.paces_of(pace.item_of(run.paces_after()))


@given(st.lists(st.tuples(st.integers(0, 25), st.sets(st.sampled_from(sorted(ALL)), max_size=5)), min_size=5))
def test_no_table_has_a_second_turn_before_each_other_had_one(runs):
    """seconds: how many tables a run has time for. gone: those that are held during it."""
    paces, turns = {}, dict.fromkeys(ALL, 0)
    for seconds, gone in runs:
        run, clock, _ = begin(ALL - gone, paces=paces)
        for label in play(run, clock, pace.EXPIRY, seconds=seconds):
            turns[label] += 1
        paces = stored(run)
    always = [turns[label] for label in ALL.difference(*(gone for _, gone in runs))]
    assert max(always, default=0) - min(always, default=0) <= 1


@given(
    st.lists(st.floats(0.01, 20), min_size=3, max_size=40),
    st.integers(1, 20),
)
def test_orphans_of_every_table_are_looked_for_in_each_week_however_often_it_runs(days, count):
    labels = sorted(ALL)[:count]
    paces, now, looked = {}, START, dict.fromkeys(labels, START)
    for gap in days:
        run, clock, _ = begin(labels, at=now, paces=paces)
        at_most = pace.due(len(labels), WEEK, paces.get(pace.ORPHANS, Pace()), now)
        for label in play(run, clock, pace.ORPHANS, seconds=99, at_most=at_most):
            looked[label] = now
        # A run at the latest possible moment is one gap late.
        assert all(now - one <= WEEK + timedelta(days=gap) for one in looked.values())
        paces = stored(run)
        now += timedelta(days=gap)


def test_a_weekly_run_looks_at_all_tables():
    first = pace.due(700, WEEK, Pace(), START)
    assert first == 100
    assert pace.due(700, WEEK, Pace(at=START), START + WEEK) == 700
    assert pace.due(700, WEEK, Pace(at=START, waiting=3), START + timedelta(days=1)) == 103


def test_tables_that_had_no_time_are_due_first_in_the_next_run():
    run, clock, _ = begin(ALL)
    assert play(run, clock, pace.ORPHANS, seconds=2, at_most=5) == ["raw.t000", "raw.t001"]
    assert run.waiting == {pace.ORPHANS: 3}
    later, clock, _ = begin(ALL, at=START + timedelta(days=1), paces=stored(run))
    due = pace.due(len(ALL), WEEK, later.paces[pace.ORPHANS], later.now)
    assert due == 6
    assert play(later, clock, pace.ORPHANS, seconds=99, at_most=due)[:3] == [
        "raw.t002",
        "raw.t003",
        "raw.t004",
    ]
    assert later.waiting == {}


def test_a_step_that_goes_on_takes_what_it_left_and_nothing_twice():
    run, clock, logged = begin(ALL)
    first = play(run, clock, pace.EXPIRY, seconds=12)
    again = play(run, clock, pace.EXPIRY, seconds=99)
    assert (len(first), len(again)) == (12, 8)
    assert {*first, *again} == ALL
    assert run.waiting == {}
    assert len(logged) == 20


def test_a_table_that_fails_has_had_its_turn():
    run, clock, _ = begin(ALL)
    play(run, clock, pace.EXPIRY, seconds=2, failing={"raw.t001"})
    assert "raw.t001: RuntimeError: no" in run.trouble()
    later, clock, _ = begin(ALL, paces=stored(run))
    assert play(later, clock, pace.EXPIRY, seconds=1) == ["raw.t002"]


parts = st.lists(st.floats(0, 1), min_size=len(pace.SHARES), max_size=len(pace.SHARES))


@given(parts)
def test_no_step_uses_up_the_time_of_a_later_one(used):
    """used: how much of its time each step needs."""
    at = 100.0
    for (step, share), part in zip(pace.SHARES.items(), used, strict=True):
        end = pace.end_of(step, at, 700.0)
        assert end - at >= 600.0 * share / 100 - 1e-6
        at += (end - at) * part
    assert end == pytest.approx(700.0)


def test_all_steps_to_come_lack_the_time_that_one_uses_beyond_its_share():
    begins, left = 400.0, 300.0
    to_come = list(pace.SHARES)[4:]
    ends = [begins]
    for step in to_come:
        ends.append(pace.end_of(step, ends[-1], 700.0))
    had = [end - begin for begin, end in itertools.pairwise(ends)]
    assert had == pytest.approx([left * pace.SHARES[step] / 45 for step in to_come])
    assert pace.end_of(pace.ORPHANS, 701.0, 700.0) == 701.0


def taken(seconds):
    """A run of all steps. seconds: what a table takes in each. Gives how many tables each has come to."""
    run, clock, _ = begin(ALL, seconds=600)
    came_to = Counter()

    def take(step):
        def work(_, one):
            clock.seconds += seconds[step]
            came_to[step] += 1

        return lambda: run.by_turns(step, run.all_tables, work)

    run.job.arguments = SimpleNamespace(cycle_id="c")
    run.job.checkpoints = MemoryCheckpoints()
    take_steps(run, {step: take(step) for step in pace.SHARES})
    assert run.job.checkpoints.stored["*", PACES]["steps"] == pace.item_of(run.paces_after())["steps"]
    return came_to


def test_every_step_comes_to_some_tables_in_a_run_that_is_too_short():
    assert min(taken(dict.fromkeys(pace.SHARES, 20)).values()) >= 2


def test_a_step_has_the_time_that_the_others_leave():
    came_to = taken({**dict.fromkeys(pace.SHARES, 0), pace.EXPIRY: 20})
    assert came_to == dict.fromkeys(pace.SHARES, len(ALL))


def test_a_run_goes_on_where_its_pace_cannot_be_stored():
    run, _, logged = begin(ALL, seconds=600)
    run.job.arguments = SimpleNamespace(cycle_id="c")
    run.job.checkpoints = MemoryCheckpoints()
    run.job.checkpoints.refused_topics.add("*")
    take_steps(run, {pace.EXPIRY: lambda: None})
    assert [message for message, _ in logged] == ["pace of maintenance not noted"]
    assert run.trouble() is None


def test_waiting_is_trouble_when_a_step_does_not_get_on_for_a_week():
    run, clock, _ = begin(ALL)
    play(run, clock, pace.RAW_FILES, seconds=1)
    paces = stored(run)
    for day in range(1, 9):
        run, clock, _ = begin(ALL, at=START + timedelta(days=day), paces=paces)
        run.begin(pace.RAW_FILES, clock())
        run.note(waiting=19 + day)
        assert (run.trouble() is not None) == (day >= 7)
        paces = stored(run)
    assert run.trouble() == (
        "maintenance does not keep up: days of RAW compacted has left 27 to the next run since 2026-11-01"
    )
    assert list(run.behind()) == [pace.RAW_FILES]


def after(turns):
    """The pace after a run a day."""
    known = Pace()
    for day, turn in enumerate(turns):
        known = pace.next_pace(known, turn, START + timedelta(days=day))
    return known


@pytest.mark.parametrize(
    "turns",
    [
        [Turn(done=9, waiting=400 - 9 * day) for day in range(12)],
        [Turn(done=700, waiting=500)] * 12,
        [Turn(done=1, waiting=1), Turn(done=1)] * 6,
    ],
    ids=["a backlog that becomes smaller", "turns over two days", "what waits a day now and then"],
)
def test_waiting_is_no_trouble_while_a_step_gets_on(turns):
    at = START + timedelta(days=len(turns) - 1)
    assert pace.behind({pace.EXPIRY: after(turns)}, at) == {}


def test_a_step_that_did_not_run_keeps_its_pace():
    known = {pace.ORPHANS: Pace(at=START, after="raw.t003", waiting=2, since=START, left=2, fewest=2)}
    run, _, _ = begin(ALL, at=START + timedelta(days=1), paces=known)
    assert stored(run) == known


def test_what_another_version_has_stored_is_passed_over():
    assert pace.paces_of(None) == pace.paces_of({"steps": {"other": {"at": 1}}}) == {}
    assert pace.paces_of({"steps": {pace.EXPIRY: {"after": "a", "new": 1}}}) == {pace.EXPIRY: Pace(after="a")}
