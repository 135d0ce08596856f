"""Random histories of topics: the events and their cycles, when a schema comes, and where runs are killed."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

from hypothesis import strategies as st
from lake import Event, Lake, MemoryCheckpoints

from lean_ops.bookkeeping import ledger
from lean_ops.columns import names
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

CYCLES = 3
FIELDS = {
    "n": {"type": "integer", "x-cde": True, "maximum": 5},
    "m": {"type": "string", "maxLength": 3},
    "when": {"type": "string", "format": "date-time"},
    "yes": {"type": "boolean"},
    "r": {"type": "number"},
}


class Killed(BaseException):
    """Stands for the end of the process, so no code may catch it."""


@dataclass(frozen=True)
class Kill:
    """The place where a run ends: the n-th call of one of POINTS, before or after it did its work."""

    point: int
    call: int
    after: bool


POINTS = (
    (TopicTable, "replace_where"),
    (Tables, "append"),
    (Tables, "add_columns"),
    (TopicTable, "commit"),
    (ledger, "write"),
    (MemoryCheckpoints, "put"),
)


@contextmanager
def killed_in(owner: object, method: str, call: int, after: bool) -> Iterator[None]:
    """Ends the run in the n-th call of a method or function, before or after it did its work."""
    original = getattr(owner, method)
    calls = []

    def until_killed(*arguments, **named):
        calls.append(method)
        if len(calls) == call and not after:
            raise Killed
        result = original(*arguments, **named)
        if len(calls) == call:
            raise Killed
        return result

    with patch.object(owner, method, until_killed):
        yield


@contextmanager
def killed_at(kill: Kill | None) -> Iterator[None]:
    if kill is None:
        yield
        return
    with killed_in(*POINTS[kill.point], kill.call, kill.after):
        yield


@dataclass(frozen=True)
class Move:
    """Somebody rolls a table back: before a cycle, of the n-th topic, to the n-th commit of those that it has
    then, or before all of them. Numbers beyond the last begin again."""

    cycle: int
    topic: int
    layer: str
    commit: int


@dataclass(frozen=True)
class History:
    """The history of one topic.

    sent: events with their cycles.
    schema_from: the cycle before which the topic gets its schema.
    """

    topic: str
    sent: Sequence[tuple[Event, int]]
    schema_from: int
    stable: bool
    copies: int

    @property
    def events(self) -> list[Event]:
        return [event for event, _ in self.sent]

    def of(self, cycle: int) -> list[Event]:
        """Returns the events of one cycle, of which the first come twice."""
        events = [event for event, place in self.sent if place == cycle]
        return [*events, *events[: self.copies]]


_members = st.fixed_dictionaries(
    {},
    optional={
        "n": st.sampled_from(
            ["1", "2", "9", '"5"', '"x"', "1.0", "null", "9223372036854775808", "-9007199254740993"]
        ),
        "m": st.sampled_from(
            ['"é"', '"\\u00fc😀"', '"long text"', "null", "1e400", "[1, 2.50]", "{}", "true"]
        ),
        "when": st.sampled_from(['"2026-11-23T10:00:00Z"', '"2026-11-24T01:00:00+02:00"', '"no"', "5"]),
        "yes": st.sampled_from(["true", '"false"', "1"]),
        "r": st.sampled_from(["1.5", "1e2", "-0", '"NaN"']),
        "o": st.sampled_from(['{"A": 1, "b": {"c": []}}', "{}", '{"A": 1, "a": 2.0}', "7"]),
        "New Column": st.sampled_from(['"x"', "null"]),
        "new_column": st.sampled_from(['"y"', "null"]),
        "N": st.sampled_from(["1", "7", '"x"']),
        "cycle_id": st.just('"mine"'),
        "_deleted": st.sampled_from(["true", '"no"']),
    },
)
_payloads = st.one_of(
    _members.map(
        lambda members: "{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}"
    ),
    st.sampled_from(["{'n': 1}", '{"n": NaN}', "", "[1, 2.50]", "5", "null"]),
    st.sampled_from(['"ON"', '""', '"null"', '"{\\"n\\": 1}"', '\ufeff{"n": 2}', '"[1, 2.50]"']),
)
_events = st.builds(
    Event,
    payload=_payloads,
    message_id=st.sampled_from(["m1", "m2", "m10", "é"]),
    key=st.sampled_from(["k1", "k2", "k3"]),
    produced=st.integers(0, 2),
    ingested=st.integers(100, 102),
    # One day, another, and none: a correction moves its row from one partition to another.
    event=st.sampled_from([None, 0, 90_000]),
)


WIDE = History(
    "law.wide",
    [
        (Event({"m": "a", "n": 1, "when": "no"}, message_id="m1", key="k1"), 0),
        (Event({"m": "long text", "n": 2, "o": {"A": 1}}, message_id="m2", key="k2"), 0),
        (Event({"m": "b", "n": "x"}, message_id="m3", key="k2", produced=1), 1),
        (Event({"m": "c", "n": 3}, message_id="m4", key="k3", produced=1), 1),
        (Event({"a": 1, "m": "d", "yes": True}, message_id="m5", key="k4"), 1),
        (Event({"m": "late", "n": 4}, message_id="m6", key="k3"), 2),
    ],
    schema_from=0,
    stable=False,
    copies=1,
)
"""A topic of which governed fields are past max_columns, and a record whose latest version is rejected."""


def histories(number: int) -> st.SearchStrategy[list[History]]:
    one = st.tuples(
        st.lists(st.tuples(_events, st.integers(0, CYCLES - 1)), min_size=1, max_size=10),
        st.integers(0, CYCLES),
        st.booleans(),
        st.integers(0, 2),
    )
    return st.lists(one, min_size=number, max_size=number).map(
        lambda drawn: [
            History(f"law.t{n}", [(at(event, f"law.t{n}"), cycle) for event, cycle in sent], *rest)
            for n, (sent, *rest) in enumerate(drawn)
        ]
    )


def is_simplest(played: Sequence[History]) -> bool:
    """Whether all topics have the same number of events, as in the example that Hypothesis draws first. It
    draws nothing else where other examples take more random bytes than it allows."""
    return len({len(one.sent) for one in played}) == 1


def at(event: Event, topic: str) -> Event:
    return Event(**{**vars(event), "topic": topic})


kills = st.one_of(
    st.none(),
    st.builds(Kill, st.integers(0, len(POINTS) - 1), st.integers(1, 12), st.booleans()),
)


moves = st.lists(
    st.builds(
        Move,
        st.integers(1, CYCLES),
        st.integers(0, 50),
        st.sampled_from(["standardized", "curated"]),
        st.integers(0, CYCLES),
    ),
    min_size=3,
    max_size=12,
)


CALM = [(None, None, False)] * CYCLES
"""A plan in which no run is killed."""


def play(
    lake: Lake,
    played: Sequence[History],
    plan: Sequence[tuple[Kill | None, Kill | None, bool]],
    forgotten: Sequence[int] = (0,) * (CYCLES + 1),
    moved: Sequence[Move] = (),
    holds: Mapping[str, int] | None = None,
    between: Callable[[int], None] = lambda _: None,
) -> int:
    """Sends the events and runs the cycles. Returns how many runs were killed.

    plan: for each cycle, where its two runs are killed, and whether they run again under the same name.
    forgotten: for each cycle and for the time after them, how many of the first cycles are gone from
    cycle_delta before it begins.
    moved: the tables that somebody rolls back meanwhile.
    holds: topic to the runs that begin while it is held, as the bits of a number: two runs a cycle. All
    topics are released at the end.
    between: what else is done before each cycle, and after the last one, by its number.
    """
    deaths = 0
    ran: list[str] = []
    bits = holds or {}
    for cycle, (standardized, curated, again) in enumerate(plan):
        _forget(lake, ran[: forgotten[cycle]])
        _move(lake, played, [one for one in moved if one.cycle == cycle])
        _hold(lake, bits, 2 * cycle)
        between(cycle)
        for history in played:
            _activate(lake, history, cycle)
        events = [event for history in played for event in history.of(cycle)]
        if events:
            lake.deliver(*events)
        name = lake.next_cycle()
        ran.append(name)
        for number, (run, kill) in enumerate(((lake.standardize, standardized), (lake.curate, curated))):
            _hold(lake, bits, 2 * cycle + number)
            try:
                with killed_at(kill):
                    run(cycle_id=name)
            except Killed:
                deaths += 1
                if again:
                    run(cycle_id=name)
    _forget(lake, ran[: forgotten[len(plan)]])
    _move(lake, played, [one for one in moved if one.cycle == len(plan)])
    _hold(lake, bits, 2 * len(plan))
    between(len(plan))
    for history in played:
        _activate(lake, history, len(plan))
    last = lake.next_cycle()
    assert lake.standardize(cycle_id=last).trouble() is None
    assert lake.curate(cycle_id=last).trouble() is None
    return deaths


def _hold(lake: Lake, holds: Mapping[str, int], run: int) -> None:
    """Holds the topics that are held in this run, and releases the others."""
    for topic, runs in holds.items():
        is_held = "hold" in lake.registered.get(topic, {})
        if runs >> run & 1 and not is_held:
            lake.hold(topic)
        elif not runs >> run & 1 and is_held:
            lake.release(topic)


def _activate(lake: Lake, history: History, cycle: int) -> None:
    """Puts the topic's schema in force when its cycle has come. For a held topic it waits for the release."""
    waits = history.topic in lake.active_schemas or "hold" in lake.registered.get(history.topic, {})
    if history.schema_from <= cycle and not waits:
        lake.activate(history.topic, 1, FIELDS, x_event_time_stable=history.stable)


