"""The kind replay: errors that are on record are judged once more, and what is valid now comes into the
topic's tables."""

from collections.abc import Mapping
from typing import Any

from lean_ops.bookkeeping.operation import Operation, OperationError
from lean_ops.ports.interfaces import OperationJob
from lean_ops.replay.curated import CuratedReplay
from lean_ops.replay.selection import Wish
from lean_ops.replay.unread import UnreadReplay
from lean_ops.tables.spark_tables import Tables
from lean_ops.validation.topic_schema import TopicSchema, read_schema


def replay(job: OperationJob, tables: Tables, operation: Operation, epoch: int) -> Mapping[str, Any]:
    """Replays the errors that the operation's plan names. Returns how many were chosen, and what became of
    them. epoch: that under which the operation has the topic. It can be repeated.

    Raises OperationError where the errors or the schema are not those of the plan.
    """
    wish = Wish.of(operation)
    schema = _schema(job, operation, wish)
    counts = UnreadReplay(
        job=job, tables=tables, operation=operation, epoch=epoch, schema=schema, wish=wish
    ).run()
    if schema is not None:
        counts |= CuratedReplay(
            job=job, tables=tables, operation=operation, epoch=epoch, schema=schema, wish=wish
        ).run()
    return counts


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
