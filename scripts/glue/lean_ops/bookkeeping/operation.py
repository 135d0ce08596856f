"""An operation as its item in DynamoDB has it.

The twin is packages/common/src/core/operations/operation.ts, which says what the states and steps are, and
who writes which attribute. docs/data-contracts.md has the attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lean_ops.errors import LeanOpsError
from lean_ops.ports.interfaces import KEYS, Item

RUNNING, DONE, CANCELLED = "RUNNING", "DONE", "CANCELLED"
BUILDING, BUILT, DRAINED, APPLIED = "BUILDING", "BUILT", "DRAINED", "APPLIED"
_ENDED = (DONE, CANCELLED)
_LOCK, _IGNORED = "topic#", "ignored#"


class OperationError(LeanOpsError):
    """The operation cannot be done in the state that it or its topic is in. The message says why."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation.

    operation_id: sorts by the time of its request. kind: such as `hold`. step: the last one that is done.
    plan, counts: what was planned and what was done. requested_at, ended_at: ISO 8601. recorded_state: the
    state that its row in the table of operations has; "" where it has no row.
    """

    operation_id: str
    kind: str
    topic: str
    state: str
    step: str
    requested_by: str
    reason: str
    plan: Mapping[str, Any]
    counts: Mapping[str, Any]
    requested_at: str
    ended_at: str | None
    error: str | None
    recorded_state: str

    @property
    def is_ended(self) -> bool:
        return self.state in _ENDED

    @property
    def lacks_row(self) -> bool:
        """Whether it has ended and the table of operations does not say so yet."""
        return self.is_ended and self.recorded_state != self.state


def read_operation(item: Item) -> Operation | None:
    """Returns the operation of an item; None for the lock of a topic, for the keys of an erasure, and for the
    mark of an error that people ignore.

    Raises OperationError for an item that is neither.
    """
    operation_id = str(item.get("operation_id", ""))
    if operation_id.startswith((_LOCK, KEYS, _IGNORED)):
        return None
    lacking = [name for name in ("kind", "topic", "state", "step", "requested_at") if not item.get(name)]
    if not operation_id or lacking:
        raise OperationError(f"the item of operation {operation_id!r} lacks {', '.join(lacking) or 'its id'}")
    recorded = item.get("recorded") is True
    return Operation(
        operation_id=operation_id,
        kind=str(item["kind"]),
        topic=str(item["topic"]),
        state=str(item["state"]),
        step=str(item["step"]),
        requested_by=str(item.get("requested_by", "")),
        reason=str(item.get("reason", "")),
        plan=item.get("plan") or {},
        counts=item.get("counts") or {},
        requested_at=str(item["requested_at"]),
        ended_at=item.get("ended_at"),
        error=item.get("error"),
        recorded_state=str(item.get("recorded_state", DONE)) if recorded else "",
    )
