"""The job operation: what an operation does in tables, once nobody writes to its topic any more.

The state machine of operations starts it after it has held the topic and waited for the runs that began
before, and ends the operation after it. The job may be killed at any moment and run again:

1. What the kind of the operation does recognises in the tables what is done.
2. The item gets the step APPLIED with the counts, and the keys that an erasure was about are deleted.
3. The table of operations gets the operation's row, and those of others that ended without a run of this job.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from lean_ops.bookkeeping import held_topics
from lean_ops.bookkeeping.operation import (
    APPLIED,
    BUILDING,
    BUILT,
    CANCELLED,
    DONE,
    DRAINED,
    RUNNING,
    Operation,
    OperationError,
    read_operation,
)
from lean_ops.bookkeeping.table_ownership import TOPIC_COLLISION, owners_of
from lean_ops.columns import names
from lean_ops.cycle_delta.summary import topic_cycles
from lean_ops.errors import reason
from lean_ops.operations.compacting import compact
from lean_ops.operations.fencing import fence
from lean_ops.operations.forgetting import forget
from lean_ops.operations.rebuilding import build_beside, clean_up, swap_in
from lean_ops.operations.recording import record
from lean_ops.operations.replaying import clean_up as clean_up_replay
from lean_ops.operations.replaying import replay
from lean_ops.operations.rewinding import move_tables
from lean_ops.ports.interfaces import ALL_TOPICS, Item, Maintenance, OperationJob
from lean_ops.ports.job_arguments import MaintenanceArguments
from lean_ops.tables.spark_tables import Tables

Counts = Mapping[str, Any]
_Part = TypeVar("_Part")


@dataclass(frozen=True)
class HeldTopic:
    """The topic of an operation, and the epoch that the registry has for it. owner: the topic that owns the
    tables of its name; None where no event has come yet."""

    topic: str
    epoch: int
    owner: str | None

    @property
    def has_tables(self) -> bool:
        """Whether the tables of its name, if there are any, are its own."""
        return self.owner in (None, self.topic)

    def fence(self, tables: Tables) -> int:
        """Fences its tables, and returns how many there are. Those of another topic are left alone."""
        return fence(tables, self.topic, self.epoch) if self.has_tables else 0


Apply = Callable[[OperationJob, Tables, Operation, HeldTopic], Counts]
"""Does what a kind of operation does in tables, and returns in numbers what was done. It can be repeated."""
CleanUp = Callable[[OperationJob, Tables, Operation], Counts]
"""Removes what a kind of operation has left that was cancelled. It can be repeated, too."""
Build = Callable[[OperationJob, Tables, Operation], Counts]
"""Does what a kind of operation does before its topic is held. It can be repeated, too."""


def run(job: OperationJob) -> Operation:
    """Does the operation that the arguments name. Returns it as it is then.

    Raises OperationError when it is not its turn, and what its kind raises.
    """
    tables = Tables(job.spark, job.arguments.database_prefix)
    operation = _read(job)
    if operation.state == CANCELLED:
        return _clean_up(job, tables, operation)
    if operation.step == BUILDING:
        return _build(job, tables, operation)
    if operation.step == DRAINED:
        counts = _of_kind(_KINDS, operation)(job, tables, operation, _held(job, operation))
        if not job.operations.apply(operation.operation_id, counts, job.clock()):
            raise _taken_away(operation)
        operation = replace(operation, step=APPLIED, counts=counts)
        job.log("operation applied", kind=operation.kind, topic_name=operation.topic, **counts)
    if operation.kind == "forget":
        job.keys.drop(operation.operation_id)
    _record(job, tables, operation)
    return operation


def _build(job: OperationJob, tables: Tables, operation: Operation) -> Operation:
    """Does what an operation does before it holds its topic: a rebuild builds, beside the tables that people
    read."""
    counts = _of_kind(_BUILDS, operation)(job, tables, operation)
    if not job.operations.built(operation.operation_id, counts, job.clock()):
        raise _taken_away(operation)
    job.log("operation built", kind=operation.kind, topic_name=operation.topic, **counts)
    return replace(operation, step=BUILT, counts=counts)


def _clean_up(job: OperationJob, tables: Tables, operation: Operation) -> Operation:
    """Removes what an operation has left that was cancelled, which has ended and given its topic back."""
    counts = _of_kind(_CLEAN_UPS, operation)(job, tables, operation)
    job.log("operation cleaned up", kind=operation.kind, topic_name=operation.topic, **counts)
    _record(job, tables, operation)
    return operation


def _taken_away(operation: Operation) -> OperationError:
    return OperationError(f"{operation.operation_id} was cancelled or taken up by another run meanwhile")


def _read(job: OperationJob) -> Operation:
    operation_id = job.arguments.operation_id
    item = job.operations.get(operation_id)
    operation = None if item is None else read_operation(item)
    if operation is None:
        raise OperationError(f"there is no operation {operation_id}")
    is_left = operation.state == CANCELLED and operation.kind in _CLEAN_UPS
    is_its_turn = operation.state == RUNNING and operation.step in (BUILDING, DRAINED, APPLIED)
    if not is_left and not is_its_turn:
        raise OperationError(
            f"{operation_id} is {operation.state} and its last step is {operation.step}: its state machine "
            "starts this job, and nobody else (lean-ops op resume)"
        )
    return operation


def _held(job: OperationJob, operation: Operation) -> HeldTopic:
    """Raises OperationError when the topic is not held: its runs would write while the operation does; and
    when it has no tables of its own, unless it is released."""
    topic = operation.topic
    registry = job.registry.items()
    holds = held_topics.holds_of((item for item in registry if item["topic_name"] == topic), job.clock())
    if holds.held.get(topic) not in held_topics.PAUSED:
        raise OperationError(f"{topic} is not held: somebody has released it by hand")
    table = names.table_name(topic)
    held = HeldTopic(topic, holds.epoch(topic), owners_of(registry).get(table))
    if not held.has_tables and operation.kind != "release":
        raise OperationError(
            f"{TOPIC_COLLISION}: the table {table} belongs to the topic {held.owner}, so {topic} has none: "
            "cancel the operation (lean-ops op cancel)"
        )
    return held


def _hold(_: OperationJob, tables: Tables, __: Operation, held: HeldTopic) -> Counts:
    return {"epoch": held.epoch, "tables": held.fence(tables)}


def _release(job: OperationJob, tables: Tables, _: Operation, held: HeldTopic) -> Counts:
    """Makes sure of the fence, as a hold that died may have left it undone, and counts what the next cycle
    takes. The registry gives the topic back after that."""
    return {
        "epoch": held.epoch,
        "tables": held.fence(tables),
        **_waiting(job, tables, held.topic),
    }


def _waiting(job: OperationJob, tables: Tables, topic: str) -> Counts:
    """Counts the cycles and messages that Standardized has not taken of the topic."""
    item: Item | None = job.checkpoints.get(ALL_TOPICS, "raw")
    note = held_topics.notes_of(item).get(topic)
    if note is None:
        return {"cycles_waiting": 0, "messages_waiting": 0}
    after = (item or {}).get("complete_through")
    works = topic_cycles(tables, after, None, earlier={topic: note.cycle_id})
    own = [work for work in works if work.topic == topic and work.cycle_id >= note.cycle_id]
    return {
        "cycles_waiting": len(own),
        "messages_waiting": sum(work.readable + work.refused for work in own),
    }


def _compact(job: OperationJob, tables: Tables, operation: Operation, held: HeldTopic) -> Counts:
    """Fences the tables first: the state machine has held the topic for this operation, with a new epoch."""
    held.fence(tables)
    arguments = job.arguments
    maintenance = Maintenance(
        arguments=MaintenanceArguments(
            cycle_id=operation.operation_id,
            database_prefix=arguments.database_prefix,
            registry_table=arguments.registry_table,
            checkpoint_table=arguments.checkpoint_table,
            operations_table=arguments.operations_table,
            budget_minutes=arguments.budget_minutes,
            rewind_window_days=arguments.rewind_window_days,
            catalog_calls_per_second=arguments.catalog_calls_per_second,
            driver_threads=arguments.driver_threads,
        ),
        spark=job.spark,
        registry=job.registry,
        checkpoints=job.checkpoints,
        operations=job.operations,
        versions=job.versions,
        clock=job.clock,
        elapsed=job.elapsed,
        log=job.log,
    )
    return {"epoch": held.epoch, **compact(maintenance, tables, held.topic, held.epoch)}


def _move(job: OperationJob, tables: Tables, operation: Operation, held: HeldTopic) -> Counts:
    """Rewinds a topic, or puts it where it was before another operation; fenced first, as in _compact."""
    held.fence(tables)
    return {"epoch": held.epoch, **move_tables(job, tables, operation, held.epoch)}


def _rebuild(job: OperationJob, tables: Tables, operation: Operation, held: HeldTopic) -> Counts:
    held.fence(tables)
    return swap_in(job, tables, operation, held.epoch)


def _forget(job: OperationJob, tables: Tables, operation: Operation, held: HeldTopic) -> Counts:
    """Fences the tables first, as for a compaction."""
    held.fence(tables)
    return {"epoch": held.epoch, **forget(job, tables, operation, held.epoch)}


def _replay(job: OperationJob, tables: Tables, operation: Operation, held: HeldTopic) -> Counts:
    held.fence(tables)
    return {"epoch": held.epoch, **replay(job, tables, operation, held.epoch)}


_KINDS: Mapping[str, Apply] = {
    "hold": _hold,
    "release": _release,
    "compact": _compact,
    "rewind": _move,
    "undo": _move,
    "rebuild": _rebuild,
    "forget": _forget,
    "replay": _replay,
}
_BUILDS: Mapping[str, Build] = {"rebuild": build_beside}
_CLEAN_UPS: Mapping[str, CleanUp] = {
    "rebuild": lambda _, tables, operation: clean_up(tables, operation),
    "replay": clean_up_replay,
}


def _of_kind(kinds: Mapping[str, _Part], operation: Operation) -> _Part:
    found = kinds.get(operation.kind)
    if found is None:
        raise OperationError(f"this version of the job knows no operation of the kind {operation.kind!r}")
    return found


def _record(job: OperationJob, tables: Tables, own: Operation) -> None:
    """Writes the rows of this operation and of those that ended without a row: they were cancelled, or could
    not be recorded.

    What the operation was to do is done by now. So it does not fail when its row cannot be written, as when
    another operation writes its own: the next one writes it as well.
    """
    done = own if own.is_ended else replace(own, state=DONE, ended_at=job.clock().isoformat())
    try:
        ended = [done, *(one for one in _unrecorded(job) if one.operation_id != own.operation_id)]
        record(tables, ended)
    except Exception as error:
        job.log(
            "operation not recorded",
            level="WARNING",
            operation_id=own.operation_id,
            topic_name=own.topic,
            reason=reason(error),
        )
        return
    for one in ended:
        job.operations.note_recorded(one.operation_id, one.state)


def _unrecorded(job: OperationJob) -> Iterator[Operation]:
    for item in job.operations.all():
        try:
            operation = read_operation(item)
        except OperationError as error:
            # One that somebody has put there by hand must not stand in the way of all others.
            job.log("operation unreadable", level="WARNING", reason=reason(error))
            continue
        if operation is not None and operation.lacks_row:
            yield operation
