"""The columns of single payloads, for tests that need no table around them."""

from lean_ops.columns.column_paths import by_column
from lean_ops.payload.flatten import Flattener

_flattener = Flattener()


def columns_of(payload: str) -> dict[str, str | None]:
    """Returns the columns of a payload whose topic has had no other one."""
    return by_column(_flattener.flatten(payload).values.items(), {})[0]