def _forget(lake: Lake, cycles: Sequence[str]) -> None:
    if cycles:
        lake.forget(cycles)


def _move(lake: Lake, played: Sequence[History], moved: Sequence[Move]) -> None:
    for move in moved:
        topic = played[move.topic % len(played)].topic
        table = f"{move.layer}.{names.table_name(topic)}"
        if lake.spark.catalog.tableExists(lake.name(table)):
            lake.roll_back(table, move.commit % (lake.commits(table) + 1))


_RIVALS = re.compile('"(?:N|new_column)":|"A": 1, "a"')


def at_any_time(history: History) -> list[History]:
    """Returns the history once for each time at which its topic can get its schema, as topics of their own.

    Left out is what depends on cycles by itself. Which of two versions of different cycles wins that agree
    in all that tables keep is nowhere once cycle_delta has lost one. And a name past max_columns has no
    column to keep its path, so each cycle decides anew which of two paths has it.
    """

    def event_of(event: Event, cycle: int, topic: str) -> Event:
        return at(replace(event, ingested=event.ingested + 10 * cycle), topic)

    kept = [(event, place) for event, place in history.sent if not _RIVALS.search(event.text)]
    topics = {cycle: f"{history.topic}.from{cycle}" for cycle in range(CYCLES + 1)}
    return [
        replace(
            history,
            topic=topic,
            sent=[(event_of(event, place, topic), place) for event, place in kept],
            schema_from=cycle,
        )
        for cycle, topic in topics.items()
    ]
