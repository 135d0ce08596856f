"""Flattens the text of a payload into texts by path, by the rules of docs/data-contracts.md, Flattening.

Which column a path has is decided later, topic by topic: columns/column_paths.py. It is plain Python;
`flatten_batches` runs it over Arrow batches. The vectors in tests/conformance/flatten.json say what becomes
of a payload, and tests/glue/payload/test_flatten.py holds both modules to them. What TypeScript has of these
rules, the names of columns, is in packages/common/src/core/schema/columns.ts.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from lean_ops.columns import names
from lean_ops.columns.column_paths import rescued_text
from lean_ops.payload.json_text import InvalidJsonError, Json, compact, parse, scalar

_VALUE = names.path_key(("value",))
"""A payload that is valid JSON but not an object counts as an object with this one member."""

_BYTE_ORDER_MARK = "\ufeff"
_BEFORE_JSON = _BYTE_ORDER_MARK + " \t\n\r"
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_CACHED_NAMES = 100_000
"""When a flattener has so many names in its cache, it empties the cache."""


class Flattened(NamedTuple):
    """A flattened payload: texts by path. A JSON null is None.

    values: of the paths that may have a column, as names.path_key writes them. rescued: of the paths that are
    too deep or too long for one, as names.path_text writes them.
    """

    values: dict[str, str | None]
    rescued: dict[str, str | None]

    @property
    def rescued_text(self) -> str | None:
        """The value for the column rescued_data: JSON text, or None when nothing was rescued."""
        return rescued_text(self.rescued)


class _Name:
    """A path of the payload with its key and the names below it. fits: it may have a column.

    It is computed once and kept, because most events of a topic have the same paths.
    """

    __slots__ = ("below", "fits", "key", "path")

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path
        self.key = names.path_key(path)
        self.fits = names.may_have_column(self.key)
        self.below: dict[str, _Name] = {}


class Flattener:
    """Flattens payloads. One instance serves many of them, with a bounded cache of names; it is not
    thread-safe."""

    def __init__(self) -> None:
        self._root = _Name(())
        self._cached = 0

    def flatten(self, payload: str, read: Callable[[str], Json] = parse) -> Flattened:
        """Flattens one payload. Raises json_text.InvalidJsonError when RFC 8259 does not allow its text.

        read: json_text.parse, or opaque.OpaqueReader.read of a topic that keeps some objects as sent.
        """
        value = payload_value(payload, read)
        result = Flattened({}, {})
        if type(value) is dict:
            self._object(value, self._root, result)
        else:
            result.values[_VALUE] = value if type(value) is str else compact(value)
        # The escape may stand in a text within the text: its backslash is then two, or an escape itself.
        if _SURROGATE_ESCAPE.search(payload) or (
            payload.lstrip(_BEFORE_JSON).startswith('"') and "\\" in payload
        ):
            return Flattened(_mended(result.values), _mended(result.rescued))
        return result

    def _object(self, members: dict[str, Json], parent: _Name, result: Flattened) -> None:
        below = parent.below
        for key, value in members.items():
            name = below.get(key) or self._name(parent, key)
            # All names below one that is too long are too long as well, and the texts of their paths would
            # grow with the square of the payload. The object is therefore rescued as a whole.
            if type(value) is dict and value and name.fits:
                if len(name.path) < names.MAX_DEPTH:
                    self._object(value, name, result)
                else:
                    for inner, deep in value.items():
                        result.rescued[names.path_text((*name.path, inner))] = _text(deep)
            elif name.fits:
                result.values[name.key] = _text(value)
            else:
                result.rescued[names.path_text(name.path)] = _text(value)

    def _name(self, parent: _Name, key: str) -> _Name:
        name = _Name((*parent.path, key))
        if not name.fits:
            return name  # It may have any length, so it is not kept.
        if self._cached >= _MAX_CACHED_NAMES:
            # Some payloads have ever new names, such as ids used as keys: forget them rather than fill the
            # memory.
            self._root, self._cached = _Name(()), 0
        parent.below[key] = name
        self._cached += 1
        return name


def payload_value(payload: str, read: Callable[[str], Json] = parse) -> Json:
    """The value of a payload's text. Byte order marks in front are no part of it.

    A JSON string is the object or array that its text holds, and otherwise that text: sqs-processor
    (packages/common/src/core/envelope/payload-text.ts) writes such an object into RAW already, but rows that
    others wrote, and bare bodies from before, have the string. Raises json_text.InvalidJsonError.

    read: as in Flattener.flatten.
    """
    value = read(payload.lstrip(_BYTE_ORDER_MARK))
    if type(value) is not str:
        return value
    inner = value.lstrip(_BYTE_ORDER_MARK)
    if not inner.lstrip(" \t\n\r").startswith(("{", "[")):
        return value
    try:
        return read(inner)
    except InvalidJsonError:
        return value


def _text(value: Json) -> str | None:
    if type(value) in (dict, list):
        return compact(value)
    return scalar(value)


def _mended(values: dict[str, str | None]) -> dict[str, str | None]:
    """The texts with U+FFFD for each half of a surrogate pair, which is no character and has no form in
    UTF-8. Paths spell such halves out."""
    return {path: None if text is None else _SURROGATE.sub("\ufffd", text) for path, text in values.items()}
