"""Compaction of one topic: maintenance of its two tables, for an operation that has the topic to itself."""

from collections.abc import Mapping
from typing import Any

from lean_ops.bookkeeping.operation import OperationError
from lean_ops.maintenance.job import run_topic
from lean_ops.operations.fencing import tables_of
from lean_ops.ports.interfaces import Maintenance
from lean_ops.tables.spark_tables import Tables

_SIZES = {"files": "total-data-files", "bytes": "total-files-size"}
"""The names of counts, and of what a snapshot's summary says for them."""


def compact(job: Maintenance, tables: Tables, topic: str, epoch: int) -> Mapping[str, int]:
    """Expires snapshots and rewrites files of the topic's tables. Returns what they had before, and have now:
    files, bytes and snapshots.

    epoch: that under which the operation has the topic. It decides from the tables as they are, so it can be
    repeated. Raises OperationError when something could not be done.
    """
    before = _sizes(tables, topic)
    trouble = run_topic(job, topic, epoch).trouble()
    if trouble is not None:
        raise OperationError(trouble)
    after = _sizes(tables, topic)
    return {
        **{f"{name}_before": count for name, count in before.items()},
        **{f"{name}_after": count for name, count in after.items()},
    }


def _sizes(tables: Tables, topic: str) -> dict[str, int]:
    sizes = {**dict.fromkeys(_SIZES, 0), "snapshots": 0}
    for table in tables_of(tables, topic):
        metadata: Mapping[str, Any] = tables.metadata(table)
        snapshots = metadata.get("snapshots", [])
        sizes["snapshots"] += len(snapshots)
        current = metadata.get("current-snapshot-id")
        for one in snapshots:
            if one["snapshot-id"] == current:
                for name, source in _SIZES.items():
                    sizes[name] += int(one["summary"].get(source, 0))
    return sizes
