"""The correctness test of DESIGN §4: tables depend on the set of events, on nothing else. Real jobs, against
a model."""

from dataclasses import replace

import model
from hypothesis import given, settings
from hypothesis import strategies as st
from lake import Event
from pyspark.sql import functions as F

from lean_ops import merge
from lean_ops.flatten_batches import KEPT_COLUMNS, flatten_events

TOPICS = ("law.a", "law.b", "law.c", "law.d")
LIMIT = 5

event = st.builds(
    Event,
    payload=st.sampled_from([{"n": 1}, {"n": 2, "m": "x"}, {"n": 9}, {"n": "no"}, {"m": None}, "{'n': 1}"]),
    topic=st.sampled_from(TOPICS),
    message_id=st.sampled_from(["m1", "m2", "m10", "é"]),
    key=st.sampled_from(["k1", "k2"]),
    produced=st.integers(0, 2),
    ingested=st.integers(100, 103),
    # One day, another, and none: a correction moves its row from one partition to another.
    event=st.sampled_from([None, 0, 90_000]),
)


def valid(one: Event) -> bool:
    number = one.payload.get("n") if isinstance(one.payload, dict) else None
    return isinstance(number, int) and number <= LIMIT


def versions(spark, events):
    names = [*KEPT_COLUMNS[:7], "payload"]
    types = ["timestamp_ntz" if name.endswith(("_at", "_time")) else "string" for name in names]
    fields = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
    rows = [(*one.row()[:8], one.row()[9]) for one in events]
    return spark.createDataFrame(rows, fields + ", payload_sha256 string")


@settings(max_examples=12)
@given(st.lists(event, min_size=1, max_size=30), st.randoms())
def test_the_winner_is_the_maximum_in_any_order_of_arrival(job_session, events, random):
    events = [replace(one, topic="law.a") for one in events]
    random.shuffle(events)
    found = merge.latest_versions(versions(job_session, events).withColumn("cycle_id", F.lit("c")), None)
    rows = found.select("row.*").collect()
    wanted = model.winners(events, readable=lambda _: True)
    assert {row["idempotency_key"] for row in rows} == set(wanted)
    for row in rows:
        one = wanted[row["idempotency_key"]]
        assert [row[name] for name in KEPT_COLUMNS] == [*one.row()[:7], one.row()[9]]


def expected(events, columns):
    return {
        key: (one.message_id, one.row()[4], one.row()[6], one.row()[3], *(columns(one)))
        for key, one in events.items()
    }


def as_text(one):
    return (_text(one.payload.get("n")), _text(one.payload.get("m")))


def _text(value):
    return None if value is None else str(value)


@settings(max_examples=2)
@given(st.lists(st.tuples(event, st.integers(0, 2)), min_size=24, max_size=48), st.booleans())
def test_any_split_into_cycles_gives_the_tables_of_the_set(new_lake, sent, curate_often):
    lake = new_lake()
    properties = {"n": {"type": "integer", "x-cde": True, "maximum": LIMIT}, "m": {"type": "string"}}
    for topic, by_day in zip(TOPICS, (True, False, True, False), strict=True):
        lake.activate(topic, 1, properties, x_event_time_stable=by_day)
    cycles = [[one for one, place in sent if place == n] for n in range(3)]
    for events in filter(None, cycles):
        # Copies of some events come again in a later delivery of the same cycle.
        lake.deliver(*events[: len(events) // 3 + 1])
        assert lake.standardize(*events).complete
        if curate_often:
            assert lake.curate().complete
    assert lake.standardize().complete
    assert lake.curate().complete
    for topic in TOPICS:
        check(lake, topic, [one for one, _ in sent if one.topic == topic])


def check(lake, topic, events):
    table = topic.replace(".", "_")
    kept = ("message_id", "produced_at", "ingested_at", "event_time", "n", "m")
    standardized = {
        row["idempotency_key"]: tuple(_plain(row.get(name)) for name in kept)
        for row in lake.rows(f"standardized.{table}")
    }
    wanted = expected(model.winners(events), as_text)
    assert standardized == {key: tuple(_plain(value) for value in row) for key, row in wanted.items()}
    curated = {
        row["idempotency_key"]: tuple(_plain(row.get(name)) for name in kept)
        for row in lake.rows(f"curated.{table}")
    }
    wanted = expected(
        model.winners(events, valid), lambda one: (one.payload.get("n"), _text(one.payload.get("m")))
    )
    assert curated == {key: tuple(_plain(value) for value in row) for key, row in wanted.items()}
    for layer in ("standardized", "curated"):
        received, accounted = lake.balance(layer, topic)
        assert received == accounted, (layer, topic)
    errors = [row for row in lake.rows("ops.parse_errors") if row["topic_name"] == topic]
    refused = {(one.message_id, one.text) for one in events if not model.readable(one)}
    assert (
        len(errors) == len(refused) == sum(row["parse_errors"] for row in lake.ledger("standardized", topic))
    )
    rejected = [
        row
        for row in lake.rows("ops.errors")
        if (row["topic_name"], row["disposition"]) == (topic, "rejected")
    ]
    assert len(rejected) == sum(row["rejected"] for row in lake.ledger("curated", topic))


def _plain(value):
    """Times alike, whether text, as in Standardized, or typed."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if hasattr(value, "strftime") else value


def test_flattening_on_executors_gives_one_row_for_each(job_session):
    events = [Event({"a": n}, message_id=f"m{n}") for n in range(1200)] + [Event("bad", message_id="x")]
    rows = flatten_events(versions(job_session, events), "c1", {}).collect()
    assert len(rows) == 1201
    assert {row["message_id"]: row["columns"] for row in rows} == {
        **{f"m{n}": {"a": str(n)} for n in range(1200)},
        "x": None,
    }
