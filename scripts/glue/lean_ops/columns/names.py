"""Names of topics, tables and columns.

The twins in TypeScript are packages/common/src/core/topic.ts and schema/columns.ts. Both languages run
tests/conformance/topic_names.json and column_names.json (tests/glue/columns/test_names.py here), and both
hold the lists of names to schemas/type-table.json.
"""

import re
from collections.abc import Sequence

ENVELOPE_COLUMNS = (
    "message_id",
    "idempotency_key",
    "event_time",
    "produced_at",
    "received_at",
    "ingested_at",
    "cycle_id",
)
ENVELOPE_TIMES = ("event_time", "produced_at", "received_at", "ingested_at")
"""The columns of the envelope that hold times."""
KEY = "idempotency_key"
"""The column that all versions of one record have in common."""
RESCUED = "rescued_data"
"""The column for values that no other column could take, as JSON text."""
SCHEMA_VERSION = "schema_version"
RESERVED_COLUMNS = frozenset((*ENVELOPE_COLUMNS, RESCUED, SCHEMA_VERSION))
"""The columns that belong to the pipeline in Standardized or Curated."""
ENGINE_COLUMNS = frozenset(
    (
        "_file",
        "_pos",
        "_deleted",
        "_spec_id",
        "_partition",
        "_row_id",
        "_last_updated_sequence_number",
        "_change_type",
        "_change_ordinal",
        "_commit_snapshot_id",
        "__row_from_source",
        "__row_from_target",
        "__row_operation",
        "__original_row_id__file",
        "__original_row_id__pos",
        "__filename",
        "__fragment_index",
        "__batch_index",
        "__last_in_fragment",
    )
)
"""The names that engines give to columns of their own: Iceberg's metadata columns, those that Spark adds
while it runs MERGE, UPDATE and DELETE, and those that pyarrow adds to what it scans. A table with a column
of such a name cannot be read or changed by all of them; `engine_columns` in schemas/type-table.json says
which engine keeps each, and tests/glue/columns/test_engine_columns.py that the list is whole."""

MAX_DEPTH = 16
"""The levels of nesting that become columns. Values that lie deeper go to rescued_data."""
MAX_COLUMN_NAME = 255
"""The longest column name that the Glue catalog takes, in characters."""

_TOPIC = re.compile(r"[a-z][a-z0-9._-]{0,127}")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,127}")
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*")
_OTHER = re.compile(r"[^a-z0-9_]")


def is_topic(name: str | None) -> bool:
    return name is not None and _TOPIC.fullmatch(name) is not None


def table_name(topic: str) -> str:
    """The name of a topic's table. Several topics can map to one name (`a.b` and `a-b`); which of them owns
    the table is decided in bookkeeping/table_ownership.py.

    Raises ValueError when `topic` is not a topic name, so that no unchecked text gets into SQL or into a
    path.
    """
    if not is_topic(topic):
        raise ValueError(f"{topic!r} is no topic name")
    return topic.replace(".", "_").replace("-", "_")


def is_table(name: str) -> bool:
    return _TABLE.fullmatch(name) is not None


def column_name(path: Sequence[str]) -> str:
    """The column that a path of the payload becomes.

    Segments are joined with `__` and lower-cased. Every code point other than a-z, 0-9 and _ becomes one `_`.
    A leading digit gets a `_` before it, and a name that belongs to the pipeline or to an engine gets
    `payload__`. Two paths may map to one column; payload/flatten.py says which of them gets it.
    """
    plain = _OTHER.sub("_", "__".join(path).lower()) or "_"
    name = f"_{plain}" if plain[0].isdigit() else plain
    return f"payload__{name}" if name in RESERVED_COLUMNS or name in ENGINE_COLUMNS else name


def member_prefix(path: Sequence[str]) -> str:
    """The beginning that the columns of all members of the object at a path have: `meta__gps__` for
    `meta.gps`.

    It is the path's, also where the object's own column is a reserved name with `payload__` before it.
    """
    return column_name((*path, "x"))[:-1]


def path_text(path: Sequence[str]) -> str:
    """A path as rescued_data and drift_log spell it: `meta.gps.lat`.

    A dot within a name is written as `\\.` and a backslash as two, so that no two paths have the same text.
    """
    return ".".join(segment.replace("\\", "\\\\").replace(".", "\\.") for segment in path)


OVERFLOW_MARK = "\\(column)"
"""Follows a column's name in rescued_data where a rescued path has the same text. No path_text contains it,
so both values are kept."""


def is_column_name(text: str) -> bool:
    """Whether a payload's column can be called so: it is a name that column_name gives, and gives back.

    A text of rescued_data that is one, without or with OVERFLOW_MARK, names a column whose value overflowed.
    """
    return (
        _COLUMN.fullmatch(text) is not None and len(text) <= MAX_COLUMN_NAME and column_name((text,)) == text
    )
