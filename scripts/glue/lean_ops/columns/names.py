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
"""The envelope's columns that are times."""
KEY = "idempotency_key"
"""Versions of one record share it."""
RESCUED = "rescued_data"
SCHEMA_VERSION = "schema_version"
RESERVED_COLUMNS = frozenset((*ENVELOPE_COLUMNS, RESCUED, SCHEMA_VERSION))

MAX_DEPTH = 16
"""Levels of nesting that become columns; what lies deeper goes to rescued_data."""
MAX_COLUMN_NAME = 255
"""Glue's limit, in characters."""

_TOPIC = re.compile(r"[a-z][a-z0-9._-]{0,127}")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,127}")
_OTHER = re.compile(r"[^a-z0-9_]")


def is_topic(name: str | None) -> bool:
    return name is not None and _TOPIC.fullmatch(name) is not None


def table_name(topic: str) -> str:
    """The table of a topic. Topics can share one (`a.b`, `a-b`): see provisioning for who owns it.

    Raises ValueError for what is no topic name, so that nothing unchecked gets into SQL or a path.
    """
    if not is_topic(topic):
        raise ValueError(f"{topic!r} is no topic name")
    return topic.replace(".", "_").replace("-", "_")


def is_table(name: str) -> bool:
    return _TABLE.fullmatch(name) is not None


def column_name(path: Sequence[str]) -> str:
    """The column a payload path ends in.

    Segments join with `__`, lower-cased; every other character than a-z, 0-9 and _ turns to `_` (one for each
    code point); `_` goes before a leading digit; `payload__` before a name that belongs to the pipeline. Two
    paths may share a column: flatten decides what then.
    """
    plain = _OTHER.sub("_", "__".join(path).lower()) or "_"
    name = f"_{plain}" if plain[0].isdigit() else plain
    return f"payload__{name}" if name in RESERVED_COLUMNS else name


def path_text(path: Sequence[str]) -> str:
    """A path as rescued_data and drift_log show it: `meta.gps.lat`, a dot within a name as `\\.`, so it stays
    unique."""
    return ".".join(segment.replace("\\", "\\\\").replace(".", "\\.") for segment in path)


OVERFLOW_MARK = "\\(column)"
"""After a column's name where a rescued path reads the same. No path_text holds it, so both values stay."""
