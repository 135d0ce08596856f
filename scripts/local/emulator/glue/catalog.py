"""The Glue catalog's compare-and-set, made atomic.

Iceberg commits by UpdateTable with the VersionId it read. ministack checks the id and then writes, on a
thread for each request: two commits could both pass the check, and one of them would be lost without a word.
"""

import threading
from collections.abc import Callable
from typing import Any

_lock = threading.RLock()

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


def serialized(handler: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """`handler`, one at a time with every other handler so wrapped."""

    def call(data: dict[str, Any]) -> Any:
        with _lock:
            return handler(data)

    return call
