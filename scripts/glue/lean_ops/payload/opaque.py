"""Reads payloads of a topic whose schema keeps some objects as they were sent (`x-flatten: false`).

Which ones is said by columns, as columns/names.py names them, and not by paths: whatever ends in such a
column is kept, however the payload spells it, because Curated reads columns as well. The decision is
docs/decisions/0053-opaque-paths.md. flatten.py leaves values alone that were kept here.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from lean_ops.columns import names
from lean_ops.payload.json_text import (
    SCAN_ERRORS,
    InvalidJsonError,
    Json,
    parse,
    read_key,
    scan,
    scan_deep,
    skip_space,
)

OpaqueColumns = Mapping[str, frozenset[str]]
"""Topic to the columns whose objects and arrays are kept as sent. Topics without any are absent."""

NONE_OPAQUE: OpaqueColumns = {}

_MAX_CACHED_SPOTS = 10_000
"""When a reader has so many member names in its cache, it empties the cache: ids may be used as keys beside
an opaque object, too."""
_VALUE = "value"
"""The column of a payload that is valid JSON but not an object."""

_NEXT_KEY = re.compile(r'[ \t\n\r]*,[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*').match
"""A comma and the next member's name, as nearly all are: without escapes. It saves half of the time."""

_Scan = Callable[[str, int], tuple[Json, int]]


class Verbatim(str):
    """The JSON text of an object or array, exactly as it stands in the payload."""

    __slots__ = ()


class _Spot:
    """A path of the payload. is_kept: an object or array there is kept as sent. leads_on: one within it may
    be."""

    __slots__ = ("below", "is_kept", "leads_on", "path")

    def __init__(self, path: tuple[str, ...], columns: Iterable[str]) -> None:
        prefix = names.member_prefix(path) if path else ""
        self.path = path
        self.is_kept = bool(path) and names.column_name(path) in columns
        self.leads_on = any(column.startswith(prefix) for column in columns)
        self.below: dict[str, _Spot] = {}


class OpaqueReader:
    """Reads payloads of one topic. It has a bounded cache and is not thread-safe.

    columns: those of which objects and arrays are kept.
    """

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = frozenset(columns)
        self._root = _Spot((), self._columns)
        self._cached = 0

    def read(self, text: str) -> Json:
        """The value of a JSON text, with a Verbatim in place of each object or array that is kept.

        Raises InvalidJsonError, of the same texts and with the same words as json_text.parse.
        """
        try:
            return self._read(text, scan)
        except (*SCAN_ERRORS, InvalidJsonError):
            parse(text)
        # The text is right, but nested deeper than the fast scanner follows.
        return self._read(text, scan_deep)

    def _read(self, text: str, scan_value: _Scan) -> Json:
        start = skip_space(text, 0)
        value: Json
        if text[start : start + 1] == "{":
            value, end = self._object(text, start, self._root, scan_value)
        else:
            value, end = scan_value(text, start)
            if type(value) is list and _VALUE in self._columns:
                value = Verbatim(text[start:end])
        end = skip_space(text, end)
        if end != len(text):
            raise InvalidJsonError("Extra data", text, end)
        return value

    def _object(
        self, text: str, position: int, spot: _Spot, scan_value: _Scan
    ) -> tuple[dict[str, Json], int]:
        """The object that begins at a position, and the position behind it."""
        members: dict[str, Json] = {}
        position = skip_space(text, position + 1)
        if text[position : position + 1] == "}":
            return members, position + 1
        value: Json
        key, start = read_key(text, position)
        while True:
            below = spot.below.get(key) or self._spot(spot, key)
            if below.leads_on and not below.is_kept and text[start : start + 1] == "{":
                value, end = self._object(text, start, below, scan_value)
            else:
                value, end = scan_value(text, start)
                if below.is_kept and type(value) in (dict, list):
                    value = Verbatim(text[start:end])
            members[key] = value
            plain = _NEXT_KEY(text, end)
            if plain:
                key, start = plain[1], plain.end()
                continue
            position = skip_space(text, end)
            delimiter = text[position : position + 1]
            if delimiter == "}":
                return members, position + 1
            if delimiter != ",":
                raise InvalidJsonError("Expecting ',' delimiter", text, position)
            key, start = read_key(text, skip_space(text, position + 1))

    def _spot(self, parent: _Spot, key: str) -> _Spot:
        if len(key) > names.MAX_PATH_TEXT:
            return _NOWHERE  # It may have any length, so it is not kept, and it has no column.
        spot = _Spot((*parent.path, key), self._columns)
        if self._cached >= _MAX_CACHED_SPOTS:
            # The spots on the way down to the parent are in use, and are found anew by the next payload.
            self._root, self._cached = _Spot((), self._columns), 0
        parent.below[key] = spot
        self._cached += 1
        return spot


_NOWHERE = _Spot(("",), frozenset())
