"""Tells whether rows that were written by one schema of a table can be read by another one.

Iceberg reads a column by its id, and widens a few types: https://iceberg.apache.org/spec/#schema-evolution
packages/common/src/core/warehouse/table-history.ts is its twin; tests/conformance/promotions.json holds both.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_WIDER = {("int", "long"), ("float", "double")}
_DECIMAL = re.compile(r"decimal\((\d+), *(\d+)\)")


def reads_as(written: Mapping[str, Any], reading: Mapping[str, Any]) -> bool:
    """Whether every column that both schemas have can be read by the second one.

    written, reading: schemas as the metadata of a table has them, in JSON. A column that only one of them
    has is no obstacle: it is left out, or NULL.
    """
    types = dict(_types(reading))
    return all(one not in types or _is_read_as(before, types[one]) for one, before in _types(written))


def hidden_columns(written: Mapping[str, Any], reading: Mapping[str, Any]) -> list[str]:
    """The columns of the first schema that the second one has anew, under another id: of rows that were
    written by the first one, the second one reads NULL there.

    A column that has another name by now keeps its id, and one that is gone is missed by nobody.
    """
    ids = {field["id"] for field in reading["fields"]}
    names = {field["name"] for field in reading["fields"]}
    return [field["name"] for field in written["fields"] if field["id"] not in ids and field["name"] in names]


def _types(type_: Any) -> Iterator[tuple[int, str]]:
    """The ids of all fields, with their types; those of a nested type by its kind."""
    if not isinstance(type_, Mapping):
        return
    for field in type_.get("fields", ()):
        yield int(field["id"]), _name(field["type"])
        yield from _types(field["type"])
    for part in ("element", "key", "value"):
        if part in type_:
            yield int(type_[f"{part}-id"]), _name(type_[part])
            yield from _types(type_[part])


def _name(type_: Any) -> str:
    return str(type_["type"]) if isinstance(type_, Mapping) else str(type_)


def _is_read_as(before: str, after: str) -> bool:
    if before == after or (before, after) in _WIDER:
        return True
    old, new = _DECIMAL.fullmatch(before), _DECIMAL.fullmatch(after)
    return old is not None and new is not None and old[2] == new[2] and int(old[1]) <= int(new[1])
