"""The plan of historical_catch_up for one topic, made from its tables, its registry item and its schema.

drift_log gets a row for everything that exists and has none (missing_drift.py). What people have to do is
reported, and never done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lean_ops.bookkeeping.held_topics import PAUSED, epoch_of
from lean_ops.catch_up.missing_drift import (
    CURATED,
    CURATED_OWN,
    STANDARDIZED,
    STANDARDIZED_OWN,
    DatedDrift,
    OnRecord,
    curated_rows,
    standardized_rows,
)
from lean_ops.columns import names
from lean_ops.ports.interfaces import ActiveFile, Item
from lean_ops.tables.table_shape import LEGACY_PATH, TableShape, data_path_statement
from lean_ops.validation.topic_schema import SchemaError, TopicSchema, read_schema

_ORDERING = ("message_id", "idempotency_key", "produced_at", "ingested_at", "cycle_id")
"""The columns by which versions are compared. Rows that lack them cannot be compared with later versions, and
NULL would let a record in twice."""
_PUT_AGAIN = "upload its schema again (lean-ops schema push --force)"


@dataclass(frozen=True, kw_only=True)
class TopicState:
    """The tables, registry item and schema of a topic as they are.

    database_prefix: as in the names of the layers' databases.
    shapes: layer to the shape of its table.
    item: its registry item.
    owner: the topic to which the registry gives its table.
    active: its active schema file.
    """

    topic: str
    database_prefix: str
    shapes: Mapping[str, TableShape]
    item: Item | None
    owner: str | None
    active: ActiveFile | None
    on_record: OnRecord = field(default_factory=OnRecord)

    def table(self, layer: str) -> str:
        """The name of a layer's table for Athena. Both layers' tables have one name, in two databases."""
        return f"{self.database_prefix}_{layer}.{names.table_name(self.topic)}"


@dataclass(frozen=True, kw_only=True)
class TopicPlan:
    """The changes to make for a topic.

    rows: the rows to write to drift_log.
    exact: False where rows are dated by the oldest snapshot that is left.
    add_columns: the columns to add to Standardized.
    epoch: that by which they are added.
    claim: make the topic the owner of its table.
    item: the registry item to write, where there is none.
    fill: the attributes that the registry item lacks.
    claimed_sequencer: the upload that the registry item says schema-validator has taken.
    notes: what people have to do.
    """

    topic: str
    rows: tuple[DatedDrift, ...] = ()
    exact: bool = True
    add_columns: tuple[str, ...] = ()
    epoch: int = 0
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
    if item.get("status") in PAUSED:
        return TopicPlan(
            topic=state.topic, notes=(f"it is in {item['status']}: run again when that is over",)
        )
    notes = [*_renames(state), *_paths(state)]
    standardized, curated = state.shapes.get(STANDARDIZED), state.shapes.get(CURATED)
    rows: list[DatedDrift] = []
    add: tuple[str, ...] = ()
    sound = True
    if standardized is not None:
        add, sound = _missing(standardized, notes)
        rows += standardized_rows(state.topic, state.on_record, standardized, add)
    claimed, settled = item.get("claimed_sequencer"), item.get("settled_sequencer")
    if claimed != settled:
        # It writes its rows of drift_log after it adds columns, so rows of this run could be a second time
        # there.
        notes.append(
            f"schema-validator has begun an upload and not ended it: run again later, or {_PUT_AGAIN}"
        )
        return TopicPlan(
            topic=state.topic,
            rows=tuple(rows),
            exact=_exact(state),
            add_columns=add,
            epoch=epoch_of(item),
            notes=tuple(notes),
        )
    if curated is not None:
        rows += curated_rows(state.topic, state.on_record, curated)
    schema = _schema(state, notes)
    governed = _fits(schema, curated, state.active, notes) and sound
    wanted = _wanted(state, schema, governed)
    if state.item is not None and governed and not item.get("processing_enabled", True):
        _note_disabled(item, notes)
    return TopicPlan(
        topic=state.topic,
        rows=tuple(rows),
        exact=_exact(state),
        add_columns=add,
        epoch=epoch_of(item),
        claim=state.owner != state.topic,
        item=wanted if state.item is None else None,
        fill={} if state.item is None else _gaps(item, wanted),
        claimed_sequencer=None if claimed is None else str(claimed),
        notes=tuple(notes),
    )


def _renames(state: TopicState) -> list[str]:
    """Says how to rename columns whose names engines keep to themselves, which earlier versions made."""
    notes = []
    for layer, shape in state.shapes.items():
        for column in shape.columns:
            if column.name not in names.ENGINE_COLUMNS:
                continue
            new = names.column_name([column.name])
            while new in shape.types:
                new += "_before"
            notes.append(
                f"its {layer} table has the column {column.name}, a name that engines keep to themselves: "
                "queries and larger batches fail. Rename it in Athena, then run again: ALTER TABLE "
                f"{state.table(layer)} CHANGE COLUMN `{column.name}` `{new}` {column.type}"
            )
    return notes


def _paths(state: TopicState) -> list[str]:
    """Says how to mend tables that Athena made in a way in which nothing can be written to them."""
    return [
        f"its {layer} table has the deprecated property {LEGACY_PATH}, so nothing can be written to it. Run "
        f"in Athena: {data_path_statement(state.table(layer), shape.legacy_path)}"
        for layer, shape in state.shapes.items()
        if shape.legacy_path is not None
    ]


def _missing(shape: TableShape, notes: list[str]) -> tuple[tuple[str, ...], bool]:
    """Returns the pipeline's own columns to add, and whether the table can be used then."""
    types = shape.types
    absent = [name for name in STANDARDIZED_OWN if name not in types]
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
    """Whether Curated can be processed. Where it cannot, schema-validator has to mend the table."""
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
    absent = [name for name in (*wanted, *CURATED_OWN) if name not in types]
    other = [
        f"{name} as {kind} (it is {types[name]})"
        for name, kind in wanted.items()
        if name in types and not _holds(types[name], kind)
    ]
    return absent + other


def _holds(table_type: str, wanted: str) -> bool:
    """Whether the table has the wanted type, or one to which schemas/type-table.json lets it be promoted."""
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
    """Returns the registry item as table-provisioner writes it, and for a topic with a schema as
    schema-validator does."""
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
    """Returns the attributes that an item lacks. Those about the schema are given only to a topic that is
    processed by it."""
    gaps = {name: value for name, value in wanted.items() if name not in item}
    enabled = {**gaps, **item}["processing_enabled"]
    return {name: value for name, value in gaps.items() if enabled or not name.startswith("schema_")}


def _note_disabled(item: Item, notes: list[str]) -> None:
    # An item that has a schema version was enabled once, so somebody has switched it off on purpose.
    if "schema_version" not in item:
        notes.append(f"all is there for Curated, but its registry item has it switched off: {_PUT_AGAIN}")


def _exact(state: TopicState) -> bool:
    return all(shape.exact for shape in state.shapes.values())
