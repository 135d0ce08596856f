"""A payload's text to columns: DESIGN §4, exactly. Plain Python; `flatten_batches` runs it over Arrow
batches."""

import json
import re
from typing import NamedTuple

from lean_ops.columns import names
from lean_ops.payload.json_text import Json, compact, parse, scalar

VALUE_COLUMN = "value"
"""Where a payload goes that is valid JSON and no object."""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_CACHED_NAMES = 100_000


class Flattened(NamedTuple):
    """columns: name to text or None (null). rescued: path to text or None, for values that no column could
    take."""

    columns: dict[str, str | None]
    rescued: dict[str, str | None]

    @property
    def rescued_text(self) -> str | None:
        """The value of the column rescued_data: JSON text, None when nothing was rescued."""
        if not self.rescued:
            return None
        return json.dumps(self.rescued, ensure_ascii=False, separators=(",", ":"))


class _Name:
    """A payload path with its column, and the names below it: computed once, met in every event of a
    topic."""

    __slots__ = ("below", "column", "fits", "path")

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path
        self.column = names.column_name(path) if path else ""
        self.fits = len(self.column) <= names.MAX_COLUMN_NAME
        self.below: dict[str, _Name] = {}


class Flattener:
    """Flattens payloads. Keeps a bounded cache of names, so one instance serves many payloads; not
    thread-safe."""

    def __init__(self) -> None:
        self._root = _Name(())
        self._cached = 0

    def flatten(self, payload: str) -> Flattened:
        """Raises json_text.InvalidJsonError for what RFC 8259 does not allow."""
        value = parse(payload)
        result = Flattened({}, {})
        if type(value) is dict:
            self._object(value, self._root, result)
        else:
            result.columns[VALUE_COLUMN] = compact(value)
        if _SURROGATE_ESCAPE.search(payload):
            return Flattened(_mend(result.columns), _mend(result.rescued))
        return result

    def _object(self, members: dict[str, Json], parent: _Name, result: Flattened) -> None:
        columns = result.columns
        below = parent.below
        for key, value in members.items():
            name = below.get(key) or self._name(parent, key)
            # Below a name that is too long all are: their paths would take the square of the payload.
            if type(value) is dict and value and name.fits:
                if len(name.path) < names.MAX_DEPTH:
                    self._object(value, name, result)
                else:
                    for inner, deep in value.items():
                        _rescue(result.rescued, (*name.path, inner), _text(deep))
            elif name.fits and name.column not in columns:
                columns[name.column] = _text(value)
            else:
                _rescue(result.rescued, name.path, _text(value))

    def _name(self, parent: _Name, key: str) -> _Name:
        name = _Name((*parent.path, key))
        if not name.fits:
            return name  # not kept, as it may have any length
        if self._cached >= _MAX_CACHED_NAMES:
            # Names without end, such as ids used as keys: forget them rather than grow.
            self._root, self._cached = _Name(()), 0
        parent.below[key] = name
        self._cached += 1
        return name


def _text(value: Json) -> str | None:
    if type(value) in (dict, list):
        return compact(value)
    return scalar(value)


def _rescue(rescued: dict[str, str | None], path: tuple[str, ...], text: str | None) -> None:
    rescued[names.path_text(path)] = text


def _mend(values: dict[str, str | None]) -> dict[str, str | None]:
    """Half a surrogate pair is no character and has no UTF-8 form: U+FFFD stands for it."""
    mended: dict[str, str | None] = {}
    copies: dict[str, int] = {}
    for key, text in values.items():
        name = mended_key = _SURROGATE.sub("\ufffd", key)
        while name in mended:  # names that differed in such halves only: keep all values
            copies[mended_key] = copies.get(mended_key, 0) + 1
            name = f"{mended_key}'{copies[mended_key]}"
        mended[name] = None if text is None else _SURROGATE.sub("\ufffd", text)
    return mended
