"""The merge in a task is that of Spark: it has the same winners, the same counts, and replaces the same
rows."""

import dataclasses
from itertools import chain

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from lake import Event

from lean_ops.versions import merge_spark
from lean_ops.versions.merge_arrow import counts_of, decision_of
from lean_ops.versions.merge_python import (
    ExistingRow,
    RowPosition,
    Stamp,
    UnsettledTiesError,
    decide,
    tails_of,
)

_COLUMNS = (
    "idempotency_key string, message_id string, produced_at timestamp_ntz, ingested_at timestamp_ntz, "
    "payload_sha256 string, received_at timestamp_ntz, event_time timestamp_ntz, cycle_id string"
)
_ARROW = pa.schema(
    [
        (name, pa.string() if kind == "string" else pa.timestamp("us"))
        for name, kind in (one.split() for one in _COLUMNS.split(", "))
    ]
)
events = st.builds(
    Event,
    payload=st.sampled_from([{"n": 1}, {"n": 2}]),
    message_id=st.sampled_from(["m1", "m2", "m10", "é", "\U0001f600"]),
    key=st.sampled_from(["k1", "k2", "k3"]),
    produced=st.integers(0, 1),
    ingested=st.integers(100, 101),
    event=st.sampled_from([None, 0]),
)


def rows(sent, cycle):
    picked = (2, 1, 4, 6, 9, 5, 3)
    return [(*(one.row()[column] for column in picked), cycle) for one in sent]


def stamps(sent):
    return [Stamp(key, *micros(*rest)) for key, *rest, _ in rows(sent, "")]


def micros(message_id, produced, ingested, digest, received, event):
    times = [None if one is None else round(one.timestamp() * 1e6) for one in (produced, ingested)]
    later = [None if one is None else round(one.timestamp() * 1e6) for one in (received, event)]
    return message_id, *times, digest, *later


# Keys do not depend on each other, so a case is one key. It has so many versions that equal heads and tails
# are common.
_crowded = st.builds(
    Event,
    payload=st.sampled_from([{"n": 1}, {"n": 2}]),
    message_id=st.sampled_from(["m1", "é", "\U0001f600"]),
    produced=st.integers(0, 1),
    ingested=st.integers(100, 101),
    event=st.sampled_from([None, 0]),
)
cases = st.tuples(st.lists(_crowded, min_size=1, max_size=6), st.lists(_crowded, max_size=4))


# One Spark job decides all cases of an example.
@pytest.mark.parametrize("replace_same", [False, True])
@settings(max_examples=3, phases=[Phase.generate])
@given(drawn=st.lists(cases, min_size=100, max_size=100))
def test_a_task_decides_as_spark_does(job_session, drawn, replace_same):
    drawn = [
        [[dataclasses.replace(one, key=f"k{n}") for one in sent] for sent in case]
        for n, case in enumerate(drawn)
    ]
    batches, earlier = zip(*drawn, strict=True)
    kept = [list({one.key: one for one in reversed(sent)}.values()) for sent in earlier]
    new = job_session.createDataFrame(rows(chain(*batches), "c2"), _COLUMNS)
    table = job_session.createDataFrame(rows(chain(*kept), "c1"), _COLUMNS)
    delta = job_session.createDataFrame(rows(chain(*earlier), "c1"), _COLUMNS)
    winners = merge_spark.latest_versions(new, table)
    if not replace_same:
        winners = merge_spark.settle_ties(winners, delta)
    counts = merge_spark.count(winners)
    verdicts = (
        (merge_spark.NEW, merge_spark.NEWER, merge_spark.SAME)
        if replace_same
        else (merge_spark.NEW, merge_spark.NEWER)
    )
    written = sorted(tuple(row) for row in merge_spark.rows_to_write(winners, verdicts).collect())

    found = [decided(*case, replace_same) for case in zip(batches, kept, earlier, strict=True)]
    won = [[batch[n] for n in one.winners] for batch, one in zip(batches, found, strict=True)]
    assert sorted(rows(chain(*won), "c2")) == written
    replaced = counts.updated + (counts.ties if replace_same else 0)
    names = ("versions", "inserted", "updated", "duplicates", "superseded")
    assert [sum(getattr(one, name) for one in found) for name in names] == [
        counts.versions,
        counts.inserted,
        replaced,
        counts.duplicates,
        counts.superseded,
    ]
    for one, winning, there in zip(found, won, kept, strict=True):
        keys = {there[row.position].key for row in one.replaced}
        assert keys == {event.key for event in winning} & {event.key for event in there}


def decided(batch, kept, earlier, replace_same):
    existing = {
        stamp.key: ExistingRow(stamp.message_id, stamp.head, "c1", [RowPosition(0, n)])
        for n, stamp in enumerate(stamps(kept))
    }
    tails = tails_of((stamp, "c1") for stamp in stamps(earlier))
    return decide(stamps(batch), existing, tails, replace_same=replace_same)


@given(
    st.lists(events, max_size=9), st.lists(events, max_size=4), st.booleans(), st.booleans(), st.booleans()
)
def test_what_nobody_contests_needs_no_deciding(batch, earlier, replace_same, settled, chunked):
    """A task compares only versions whose key occurs twice or is in the table. The others win."""
    existing = {}
    for n, stamp in enumerate(stamps(earlier)):
        existing.setdefault(stamp.key, ExistingRow(stamp.message_id, stamp.head, "c1", [RowPosition(0, n)]))
    tails = tails_of((stamp, "c1") for stamp in stamps(earlier)) if settled else None
    table = pa.Table.from_pylist(
        [dict(zip(_ARROW.names, row, strict=True)) for row in rows(batch, "c2")], _ARROW
    )
    if chunked:
        table = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    existing = {key: existing[key] for key in {one.key for one in batch} & existing.keys()}
    try:
        expected = decide(stamps(batch), existing, tails, replace_same=replace_same)
    except UnsettledTiesError as ties:
        with pytest.raises(UnsettledTiesError, match=str(ties)):
            decision_of(table, existing, tails, replace_same=replace_same)
        return
    found = decision_of(table, existing, tails, replace_same=replace_same)
    assert sorted(found.replaced) == sorted(expected.replaced)
    assert sorted(found.winners) == sorted(expected.winners)
    assert counts_of(found) == counts_of(expected)


def test_ties_are_not_guessed():
    [stamp] = stamps([Event(message_id="m", key="k")])
    existing = {"k": ExistingRow("m", stamp.head, "c1", [RowPosition(0, 0)])}
    with pytest.raises(UnsettledTiesError):
        decide([stamp], existing, None)
    assert decide([stamp], existing, {}).winners == [], "a row whose cycle is gone stays"


def test_a_key_that_a_table_has_twice_is_there_once_afterwards():
    old, new = stamps([Event(message_id="m", key="k"), Event(message_id="n", key="k", produced=1)])
    existing = {"k": ExistingRow("m", old.head, "c1", [RowPosition(0, 3), RowPosition(2, 0)])}
    assert decide([new], existing, None).replaced == [RowPosition(0, 3), RowPosition(2, 0)]


def test_nulls_are_the_smallest():
    assert Stamp("k", None, None, None).head < Stamp("k", "", None, None).head < Stamp("k", "", 0, None).head
