"""The columns of single payloads, for tests that need no table around them."""

from collections.abc import Set

from lean_ops.columns.column_paths import by_column
from lean_ops.columns.names import column_name
from lean_ops.payload.flatten import Flattener
from lean_ops.payload.json_text import compact, parse

_flattener = Flattener()


def columns_of(payload: str) -> dict[str, str | None]:
    """Returns the columns of a payload whose topic has had no other one."""
    return by_column(_flattener.flatten(payload).values.items(), {})[0]


def columns_with_opaque(payload: str, opaque: Set[str]) -> dict[str, str | None]:
    """Returns the columns of a payload of which the objects of some names of the root stay JSON text."""
    columns, value = columns_of(payload), parse(payload)
    for name in opaque & value.keys() if isinstance(value, dict) else ():
        if isinstance(value[name], dict):
            column = column_name([name])
            columns = {key: text for key, text in columns.items() if not key.startswith(f"{column}__")}
            columns[column] = compact(value[name])
    return columns
