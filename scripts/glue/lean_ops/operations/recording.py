"""The table of operations: a row for each operation that has ended, for those who ask later who did what, and
why."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from lean_ops.bookkeeping.operation import Operation
from lean_ops.tables.ops_rows import naive_utc, to_frame
from lean_ops.tables.spark_tables import Tables

TABLE = "operations"
SCHEMA = (
    "operation_id string, kind string, topic_name string, state string, requested_by string, reason string, "
    "plan string, counts string, requested_at timestamp_ntz, ended_at timestamp_ntz, error string"
)


def record(tables: Tables, ended: Iterable[Operation]) -> None:
    """Writes the rows of operations that have ended, in one commit. A row replaces that of the same
    operation, so a run that was killed writes none twice."""
    rows = [_row(one) for one in ended]
    if rows:
        frame = to_frame(tables.spark, rows, SCHEMA).coalesce(1)
        tables.upsert(frame, tables.name("ops", TABLE), ["operation_id"], {})


def _row(one: Operation) -> dict[str, Any]:
    return {
        "operation_id": one.operation_id,
        "kind": one.kind,
        "topic_name": one.topic,
        "state": one.state,
        "requested_by": one.requested_by,
        "reason": one.reason,
        "plan": json.dumps(dict(one.plan), sort_keys=True),
        "counts": json.dumps(dict(one.counts), sort_keys=True),
        "requested_at": _time(one.requested_at),
        "ended_at": _time(one.ended_at),
        "error": one.error,
    }


def _time(text: str | None) -> datetime | None:
    return None if text is None else naive_utc(datetime.fromisoformat(text))
