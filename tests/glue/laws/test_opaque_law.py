"""L11: what Curated holds of objects that are kept as sent does not depend on when the schema came, once the
tables were rebuilt from RAW, whatever comes while they are."""

import json
from datetime import UTC, datetime

from budget import SEED, budget
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from lake import Event
from law_checks import by_topic, check_ledger, read
from maintained import MemoryOperations
from operated import operate

CYCLES = 3
NOW = datetime(2026, 11, 30, 6, 26, tzinfo=UTC)
KEPT = {"type": "object", "x-flatten": False}
FIELDS = {
    "n": {"type": "integer", "x-cde": True, "maximum": 5},
    "o": KEPT,
    "m": {"type": "object", "properties": {"raw": KEPT, "k": {"type": "string"}}},
}
IN_COLUMNS = {"n": FIELDS["n"], "o": {"type": "object", "properties": {"a": {"type": "string"}}}}
"""What FIELDS break: the object o with a column of its own."""

_objects = st.sampled_from(
    [
        '{"a": 1.0}',
        "{ }",
        "{}",
        '{"a" : {"b":\t[ 1, 2 ]}}',
        '{"a":null}',
        '{"id-1": 1, "id-1": 2}',
        '{"A":"é"}',
    ]
)
_values = _objects | st.sampled_from(['"text"', "5", "null", "[ 1 ]", "true"])
_members = st.fixed_dictionaries(
    {"n": st.sampled_from(["1", "2", "5", "9", '"x"']), "o": _objects | _values},
    optional={
        "m": _values | st.builds('{{"raw":{0} , "k":{1}}}'.format, _values, _values),
        "free": _objects,
    },
)
_payloads = _members.map(lambda one: "{" + ", ".join(f'"{name}":{text}' for name, text in one.items()) + "}")


_events = st.builds(
    Event,
    payload=_payloads,
    message_id=st.sampled_from(["m1", "m2", "m3"]),
    key=st.sampled_from(["k1", "k2", "k3"]),
    produced=st.integers(0, 2),
)
_sent = st.lists(st.tuples(_events, st.integers(0, CYCLES)), min_size=6, max_size=12)
HOW = ("late", "breaking") * budget(each_run=1, thorough=3)
"""Whether the schema of a topic comes late, or in the place of one whose columns it breaks."""
_topics = st.tuples(*(st.tuples(_sent, st.just(how), st.integers(1, CYCLES)) for how in HOW))


def in_each(cycle):
    """An event that comes in each cycle, so that none is without an object to keep."""
    text = f'{{"n":1,"o":{{ "id-{cycle}" : {{"v": 1.0}}}},"m":{{"raw":[ 1 ],"k":"x"}}}}'
    return Event(text, message_id=f"f{cycle}", key=f"f{cycle}", produced=cycle)


def of(topic, event):
    return Event(event.payload, topic, event.message_id, event.key, event.produced)


def build(lake, operations, topic, plan):
    """Has a topic built beside its tables, as the command or its upload does. Returns the operation's id."""
    operation_id = f"20261130T062500Z-rebuild-{len(operations.items):06x}"
    operations.add(operation_id, topic, step="BUILDING", plan={"from": "raw", **plan})
    assert operate(lake, operations, operation_id, at=NOW).step == "BUILT"
    return operation_id


def swap(lake, operations, topic, operation_id):
    """Puts the topic's tables in place and makes the schema active, as the state machine does."""
    lake.hold(topic)
    lake.registered[topic]["epoch"] = lake.registered[topic].get("epoch", 0) + 1
    operations.items[operation_id]["step"] = "DRAINED"
    assert operate(lake, operations, operation_id, at=NOW).step == "APPLIED"
    lake.active_schemas[topic] = lake.schema_files[topic]
    lake.registered[topic] |= {"schema_version": 2, "opaque_columns": ["m__raw", "o"]}
    lake.release(topic)


def open_errors(lake):
    return {
        topic: {
            (row["message_id"], row["idempotency_key"], row["disposition"], row["violations"])
            for row in rows
            if row["resolved_at"] is None
        }
        for topic, rows in by_topic(lake.rows("ops.errors")).items()
    }


@seed(SEED * 1000)
@settings(
    # The first is the simplest one, which is left out.
    max_examples=budget(each_run=2, thorough=5),
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
@given(_topics)
def test_a_rebuild_from_raw_gives_what_the_schema_would_have_given_from_the_start(new_lake, drawn):
    if len({event for events, *_ in drawn for event, _ in events}) == 1:
        return
    lake, operations = new_lake(), MemoryOperations()
    text = {"type": "object", "required": [], "properties": FIELDS}
    pairs = [(f"start.n{n}", f"later.n{n}", *one) for n, one in enumerate(drawn)]
    for start, later, _, how, _ in pairs:
        lake.activate(start, 2, FIELDS)
        if how == "breaking":
            lake.activate(later, 1, IN_COLUMNS)

    def take(cycle):
        for start, later, events, *_ in pairs:
            own = [*(event for event, place in events if place == cycle), in_each(cycle)]
            lake.deliver(*(of(topic, event) for topic in (start, later) for event in own))
        assert lake.standardize().complete
        assert lake.curate().complete

    for cycle in range(CYCLES):
        for _, later, _, how, begin in pairs:
            if how == "late" and begin == cycle:
                lake.activate(later, 2, FIELDS)
        take(cycle)
    for _, later, _, how, begin in pairs:
        if how == "late" and begin == CYCLES:
            lake.activate(later, 2, FIELDS)
            assert lake.curate().complete
    begun = {}
    for _, later, _, how, _ in pairs:
        lake.schema_files[later] = json.dumps({**text, "x-topic": later, "x-version": 2})
        plan = {"schema_key": later, "schema_version": 2, "activates": True} if how == "breaking" else {}
        if lake.ledger("curated", later):
            begun[later] = build(lake, operations, later, plan)
    # What comes now was not there when the builds began, and is taken under the schemas of before.
    take(CYCLES)
    for later, operation_id in begun.items():
        swap(lake, operations, later, operation_id)
    assert begun
    assert lake.standardize().complete
    assert lake.curate().complete
    check(lake, pairs)


def check(lake, pairs):
    class Played:
        def __init__(self, topic):
            self.topic = topic

    topics = [Played(topic) for start, later, *_ in pairs for topic in (start, later)]
    standardized, curated = (read(lake, topics, layer) for layer in ("standardized", "curated"))
    errors, entries = open_errors(lake), by_topic(lake.rows("ops.ledger"))
    for start, later, *_ in pairs:
        assert curated[later] == curated[start], later
        assert errors.get(later) == errors.get(start), later
        assert standardized[later].keys() == standardized[start].keys(), later
        kept = {row for rows in standardized[start].values() for row in rows}
        for key, row in standardized[later].items():
            assert {name: row[name] for name in kept} == standardized[start][key], (later, key)
            # Columns of earlier rows stay, and nothing is in them any more.
            assert {row[name] for name in row.keys() - kept} <= {None}, (later, key)
        for topic in (start, later):
            tables = {"standardized": standardized[topic], "curated": curated[topic]}
            check_ledger(entries[topic], tables)
