"""The rows that drift_log lacks for a topic's tables, in the form in which the live writers record them.

For Standardized that is TABLE_CREATED and a COLUMN_ADDED for each payload column. For Curated it is a
TABLE_CREATED that lists the columns with which the table was made, and a COLUMN_ADDED for each later one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.columns import names
from lean_ops.tables.table_shape import TableShape

STANDARDIZED, CURATED = "standardized", "curated"
STANDARDIZED_OWN = (*names.ENVELOPE_COLUMNS, names.RESCUED)
CURATED_OWN = (*names.ENVELOPE_COLUMNS, names.SCHEMA_VERSION)
"""The pipeline's own columns of each layer's tables. They are no drift when they come with the table."""


@dataclass(frozen=True)
class OnRecord:
    """The columns and tables of one topic that drift_log has on record.

    created: the layers with a TABLE_CREATED.
    columns: (layer, column) of every column.
    all_curated: the list of the Curated table's first columns was too long to be kept whole, so all count as
    known.
    """

    created: frozenset[str] = frozenset()
    columns: frozenset[tuple[str, str]] = frozenset()
    all_curated: bool = False


@dataclass(frozen=True)
class DatedDrift:
    """A row to write to drift_log. detected_at is None for a change that this run makes itself."""

    drift: Drift
    detected_at: datetime | None


def on_record(rows: Iterable[Mapping[str, Any]]) -> dict[str, OnRecord]:
    """Returns what drift_log has of each topic, from its rows of TABLE_CREATED and COLUMN_ADDED."""
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
            # schema-validator cuts the list at 20,000 characters, so what followed is not on record.
            cut |= {topic} if listed.endswith("…") else set()
    return {
        topic: OnRecord(frozenset(created.get(topic, ())), frozenset(known), topic in cut)
        for topic, known in columns.items()
    }


def standardized_rows(topic: str, known: OnRecord, shape: TableShape, add: Iterable[str]) -> list[DatedDrift]:
    """Returns the rows for a topic's Standardized table. `add`: the pipeline's own columns that this run
    adds."""
    rows = []
    if STANDARDIZED not in known.created:
        rows.append(DatedDrift(_drift(topic, STANDARDIZED, drift_log.TABLE_CREATED), shape.created_at))
    payload = [column for column in shape.columns if column.name not in STANDARDIZED_OWN]
    rows += [
        DatedDrift(
            _drift(topic, STANDARDIZED, drift_log.COLUMN_ADDED, column.name, column.type), column.since
        )
        for column in payload
        if (STANDARDIZED, column.name) not in known.columns
    ]
    # The pipeline's own columns come with a table. They are a change only where they come later.
    rows += [
        DatedDrift(_drift(topic, STANDARDIZED, drift_log.COLUMN_ADDED, name, "string"), None)
        for name in add
        if (STANDARDIZED, name) not in known.columns
    ]
    return rows


def curated_rows(topic: str, known: OnRecord, shape: TableShape) -> list[DatedDrift]:
    """Returns the rows for a topic's Curated table."""
    fields = [column for column in shape.columns if column.name not in CURATED_OWN]
    rows, recorded = [], {name for layer, name in known.columns if layer == CURATED}
    if CURATED not in known.created:
        born = [column for column in fields if column.original]
        listed = ", ".join(f"{column.name} {column.type}" for column in born)
        rows.append(
            DatedDrift(_drift(topic, CURATED, drift_log.TABLE_CREATED, None, listed), shape.created_at)
        )
        recorded |= {column.name for column in born}
    if not known.all_curated:
        rows += [
            DatedDrift(_drift(topic, CURATED, drift_log.COLUMN_ADDED, column.name, column.type), column.since)
            for column in fields
            if column.name not in recorded
        ]
    return rows


def _drift(topic: str, layer: str, change: str, column: str | None = None, new: str | None = None) -> Drift:
    return Drift(
        topic=topic,
        change_type=change,
        column_name=column,
        cycle_id=None,
        new_value=new,
        layer=layer,
        source=drift_log.CATCH_UP,
    )
