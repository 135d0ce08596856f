"""L8: a rebuild is the reference model over all of RAW under the new schema, whatever its tables had become,
wherever its runs are killed, and whatever comes while it is built."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import model
import pytest
from budget import SEED, budget
from histories import CALM, Killed, at, histories, is_simplest, killed_in, play
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from lake import Lake, MemoryCheckpoints
from law_checks import by_topic, check_ledger, check_mirror, column_comments, in_json, read
from maintained import MemoryOperations
from operated import operate

from lean_ops.bookkeeping import ledger
from lean_ops.columns import names
from lean_ops.maintenance import shadows
from lean_ops.rebuild import begin, swapping
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

PARTS = budget(each_run=1, thorough=5)
TOPICS = budget(each_run=2, thorough=6)
REBUILT = budget(each_run=1, thorough=6)
"""How many of them are rebuilt."""
NOW = datetime(2026, 11, 30, 6, 26, tzinfo=UTC)
NEW_FIELDS = {
    "n": {"type": "string", "maxLength": 3},
    "m": {"type": "number"},
    "when": {"type": "string"},
    "yes": {"type": "boolean", "x-cde": True},
    "r": {"type": "integer"},
    "new_column": {"type": "string"},
}
"""Every type of histories.FIELDS but one is another, and what is rejected is, too."""
POINTS = (
    (begin, "make_shadow"),
    (TopicTable, "replace_rows_where"),
    (TopicTable, "commit"),
    (Tables, "append_new"),
    (MemoryOperations, "swapping"),
    (swapping, "swap_table"),
    (swapping, "replace_errors"),
    (ledger, "write"),
    (MemoryCheckpoints, "put"),
    (begin, "remove_shadow"),
)
places = st.lists(
    st.tuples(st.sampled_from(POINTS), st.integers(1, 3), st.booleans()), min_size=1, max_size=4
)


def killed_often(run: Callable[[], object], kills) -> int:
    """Runs until it is through, and once more where it was killed. Returns how often it was killed."""
    deaths = 0
    for point, call, after in kills:
        try:
            with killed_in(*point, call, after):
                run()
        except Killed:
            deaths += 1
        else:
            return deaths
    run()
    return deaths


def rebuilt(lake: Lake, operations: MemoryOperations, topic: str, late, kills) -> int:
    """Rebuilds a topic under the new schema, as the state machine and schema-validator do it."""
    operation_id = f"20261130T062500Z-rebuild-{len(operations.items):06x}"
    document = {"type": "object", "x-topic": topic, "x-version": 2, "required": [], "properties": NEW_FIELDS}
    lake.schema_files[topic] = json.dumps(document)
    plan = {"from": "raw", "schema_key": topic, "schema_version": 2, "activates": True}
    operations.add(operation_id, topic, step="BUILDING", plan=plan)

    def run():
        operate(lake, operations, operation_id, at=NOW)

    deaths = killed_often(run, kills)
    name = lake.next_cycle()
    lake.deliver(*late)
    # Both may say that the table lacks rows, which somebody has deleted.
    lake.standardize(cycle_id=name)
    lake.curate(cycle_id=name)
    lake.hold(topic)
    lake.registered[topic]["epoch"] = lake.registered[topic].get("epoch", 0) + 1
    operations.items[operation_id]["step"] = "DRAINED"
    deaths += killed_often(run, kills)
    lake.active_schemas[topic] = lake.schema_files[topic]
    lake.registered[topic]["schema_version"] = 2
    lake.release(topic)
    assert shadows.shadows_of(Tables(lake.spark, lake.prefix)) == {}
    return deaths


def damaged(lake: Lake, topic: str) -> None:
    """Somebody deletes and changes rows, in both layers."""
    table = names.table_name(topic)
    lake.spark.sql(f"DELETE FROM {lake.name(f'standardized.{table}')} WHERE idempotency_key = 'k1'")
    lake.spark.sql(f"DELETE FROM {lake.name(f'curated.{table}')} WHERE idempotency_key <> 'k1'")


@pytest.mark.parametrize("part", range(PARTS))
def test_a_rebuild_is_the_model_over_all_of_raw(new_lake, part):
    lakes, deaths = [], []

    @seed(SEED * 1000 + part)
    @settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(histories(TOPICS), places)
    def hold(drawn, kills):
        if is_simplest(drawn):
            return
        lakes.append(lake := new_lake())
        played = [
            type(one)(one.topic, one.sent, 0, stable=False, copies=one.copies)
            for one in drawn
            if any(model.is_readable(event) for event in one.events)
        ]
        play(lake, played, CALM)
        operations = MemoryOperations()
        taken = [one for one in played if lake.ledger("curated", one.topic)][:REBUILT]
        for history in taken:
            # What comes late is newer than all before, and a copy of what was there.
            late = [at(event, history.topic) for event in history.events[:2]]
            damaged(lake, history.topic)
            deaths.append(rebuilt(lake, operations, history.topic, late, kills))
        assert lake.standardize().trouble() is None
        assert lake.curate().trouble() is None
        check(lake, taken)

    hold()
    assert lakes, "Hypothesis drew nothing but the simplest example"
    print(f"seed {SEED}: {sum(deaths)} runs killed in {len(deaths)} rebuilds")


def check(lake, played):
    standardized, curated = (read(lake, played, layer) for layer in ("standardized", "curated"))
    errors, entries, parse_errors = (
        by_topic(lake.rows(f"ops.{table}")) for table in ("errors", "ledger", "parse_errors")
    )
    for history in played:
        topic, events = history.topic, history.events
        comments = column_comments(lake, topic)
        assert standardized[topic] == in_json(model.standardized(events, comments)), topic
        assert curated[topic] == in_json(model.curated(events, NEW_FIELDS, comments)), topic
        found = {
            (row["message_id"], row["idempotency_key"], row["disposition"])
            for row in errors[topic]
            if row["resolved_at"] is None
        }
        wanted = {one[:3] for one in model.errors(events, NEW_FIELDS, comments)}
        assert found == wanted, topic
        refused = {(event.message_id, event.text) for event in events if not model.is_readable(event)}
        assert {(row["message_id"], row["payload"]) for row in parse_errors[topic]} == refused
        check_ledger(entries[topic], {"standardized": standardized[topic], "curated": curated[topic]})
        check_mirror(lake, topic)
