"""The kind replay: errors that are on record are judged once more, and what is valid now comes into the
topic's tables."""

from collections.abc import Mapping
from typing import Any

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.ledger_corrections import commits_of, correction_of
from lean_ops.bookkeeping.operation import Operation, OperationError
from lean_ops.bookkeeping.unrecorded import enter_unrecorded
from lean_ops.operations.fencing import LAYERS
from lean_ops.ports.interfaces import OperationJob
from lean_ops.rebuild.position import live_table
from lean_ops.replay.curated import CuratedReplay
from lean_ops.replay.selection import Wish
from lean_ops.replay.unread import UnreadReplay, remove_beside
from lean_ops.tables.spark_tables import Tables
from lean_ops.validation.topic_schema import TopicSchema, read_schema


def replay(job: OperationJob, tables: Tables, operation: Operation, epoch: int) -> Mapping[str, Any]:
    """Replays the errors that the operation's plan names. Returns how many were chosen, and what became of
    them. epoch: that under which the operation has the topic. It can be repeated.

    Raises OperationError where the errors or the schema are not those of the plan.
    """
    wish = Wish.of(operation)
    schema = _schema(job, operation, wish)
    unread = UnreadReplay(job=job, tables=tables, operation=operation, epoch=epoch, schema=schema, wish=wish)
    recorded = (
        None
        if schema is None
        else CuratedReplay(job=job, tables=tables, operation=operation, epoch=epoch, schema=schema, wish=wish)
    )
    # All of it is compared with the plan before anything is done, as each part changes what the other finds.
    unread.check()
    if recorded is not None:
        recorded.check()
    for layer in LAYERS:
        enter_unrecorded(tables, job.checkpoints, operation.topic, layer)
    return unread.run() | ({} if recorded is None else recorded.run())


def clean_up(job: OperationJob, tables: Tables, operation: Operation) -> Mapping[str, Any]:
    """Enters into the ledger what a cancelled replay has brought into tables, and removes what it has put
    beside them. Its errors stay open: another replay finds their messages in the tables."""
    remove_beside(tables, operation)
    entries = []
    for layer in LAYERS:
        found = live_table(tables, job.checkpoints, layer, operation.topic)
        commits = [] if found is None else commits_of(found.table, operation.operation_id)
        # The newest one has the counts of all.
        found_entries = (correction_of(operation.topic, layer, one) for one in commits[:1])
        entries += [entry for entry in found_entries if entry is not None]
    ledger.write(tables, entries)
    return {"entries": len(entries)}


def _schema(job: OperationJob, operation: Operation, wish: Wish) -> TopicSchema | None:
    text = job.schemas.active(operation.topic)
    schema = None if text is None else read_schema(text, operation.topic)
    now = None if schema is None else schema.version
    if now != wish.schema_version:
        raise OperationError(
            f"PLAN_STALE: the plan was made under version {wish.schema_version} of the schema, and {now} is "
            "active: cancel the operation (lean-ops op cancel) and plan anew"
        )
    return schema
