"""Names of topics, tables and columns.

The twins in TypeScript are packages/common/src/core/topic.ts and schema/columns.ts. Both languages run
tests/conformance/topic_names.json and column_names.json (tests/glue/columns/test_names.py here), and both
hold the lists of names to schemas/type-table.json.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

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
MAX_PATH_TEXT = 2 * (MAX_COLUMN_NAME + 1)
"""The longest path, as path_text writes it, that may have a column, in characters.

A path in ASCII whose column is not too long is never longer, even when every character is escaped. Beyond
ASCII a long name has a short column, and without this bound the texts of the paths below it would grow with
the square of the payload."""

_TOPIC = re.compile(r"[a-z][a-z0-9._-]{0,127}")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,127}")
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*")
_OTHER = re.compile(r"[^a-z0-9_]")
_RUNS = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_ACCENT = re.compile("[\u0300-\u036f]")
_LATIN = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
"""The letters of which Unicode says what base letter and accents they are made of. That never changes, while
other ranges still get new characters, which one of two engines may not know yet."""
LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i"}
"""Small Latin letters that are not made of a base letter and accents, and how they are spelled in ASCII."""
_MAX_SPELLED, _KEPT_OF_SPELLED, _HASH_DIGITS = 60, 43, 16
"""A name beyond ASCII whose spelling is longer than the first number keeps so many of its characters and gets
so many hexadecimal digits of a hash: a few letters of nested names would else fill a column's name."""
_PATH_PARTS = re.compile(r"\\u([0-9a-f]{4})|\\([\\.])|(\.)|[^\\.]+")
"""A code point, an escaped character, a dot between segments, or text."""
_HALF = re.compile("[\ud800-\udfff]")

ROOT = "$."
"""Goes before a path, as path_text writes it, in the keys of cycle_delta and in the comments of columns.

The names of columns, which cycle_delta had as keys once, never begin so, and what people write in comments
rarely does."""


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

    Segments are joined with `__` and lower-cased, and every other ASCII character than a-z, 0-9 and _ becomes
    one `_`. Beyond ASCII, Latin letters lose their accents, and any other character becomes `u` and its code
    point, so that `温度` is `u6e29u5ea6`; where that gets long, its end is a hash. A leading digit gets a `_`
    before it, and a name that belongs to the pipeline or to an engine gets `payload__`. Two paths may still
    have one column (`Id` and `id`); columns/column_paths.py says which of them gets it.
    """
    joined = "__".join(segment if segment.isascii() else _in_ascii(segment) for segment in path)
    plain = _OTHER.sub("_", joined.lower()) or "_"
    name = f"_{plain}" if plain[0].isdigit() else plain
    return f"payload__{name}" if name in RESERVED_COLUMNS or name in ENGINE_COLUMNS else name


def member_prefix(path: Sequence[str]) -> str:
    """The beginning that the columns of all members of the object at a path have: `meta__gps__` for
    `meta.gps`.

    It is the path's, also where the object's own column is a reserved name with `payload__` before it.
    """
    return column_name((*path, "x"))[:-1]


def _in_ascii(segment: str) -> str:
    """A name spelled in ASCII. `_` parts code points from ASCII letters and digits beside them."""
    unaccented = _LATIN.sub(_without_accents, _ACCENT.sub("", segment))
    if unaccented.isascii():
        return unaccented
    spelled: list[str] = []
    for run in _RUNS.findall(unaccented):
        text = run if run.isascii() else "".join(f"u{ord(character):04x}" for character in run)
        # Where two runs meet, one of them is code points.
        if spelled and spelled[-1][-1].isalnum() and text[0].isalnum():
            spelled.append("_")
        spelled.append(text)
    name = "".join(spelled)
    if len(name) <= _MAX_SPELLED:
        return name
    return f"{name[:_KEPT_OF_SPELLED]}_{hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]}"


def _without_accents(found: re.Match[str]) -> str:
    letter = found.group()
    base = _ACCENT.sub("", unicodedata.normalize("NFD", letter))
    small = base.lower()
    return LETTERS.get(small, base) if len(small) == 1 else base


def path_text(path: Sequence[str]) -> str:
    """A path as rescued_data and drift_log spell it: `meta.gps.lat`.

    A dot within a name is written as `\\.`, a backslash as two, and half of a surrogate pair, which UTF-8
    cannot have, as `\\ud800`, so that no two paths have the same text.
    """
    text = ".".join(segment.replace("\\", "\\\\").replace(".", "\\.") for segment in path)
    return text if text.isascii() else _HALF.sub(lambda half: f"\\u{ord(half.group()):04x}", text)


def path_segments(text: str) -> tuple[str, ...]:
    """The path of which path_text made this text."""
    segments: list[list[str]] = [[]]
    for part in _PATH_PARTS.finditer(text):
        code_point, escaped, dot = part.groups()
        if dot:
            segments.append([])
        else:
            segments[-1].append(chr(int(code_point, 16)) if code_point else escaped or part.group())
    return tuple("".join(parts) for parts in segments)


def path_key(path: Sequence[str]) -> str:
    """A path as the keys of cycle_delta's `columns` spell it: `$.meta.gps.lat`."""
    return ROOT + path_text(path)


@lru_cache(maxsize=100_000)
def column_of(key: str) -> str:
    """The column of a key of cycle_delta's `columns`. The rows of earlier versions have the column itself."""
    return column_name(path_segments(key[len(ROOT) :])) if key.startswith(ROOT) else key


def may_have_column(key: str) -> bool:
    """Whether a path, as path_key writes it, is short enough for a column."""
    return len(key) <= len(ROOT) + MAX_PATH_TEXT and len(column_of(key)) <= MAX_COLUMN_NAME


OVERFLOW_MARK = "\\(column)"
"""Follows a column's name in rescued_data where a rescued path has the same text. No path_text contains it,
so both values are kept."""
PATH_MARK = "\\(path)"
"""Follows a path in rescued_data that another path keeps from its column, where the path reads like the
column's name."""


def is_column_name(text: str) -> bool:
    """Whether a payload's column can be called so: it is a name that column_name gives, and gives back.

    A text of rescued_data that is one, without or with OVERFLOW_MARK, names a column whose value overflowed.
    """
    return (
        _COLUMN.fullmatch(text) is not None and len(text) <= MAX_COLUMN_NAME and column_name((text,)) == text
    )
