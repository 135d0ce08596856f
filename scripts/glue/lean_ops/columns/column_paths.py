"""Which path of a topic's payloads has a column, where several paths end in one.

The first path that comes has the column, and the table keeps it as the column's comment. Any other path that
ends in the same column goes to rescued_data, in the same event and in every later one, so no column ever
holds the values of two paths. Paths are keys as names.path_key writes them. Keys that are column names, as in
rows of cycle_delta that an earlier version wrote, have their columns whatever the table says.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache

from lean_ops.columns import names

ColumnPaths = Mapping[str, str]
"""Column to the comment of the path that has it. A column that is absent is free for any path."""

_MAX_COMMENT_BYTES = 255
"""Glue takes 255 characters for a column's comment."""
_HASH_DIGITS = 16
_CUT = "…"
_NOT_IN_COMMENTS = "".join(map(chr, range(0x20))) + "\ufffe\uffff"
_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in _NOT_IN_COMMENTS})
"""Characters that Glue refuses in a comment. names.path_segments reads the escapes."""


@lru_cache(maxsize=100_000)
def comment_of(path: str) -> str:
    """The comment that a column gets for its path: the path, which people can read.

    It is on one line, and the end of a path that Glue finds too long is replaced by a hash.
    """
    text = path.translate(_ESCAPES)
    if len(text.encode()) <= _MAX_COMMENT_BYTES:
        return text
    kept = text.encode()[: _MAX_COMMENT_BYTES - len(_CUT.encode()) - _HASH_DIGITS].decode(errors="ignore")
    return f"{kept}{_CUT}{hashlib.sha256(path.encode()).hexdigest()[:_HASH_DIGITS]}"


def column_paths(comments: Mapping[str, str | None]) -> dict[str, str]:
    """The paths that have the columns of a table. comments: column to its comment.

    A comment that people have written is no path of the column, so the column counts as free.
    """
    return {column: comment for column, comment in comments.items() if comment and _is_of(comment, column)}


def _is_of(comment: str, column: str) -> bool:
    """Whether comment_of wrote a comment for a path of the column.

    A path that was cut cannot be read again, so its comment counts as one of the column.
    """
    if not comment.startswith(names.ROOT):
        return False
    if comment[-_HASH_DIGITS - 1 : -_HASH_DIGITS] == _CUT:
        return True
    path = names.path_key(names.path_segments(comment[len(names.ROOT) :]))
    return names.column_of(path) == column and comment_of(path) == comment


def assigned(known: ColumnPaths, paths: Iterable[str]) -> dict[str, str]:
    """The paths of columns that are in `known` or free, once these paths have come: column to path.

    Only the columns that `known` lacks are in the result. Of several paths that come at once, the choice
    depends on nothing but the paths.
    """
    chosen: dict[str, str] = {}
    for path in paths:
        column = names.column_of(path)
        if column in known or path == column or not names.may_have_column(path):
            continue
        other = chosen.get(column)
        if other is None or _rank(path) < _rank(other):
            chosen[column] = path
    return chosen


def new_column_paths(known: ColumnPaths, paths: Iterable[str]) -> dict[str, str]:
    """What `known` gains once these paths have come: for each column that `assigned` finds, its comment."""
    return {column: comment_of(path) for column, path in assigned(known, paths).items()}


def _rank(path: str) -> tuple[bool, str]:
    """Paths compare by whether they spell the column exactly, which come first, and then as texts."""
    return "__".join(names.path_segments(path[len(names.ROOT) :])) != names.column_of(path), path


def has_column(path: str, known: ColumnPaths) -> bool:
    """Whether a path may have its column: it is short enough, and the column is its own or free."""
    column = names.column_of(path)
    owner = known.get(column) if names.may_have_column(path) else ""
    return path == column or owner is None or owner == comment_of(path)


def by_column(
    values: Iterable[tuple[str, str | None]], known: ColumnPaths
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """The texts of one event by column, and the texts that get none, by their keys in rescued_data.

    values: paths with their texts, no path twice. known: the paths that have columns. Of several paths that
    end in a free column, the one that `assigned` chooses gets it.
    """
    listed = dict(values)
    free = assigned(known, listed)
    columns: dict[str, str | None] = {}
    rescued: dict[str, str | None] = {}
    for path, text in listed.items():
        column = names.column_of(path) if has_column(path, known) else ""
        if column and free.get(column, path) == path:
            columns[column] = text
        else:
            rescued[rescued_key(path)] = text
    return columns, rescued


def rescued_key(path: str) -> str:
    """The key in rescued_data of a path that another one keeps from its column: the path without names.ROOT.

    A path that reads like its column's name is marked, because that name alone stands for a value past
    max_columns.
    """
    text = path.removeprefix(names.ROOT)
    return text + names.PATH_MARK if text == names.column_of(path) else text


def rescued_text(rescued: Mapping[str, str | None]) -> str | None:
    """The text of rescued_data for these values, or None when there are none."""
    return json.dumps(rescued, ensure_ascii=False, separators=(",", ":")) if rescued else None
