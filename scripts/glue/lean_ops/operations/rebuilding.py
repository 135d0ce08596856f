"""The kind rebuild: what it does before its topic is held, while it is held, and when it was cancelled."""

from collections.abc import Mapping
from typing import Any

from lean_ops.bookkeeping.operation import Operation
from lean_ops.ports.interfaces import OperationJob
from lean_ops.rebuild.audit import check_rejected, totals_of
from lean_ops.rebuild.begin import begin
from lean_ops.rebuild.build import build
from lean_ops.rebuild.swapping import remove_all, swap_all
from lean_ops.tables.spark_tables import Tables


def build_beside(job: OperationJob, tables: Tables, operation: Operation) -> Mapping[str, Any]:
    """Builds the topic's tables beside those that people read, while cycles go on. Returns how far it came.

    Raises OperationError where the counts do not add up or the schema rejects too much, so that the topic is
    not held for that.
    """
    rebuild = begin(job, tables, operation)
    progress: dict[str, Any] = dict(build(rebuild))
    totals = {layer: totals_of(rebuild, layer) for layer in rebuild.layers}
    if "curated" in totals:
        check_rejected(rebuild, totals["curated"])
        progress["rejected"] = totals["curated"]["rejected"]
    return progress


def swap_in(job: OperationJob, tables: Tables, operation: Operation, epoch: int) -> Mapping[str, Any]:
    """Swaps the tables of a topic that is held, and fenced under this epoch. Returns the counts."""
    return {"epoch": epoch, **swap_all(job, tables, operation, epoch)}


def clean_up(tables: Tables, operation: Operation) -> Mapping[str, Any]:
    """Removes what a cancelled rebuild has built. Returns how many shadows there were."""
    return {"shadows_removed": remove_all(tables, operation)}
