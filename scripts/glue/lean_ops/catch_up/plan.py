"""What historical_catch_up does for one topic: a pure decision over what tables, registry and schemas say.

drift_log gets a row for what exists and has none, in the words in which the live writers record it: for
Standardized TABLE_CREATED and one COLUMN_ADDED a payload column, for Curated one TABLE_CREATED that lists
the columns it was made with, and a COLUMN_ADDED for each later one. What a person has to do is said, never
done.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.columns import names
from lean_ops.ports.interfaces import ActiveFile, Item
from lean_ops.tables.table_shape import TableShape
from lean_ops.validation.topic_schema import SchemaError, TopicSchema, read_schema

STANDARDIZED, CURATED = "standardized", "curated"
_HELD = ("MAINTENANCE", "REBUILDING")
_STANDARDIZED_OWN = (*names.ENVELOPE_COLUMNS, names.RESCUED)
_CURATED_OWN = (*names.ENVELOPE_COLUMNS, names.SCHEMA_VERSION)
# Rows without these cannot be compared with later versions; NULL would let a record in twice.
_ORDERING = ("message_id", "idempotency_key", "produced_at", "ingested_at", "cycle_id")
_PUT_AGAIN = "put its schema under pending/ again"


@dataclass(frozen=True)
class OnRecord:
    """What drift_log knows of one topic. columns: (layer, column). created: layers with TABLE_CREATED.

    all_curated: the list of the Curated table's first columns was too long to be kept whole.
    """

    created: frozenset[str] = frozenset()
    columns: frozenset[tuple[str, str]] = frozenset()
    all_curated: bool = False


@dataclass(frozen=True)
class TopicState:
    """shapes: by layer. owner: of the topic's table, by the registry. item: its registry item."""

    topic: str
    shapes: Mapping[str, TableShape]
    item: Item | None
    owner: str | None
    active: ActiveFile | None
    on_record: OnRecord = field(default_factory=OnRecord)


@dataclass(frozen=True)
class Dated:
    """A row to write. at None: now, as the change itself is to be made."""

    drift: Drift
    at: datetime | None


@dataclass(frozen=True)
class TopicPlan:
    """add_columns: to Standardized. item: to write whole; fill: attributes the item lacks. exact: False where
    rows are dated by the oldest snapshot that is left. notes: what a person has to do."""

    topic: str
    rows: tuple[Dated, ...] = ()
    exact: bool = True
    add_columns: tuple[str, ...] = ()
    claim: bool = False
    item: Item | None = None
    fill: Item = field(default_factory=dict)
    claimed_sequencer: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return names.table_name(self.topic)

    @property
    def changes(self) -> bool:
        return bool(self.rows or self.add_columns or self.claim or self.item or self.fill)


def plan(state: TopicState) -> TopicPlan:
    item = state.item or {}
    if item.get("status") in _HELD:
        return TopicPlan(state.topic, notes=(f"it is in {item['status']}: run again when that is over",))
    notes: list[str] = []
    standardized, curated = state.shapes.get(STANDARDIZED), state.shapes.get(CURATED)
    rows: list[Dated] = []
    add: tuple[str, ...] = ()
    sound = True
    if standardized is not None:
        add, sound = _missing(standardized, notes)
        rows += _standardized_rows(state, standardized, add)
    claimed, settled = item.get("claimed_sequencer"), item.get("settled_sequencer")
    if claimed != settled:
        # Its rows of drift_log come after its columns: ours could be second ones.
        notes.append(
            f"schema-validator has begun an upload and not ended it: run again later, or {_PUT_AGAIN}"
        )
        return TopicPlan(state.topic, tuple(rows), _exact(state), add, notes=tuple(notes))
    if curated is not None:
        rows += _curated_rows(state, curated)
    schema = _schema(state, notes)
    governed = _fits(schema, curated, state.active, notes) and sound
    wanted = _wanted(state, schema, governed)
    if state.item is not None and governed and not item.get("processing_enabled", True):
        _note_disabled(item, notes)
    return TopicPlan(
        state.topic,
        tuple(rows),
        _exact(state),
        add,
        claim=state.owner != state.topic,
        item=wanted if state.item is None else None,
        fill={} if state.item is None else _gaps(item, wanted),
        claimed_sequencer=None if claimed is None else str(claimed),
        notes=tuple(notes),
    )


