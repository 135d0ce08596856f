"""Laws of the catch-up's plan: once it was done it leaves nothing to do, and it never takes anything back."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from lean_ops.bookkeeping.drift_log import row_of
from lean_ops.catch_up.missing_drift import CURATED, STANDARDIZED, OnRecord, on_record
from lean_ops.catch_up.plan import TopicState, plan
from lean_ops.catch_up.table_owners import settle_by_registry
from lean_ops.columns import names
from lean_ops.ports.interfaces import ActiveFile
from lean_ops.tables.table_shape import DATA_PATH, LEGACY_PATH, TableColumn, TableShape, shape_of

TOPIC = "telemetry.climate"
THEN = datetime(2026, 1, 1, tzinfo=UTC)
PAYLOAD = ("a", "b", "c__d")
EMPTY = TableShape((), datetime(2026, 1, 1, tzinfo=UTC), True, True)
OWN = {
    STANDARDIZED: (*names.ENVELOPE_COLUMNS, names.RESCUED),
    CURATED: (*names.ENVELOPE_COLUMNS, names.SCHEMA_VERSION),
}
SCHEMA = {
    "type": "object",
    "x-topic": TOPIC,
    "x-version": 2,
    "properties": {"a": {"type": "string"}, "b": {"type": "number", "x-type": "decimal(10,2)"}},
}
ITEM = {
    "table_name": "telemetry_climate",
    "status": "ERROR",
    "processing_enabled": True,
    "schema_version": 1,
    "claimed_sequencer": "1",
    "settled_sequencer": "1",
}


def column(name, original=True):
    kind = "decimal(10,2)" if name == "b" else "string"
    return TableColumn(name, kind, THEN + timedelta(days=len(name)), original)


@st.composite
def shapes(draw, layer):
    own = [name for name in OWN[layer] if draw(st.integers(0, 9))]
    payload = draw(st.lists(st.sampled_from(PAYLOAD), unique=True))
    columns = (*map(column, own), *(column(name, draw(st.booleans())) for name in payload))
    return TableShape(columns, THEN, draw(st.booleans()), draw(st.booleans()))


@st.composite
def recorded(draw):
    """Draws rows of drift_log as the live writers leave them."""
    rows = []
    for layer in (STANDARDIZED, CURATED):
        added = draw(st.lists(st.sampled_from(PAYLOAD), unique=True))
        rows += [(layer, "COLUMN_ADDED", name, "string") for name in added]
        if draw(st.booleans()):
            listed = ", ".join(f"{name} decimal(10,2)" for name in draw(st.lists(st.sampled_from(PAYLOAD))))
            listed += draw(st.sampled_from(["", "…"]))
            rows.append((layer, "TABLE_CREATED", None, listed if layer == CURATED else None))
    keys = ("layer", "change_type", "column_name", "new_value")
    return [{"topic_name": TOPIC, **dict(zip(keys, row, strict=True))} for row in rows]


@st.composite
def states(draw):
    rows = draw(recorded())
    found = {layer: draw(shapes(layer)) for layer in (STANDARDIZED, CURATED) if draw(st.integers(0, 4))}
    kept = draw(st.none() | st.sets(st.sampled_from(sorted(ITEM))))
    item = None if kept is None else {"topic_name": TOPIC, **{name: ITEM[name] for name in kept}}
    texts = st.sampled_from([json.dumps(SCHEMA).encode(), b"{", b"\xff"])
    active = draw(st.none() | st.builds(ActiveFile, texts, st.just("etag")))
    owner = draw(st.sampled_from([None, TOPIC]))
    return rows, TopicState(
        topic=TOPIC,
        database_prefix="lake",
        shapes=found,
        item=item,
        owner=owner,
        active=active,
        on_record=on_record(rows).get(TOPIC, OnRecord()),
    )


def after(rows, state, done):
    """Returns the state that a run leaves."""
    rows = [*rows, *(row_of(one.drift, one.detected_at or THEN) for one in done.rows)]
    found = dict(state.shapes)
    if done.add_columns:
        shape = found[STANDARDIZED]
        found[STANDARDIZED] = replace(shape, columns=(*shape.columns, *map(column, done.add_columns)))
    item = done.item or (None if state.item is None else {**state.item, **done.fill})
    owner = state.topic if done.claim else state.owner
    known = on_record(rows).get(TOPIC, state.on_record)
    return replace(state, shapes=found, item=item, owner=owner, on_record=known)


@given(states())
def test_what_was_done_leaves_nothing_to_do(given_state):
    rows, state = given_state
    done = plan(state)
    assert not plan(after(rows, state, done)).changes


@given(states())
def test_nothing_is_recorded_twice_and_no_attribute_is_taken_back(given_state):
    rows, state = given_state
    done = plan(state)
    known = {(row["layer"], row["change_type"], row["column_name"]) for row in rows}
    new = [(one.drift.layer, one.drift.change_type, one.drift.column_name) for one in done.rows]
    assert len(new) == len(set(new))
    assert not known & set(new)
    listed = " ".join(one.drift.new_value or "" for one in done.rows if one.drift.column_name is None).split()
    assert not {name for layer, _, name in new if layer == CURATED} & set(listed)
    assert not set(done.fill) & set(state.item or {})
    assert (done.item is None) or state.item is None
    assert not set(done.add_columns) & set(state.shapes.get(STANDARDIZED, EMPTY).types)


@given(states(), st.integers(1, 9))
def test_columns_are_added_by_the_epoch_that_the_registry_has(given_state, epoch):
    _, state = given_state
    held_before = replace(state, item={**ITEM, **(state.item or {}), "epoch": Decimal(epoch)})
    done = plan(held_before)
    assert not done.add_columns or done.epoch == epoch


@given(states())
def test_every_column_is_on_record_in_the_end_unless_somebody_is_at_it(given_state):
    rows, state = given_state
    item = state.item or {}
    known = on_record([*rows, *(row_of(one.drift, THEN) for one in plan(state).rows)]).get(TOPIC, OnRecord())
    for layer, shape in state.shapes.items():
        if layer == CURATED and (
            item.get("claimed_sequencer") != item.get("settled_sequencer") or known.all_curated
        ):
            continue
        assert layer in known.created
        assert {(layer, name) for name in shape.types if name in PAYLOAD} <= known.columns


@given(states())
def test_a_topic_is_enabled_only_where_all_is_there(given_state):
    _, state = given_state
    written = plan(state).item or plan(state).fill
    if written.get("processing_enabled"):
        curated = state.shapes[CURATED].types
        assert state.active is not None
        assert state.active.content.startswith(b'{"type"')
        assert {"a", "b", *OWN[CURATED]} <= curated.keys()


def test_a_field_that_was_renamed_or_came_back_is_dated_by_its_id():
    def schema(number, *fields):
        listed = [{"id": at, "name": name, "type": kind, "required": False} for at, name, kind in fields]
        return {"schema-id": number, "fields": listed}

    metadata = {
        "last-updated-ms": 9000,
        "current-schema-id": 2,
        "schemas": [
            schema(0, (1, "old", "long"), (2, "gone", "string")),
            schema(1, (1, "new", "long")),
            schema(2, (1, "new", "long"), (3, "gone", "decimal(10, 2)"), (4, "s", {"type": "list"})),
        ],
        "snapshots": [
            {"snapshot-id": 1, "timestamp-ms": 2000, "schema-id": 0},
            {"snapshot-id": 2, "timestamp-ms": 5000, "schema-id": 2, "parent-snapshot-id": 1},
            {
                "snapshot-id": 3,
                "timestamp-ms": 6000,
                "parent-snapshot-id": 2,
                "summary": {"total-records": "0"},
            },
        ],
        "current-snapshot-id": 3,
        "metadata-log": [{"timestamp-ms": 1000, "metadata-file": "m0"}],
    }
    shape = shape_of(metadata)
    at = {column.name: (column.type, column.since.timestamp(), column.original) for column in shape.columns}
    assert at == {
        "new": ("bigint", 1, True),
        "gone": ("decimal(10,2)", 5, False),
        "s": ("list", 5, False),
    }
    assert (shape.empty, shape.exact, shape.created_at.timestamp()) == (True, True, 1)


def test_the_registrys_word_counts_only_where_it_makes_sense():
    items = [
        {"topic_name": "table#a_b", "owner": "other"},
        {"topic_name": "table#c_d", "owner": "DROP TABLE"},
        {"topic_name": "e.f"},
        {"topic_name": "e-f"},
        {"topic_name": "g.h"},
        {"topic_name": "*"},
    ]
    owners = settle_by_registry(["a_b", "c_d", "e_f", "g_h", "x"], items, {"g_h": "g-h"})
    assert owners.topics == {}
    assert set(owners.unclear) == {"a_b", "c_d", "e_f", "g_h"}
    assert owners.rest == {"x"}
    assert settle_by_registry(["e_f"], items, {"e_f": "e-f"}).topics == {"e_f": "e-f"}


def test_a_table_that_nothing_can_write_to_is_reported_with_the_statement_that_mends_it():
    def notes(**more):
        metadata = {
            "schemas": [{"schema-id": 0, "fields": []}],
            "current-schema-id": 0,
            "last-updated-ms": 0,
            "properties": {"write.object-storage.enabled": "true", LEGACY_PATH: path, **more},
        }
        shapes = {layer: shape_of(metadata) for layer in (STANDARDIZED, CURATED)}
        return plan(
            TopicState(topic=TOPIC, database_prefix="lake", shapes=shapes, item=None, owner=None, active=None)
        ).notes

    path = "s3://lake/warehouse/d/t/data"
    for layer in (STANDARDIZED, CURATED):
        name = f"lake_{layer}.telemetry_climate"
        statement = f"ALTER TABLE {name} SET TBLPROPERTIES ('write.data.path' = '{path}')"
        assert [note for note in notes() if statement in note and note.startswith(f"its {layer} table")]
    assert not [note for note in notes(**{DATA_PATH: path}) if "TBLPROPERTIES" in note]
