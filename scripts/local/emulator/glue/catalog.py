"""The Glue catalog's compare-and-set, made atomic.

Iceberg commits by UpdateTable with the VersionId that it has read. ministack checks the id and then writes,
on a thread for each request. Two commits could both pass the check, and one of them would be lost without a
word.
"""

import threading
from collections.abc import Callable
from typing import Any

SERIALIZED = (
    "_create_table",
    "_update_table",
    "_delete_table",
    "_batch_delete_table",
    "_get_table",
    "_get_tables",
    "_create_database",
    "_delete_database",
    "_get_databases",
)
"""The handlers of ministack's catalog that must not run beside each other."""

_lock = threading.RLock()


def serialized(handler: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Wraps a handler so that no other wrapped handler runs at the same time."""

    def call(data: dict[str, Any]) -> Any:
        with _lock:
            return handler(data)

    return call
