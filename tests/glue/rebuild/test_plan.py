"""What an operation's plan asks for, and the chunks of a build."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.bookkeeping.operation import OperationError
from lean_ops.rebuild.plan import BuildPlan, Wish, chunks_of
from lean_ops.rebuild.shadow_catalog import shadow_name
from lean_ops.rebuild.target import curated_columns, curated_partition
from lean_ops.validation.topic_schema import read_schema

AFTER = "20261120T101500Z-0a1b2c3d"
days = st.dictionaries(
    st.one_of(st.just(""), st.dates(datetime(2026, 10, 1).date(), datetime(2026, 12, 1).date()).map(str)),
    st.integers(1, 40),
)


@given(days, st.integers(1, 100))
def test_chunks_have_every_day_once_in_order_and_sort_before_later_cycles(rows, most):
    found = chunks_of(rows, AFTER, most)
    assert sum(one.rows for one in found) == sum(rows.values())
    ids = [one.cycle_id for one in found]
    assert ids == sorted(set(ids))
    assert all(one <= AFTER for one in ids)
    bounds = [bound for one in found for bound in (one.first, one.last)]
    assert bounds == sorted(bounds)
    assert {one.first for one in found} | {one.last for one in found} <= rows.keys()
    for one in found:
        inside = [day for day in rows if one.first <= day <= one.last]
        assert one.rows == sum(rows[day] for day in inside)
        assert one.rows <= most or len(inside) == 1 or one.cycle_id == AFTER or one.last >= "2026-11-20"


def test_a_plan_is_the_same_after_it_was_stored():
    plan = BuildPlan(
        operation_id="op",
        topic="t",
        after=AFTER,
        raw_snapshot="7",
        schema_version=2,
        active_version=1,
        chunks=chunks_of({"2026-11-01": 3}, AFTER),
    )
    assert BuildPlan.from_json(plan.to_json()) == plan


def test_what_a_plan_asks_for_is_read_and_what_makes_no_sense_is_refused():
    wish = Wish.of(
        {"from": "raw", "since": "2026-11-01T00:00:00+00:00", "schema_version": 3, "activates": True}
    )
    assert (wish.source, wish.since, wish.schema_version) == ("raw", datetime(2026, 11, 1, tzinfo=UTC), 3)
    for plan, message in (
        ({"from": "curated"}, "from='curated'"),
        ({"from": "standardized", "since": "2026-11-01"}, "`since` goes with from=raw alone"),
    ):
        with pytest.raises(OperationError, match=message):
            Wish.of(plan)


BOUNDS = json.loads(
    (Path(__file__).parents[2] / "conformance" / "rejection_bounds.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", BOUNDS, ids=lambda case: case["text"])
def test_the_bound_of_rejected_messages_is_read_as_the_command_and_the_upload_wrote_it(case):
    wish = Wish.of({"from": "raw", "max_rejected": case["text"]})
    assert wish.refuses(case["most"], case["judged"]) is None
    assert "TOO_MANY_REJECTED" in str(wish.refuses(case["most"] + 1, case["judged"]))


def test_nothing_is_refused_without_a_bound_and_no_other_word_is_one():
    assert Wish("raw").refuses(99, 200) is None
    with pytest.raises(OperationError, match="it is a number, or a share"):
        Wish("raw", max_rejected="many").refuses(1, 1)


def schema(properties, **words):
    document = {"type": "object", "x-topic": "t", "x-version": 2, "required": [], "properties": properties}
    text = json.dumps({**document, **words})
    return text, read_schema(text, "t")


DDL = json.loads((Path(__file__).parents[2] / "conformance" / "ddl.json").read_text("utf-8"))["curated"]
"""Athena's statements as the pipeline makes Curated tables, of a schema with the one field `at`."""
PROMISES = {"declared": {"x-event-time": "at"}, "stable": {"x-event-time-stable": True}, "neither": {}}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_curated_table_is_as_one_that_is_made(promise):
    text, read = schema({"at": {"type": "string", "format": "date-time"}}, **PROMISES[promise])
    found = curated_partition(text, read)
    transform, _, buckets = found.transform.removesuffix("]").partition("[")
    by = f"{transform}({f'{buckets}, ' if buckets else ''}`{found.column}`)"
    assert f"PARTITIONED BY ({by})" in DDL[promise]
    made = re.findall(r"^  `(\w+)` (\w+)", DDL[promise], re.MULTILINE)
    assert [(one.name, one.type) for one in curated_columns(read)] == made


def test_its_columns_have_icebergs_types():
    _, read = schema(
        {
            "n": {"type": "integer"},
            "d": {"type": "number", "x-type": "decimal(10,2)"},
            "at": {"type": "string", "format": "date-time"},
        }
    )
    found = {one.name: one.type for one in curated_columns(read)}
    assert (found["n"], found["d"].replace(" ", ""), found["at"]) == ("long", "decimal(10,2)", "timestamp")
    assert (found["ingested_at"], found["schema_version"], found["cycle_id"]) == (
        "timestamp",
        "int",
        "string",
    )


def test_the_names_of_shadows_are_names_of_tables_however_long_the_topics_is():
    long = [f"{'a' * 126}{last}" for last in "xy"]
    found = {shadow_name("standardized", "t", topic) for topic in long}
    assert len(found) == 2
    assert all(len(name) <= 128 for name in found)
