"""The fence of an operation: both tables of a topic get the epoch that the registry has for it."""

from collections.abc import Iterator

from lean_ops.bookkeeping.operation import OperationError
from lean_ops.columns import names
from lean_ops.tables.spark_tables import Tables

LAYERS = ("standardized", "curated")


def fence(tables: Tables, topic: str, epoch: int) -> int:
    """Raises the epoch of the topic's tables to this one, so that nobody who began under a lower one commits
    any more. Returns how many tables the topic has.

    Tables that have the epoch already stay as they are, so it can be repeated. Raises OperationError where a
    table has a later epoch: then no run could write to the topic again, as they all go by the registry.
    """
    present = list(tables_of(tables, topic))
    for table in present:
        there = tables.epoch(table)
        if there > epoch:
            raise OperationError(
                f"{table} has the epoch {there}, and the registry has {epoch} for {topic}. Set `epoch` of "
                "the topic's item in the registry to the later one, then resume the operation"
            )
        tables.raise_epoch(table, epoch)
    lower = [table for table in present if tables.epoch(table) < epoch]
    if lower:
        raise OperationError(f"{', '.join(lower)} still has a lower epoch than {epoch}: resume the operation")
    return len(present)


def tables_of(tables: Tables, topic: str) -> Iterator[str]:
    """Yields the full names of the tables that a topic has."""
    own = names.table_name(topic)
    for layer in LAYERS:
        if own in tables.listed(layer):
            yield tables.name(layer, own)
