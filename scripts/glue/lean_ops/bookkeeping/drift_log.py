"""drift_log: a row for every change of a table's columns, and for every path of a payload that found no
column."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lean_ops.columns import names
from lean_ops.tables.ops_rows import deterministic_id, naive_utc

TABLE = "drift_log"
SCHEMA = (
    "drift_id string, topic_name string, layer string, change_type string, column_name string, "
    "old_value string, "
    "new_value string, source string, schema_version int, cycle_id string, detected_at timestamp_ntz"
)
COLUMN_ADDED = "COLUMN_ADDED"
TABLE_CREATED = "TABLE_CREATED"
TABLE_ROLLED_BACK = "TABLE_ROLLED_BACK"
REWOUND = "REWOUND"
REBUILT = "REBUILT"
"""An operation has replaced the table's rows, and perhaps its columns: `new_value` names it."""
MAX_COLUMNS = "MAX_COLUMNS"
TOO_DEEP = "TOO_DEEP"
NAME_COLLISION = "NAME_COLLISION"
COLUMN_RESCUED = "COLUMN_RESCUED"
PAYLOAD = "payload"
CATCH_UP = "catch_up"
TABLE_HISTORY = "table_history"
"""Where the changes come from, by the names of the column `source`. That of REWOUND is the operation's id."""

MAX_RESCUED_LISTED = 100
"""How many rescued paths of a topic one cycle puts on record: enough for people to see what happens, however
many different keys the payloads have."""
MAX_PATH = 1024
"""How many characters of a path are put on record. The reason why it was rescued shows in the first
names.MAX_PATH_TEXT of them."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One change of a topic's table.

    column_name: the column, or the path that was rescued; None for the table itself.
    cycle_id: the cycle that made the change; None for a change outside of cycles.
    """

    topic: str
    change_type: str
    column_name: str | None
    cycle_id: str | None
    old_value: str | None = None
    new_value: str | None = None
    layer: str = "standardized"
    source: str = PAYLOAD

    @property
    def drift_id(self) -> str:
        # A column can be added, dropped and added again, and a table can be moved back more than once, so the
        # cycle is part of the id. That a path is rescued is one fact, however many cycles see it.
        cycle = self.cycle_id if self.change_type in (COLUMN_ADDED, TABLE_ROLLED_BACK) else None
        if self.change_type == REWOUND:
            cycle = self.source
        # Two operations may come between the same cycles.
        cycle = self.new_value if self.change_type == REBUILT else cycle
        return deterministic_id(self.topic, self.layer, self.change_type, self.column_name, cycle)


def rescue_of(path: str) -> str:
    """Returns why flatten put a path, as names.path_text writes it, into rescued_data."""
    return TOO_DEEP if len(names.path_segments(path)) > names.MAX_DEPTH else COLUMN_RESCUED


def row_of(drift: Drift, detected_at: datetime) -> dict[str, Any]:
    """Returns a change as a row of the table drift_log."""
    return {
        "drift_id": drift.drift_id,
        "topic_name": drift.topic,
        "layer": drift.layer,
        "change_type": drift.change_type,
        "column_name": drift.column_name,
        "old_value": drift.old_value,
        "new_value": drift.new_value,
        "source": drift.source,
        "cycle_id": drift.cycle_id,
        "detected_at": naive_utc(detected_at),
    }