def on_record(rows: Iterable[Mapping[str, Any]]) -> dict[str, OnRecord]:
    """drift_log's rows of TABLE_CREATED and COLUMN_ADDED, by topic."""
    created: dict[str, set[str]] = {}
    columns: dict[str, set[tuple[str, str]]] = {}
    cut: set[str] = set()
    for row in rows:
        topic, layer, listed = row["topic_name"], row["layer"], row["new_value"]
        known = columns.setdefault(topic, set())
        if row["change_type"] == drift_log.COLUMN_ADDED:
            known.add((layer, row["column_name"]))
            continue
        created.setdefault(topic, set()).add(layer)
        if layer == CURATED and listed is not None:
            known |= {(layer, entry.split(" ")[0]) for entry in listed.split(", ")}
            # Beyond 20,000 characters schema-validator cuts the list: what followed is not told any more.
            cut |= {topic} if listed.endswith("…") else set()
    return {
        topic: OnRecord(frozenset(created.get(topic, ())), frozenset(known), topic in cut)
        for topic, known in columns.items()
    }


def _missing(shape: TableShape, notes: list[str]) -> tuple[tuple[str, ...], bool]:
    """The pipeline's own columns to add, and whether the table will then do."""
    types = shape.types
    absent = [name for name in _STANDARDIZED_OWN if name not in types]
    unordered = [name for name in absent if name in _ORDERING and not shape.empty]
    if unordered:
        notes.append(
            f"its Standardized rows lack {', '.join(unordered)}, without which versions cannot be ordered: "
            "add and fill them (ALTER TABLE … ADD COLUMNS, UPDATE … SET), then run again"
        )
    other = [f"{name} {kind}" for name, kind in types.items() if kind != "string"]
    if other:
        notes.append(
            f"its Standardized table has {', '.join(other[:5])}, where the pipeline writes text: "
            "move the table away, or copy it to one of STRING columns"
        )
    return tuple(name for name in absent if name not in unordered), not unordered and not other


def _standardized_rows(state: TopicState, shape: TableShape, add: Iterable[str]) -> list[Dated]:
    known = state.on_record
    rows = []
    if STANDARDIZED not in known.created:
        rows.append(Dated(_drift(state, STANDARDIZED, drift_log.TABLE_CREATED), shape.created_at))
    payload = [column for column in shape.columns if column.name not in _STANDARDIZED_OWN]
    rows += [
        Dated(_drift(state, STANDARDIZED, drift_log.COLUMN_ADDED, column.name, column.type), column.since)
        for column in payload
        if (STANDARDIZED, column.name) not in known.columns
    ]
    # These are born with a table: only where they come later they are a change.
    rows += [
        Dated(_drift(state, STANDARDIZED, drift_log.COLUMN_ADDED, name, "string"), None)
        for name in add
        if (STANDARDIZED, name) not in known.columns
    ]
    return rows


def _curated_rows(state: TopicState, shape: TableShape) -> list[Dated]:
    known = state.on_record
    fields = [column for column in shape.columns if column.name not in _CURATED_OWN]
    rows, told = [], {name for layer, name in known.columns if layer == CURATED}
    if CURATED not in known.created:
        born = [column for column in fields if column.original]
        listed = ", ".join(f"{column.name} {column.type}" for column in born)
        rows.append(Dated(_drift(state, CURATED, drift_log.TABLE_CREATED, None, listed), shape.created_at))
        told |= {column.name for column in born}
    if not known.all_curated:
        rows += [
            Dated(_drift(state, CURATED, drift_log.COLUMN_ADDED, column.name, column.type), column.since)
            for column in fields
            if column.name not in told
        ]
    return rows


def _drift(
    state: TopicState, layer: str, change: str, column: str | None = None, new: str | None = None
) -> Drift:
    return Drift(state.topic, change, column, None, new, layer, drift_log.CATCH_UP)


def _schema(state: TopicState, notes: list[str]) -> TopicSchema | None:
    if state.active is None:
        return None
    try:
        return read_schema(state.active.content.decode("utf-8"), state.topic)
    except (SchemaError, UnicodeDecodeError, RecursionError) as error:
        notes.append(f"its active schema is damaged ({error}): restore it from archive/, then {_PUT_AGAIN}")
        return None


def _fits(
    schema: TopicSchema | None, curated: TableShape | None, active: ActiveFile | None, notes: list[str]
) -> bool:
    """Whether Curated can be processed. Where it cannot, schema-validator is the one to mend the table."""
    if schema is None:
        if curated is not None and active is None:
            notes.append(f"it has a Curated table and no active schema: {_PUT_AGAIN}")
        return False
    if curated is None:
        notes.append(f"it has an active schema and no Curated table: {_PUT_AGAIN}")
        return False
    lacking = _lacking(schema, curated)
    if lacking:
        notes.append(
            f"its Curated table lacks {', '.join(lacking[:5])} of version {schema.version}: {_PUT_AGAIN}"
        )
    return not lacking


def _lacking(schema: TopicSchema, curated: TableShape) -> list[str]:
    types = curated.types
    wanted = {field.column: field.data_type.replace("timestamp_ntz", "timestamp") for field in schema.fields}
    absent = [name for name in (*wanted, *_CURATED_OWN) if name not in types]
    other = [
        f"{name} as {kind} (it is {types[name]})"
        for name, kind in wanted.items()
        if name in types and not _holds(types[name], kind)
    ]
    return absent + other


def _holds(table_type: str, wanted: str) -> bool:
    """The same type, or a wider one: see schemas/type-table.json, promotions."""
    if table_type == wanted or (wanted, table_type) in (("int", "bigint"), ("float", "double")):
        return True
    have, want = _decimal(table_type), _decimal(wanted)
    return have is not None and want is not None and have[1] == want[1] and have[0] >= want[0]


def _decimal(text: str) -> tuple[int, int] | None:
    if not text.startswith("decimal("):
        return None
    precision, scale = text.removeprefix("decimal(").removesuffix(")").split(",")
    return int(precision), int(scale)


def _wanted(state: TopicState, schema: TopicSchema | None, governed: bool) -> dict[str, Any]:
    """The item as table-provisioner writes it, and with a schema as schema-validator does."""
    item: dict[str, Any] = {
        "topic_name": state.topic,
        "table_name": names.table_name(state.topic),
        "status": "READY",
        "processing_enabled": governed,
    }
    if schema is not None and state.active is not None:
        item |= {
            "schema_version": schema.version,
            "schema_etag": state.active.etag,
            "schema_key": f"schemas/{state.topic}/active/schema.json",
        }
    return item


def _gaps(item: Item, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What an item lacks. Which schema is the active one is only told of a topic that is processed by it."""
    gaps = {name: value for name, value in wanted.items() if name not in item}
    enabled = {**gaps, **item}["processing_enabled"]
    return {name: value for name, value in gaps.items() if enabled or not name.startswith("schema_")}


def _note_disabled(item: Item, notes: list[str]) -> None:
    # With a version of a schema it was enabled once: then somebody switched it off.
    if "schema_version" not in item:
        notes.append(f"all is there for Curated, but its registry item has it switched off: {_PUT_AGAIN}")


def _exact(state: TopicState) -> bool:
    return all(shape.exact for shape in state.shapes.values())
