"""Moves the tables of a topic to other snapshots: a rewind takes them back to a point, and an undo puts them
where they were before an operation.

Curated goes first, so that it is never ahead of Standardized. What is done is seen in each table's own
metadata, so a run that was killed goes on where it was. The mirrors stay: they say what the tables had
reached, and by that the next cycle takes on what they lack.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lean_ops.bookkeeping import drift_log, ledger
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.bookkeeping.ledger_corrections import corrections_in_force
from lean_ops.bookkeeping.operation import Operation, OperationError, read_operation
from lean_ops.bookkeeping.rewound_ledger import rewound_entries
from lean_ops.columns import names
from lean_ops.curated.advance import Checkpoint
from lean_ops.cycle_delta.summary import topic_cycles
from lean_ops.ports.interfaces import ALL_TOPICS, Item, OperationJob
from lean_ops.rebuild.errors import is_replay, settle_errors
from lean_ops.tables.commits import Commit
from lean_ops.tables.moves import Moved, MoveRefusedError, Target, move
from lean_ops.tables.ops_rows import to_frame
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.swap import OPERATION
from lean_ops.tables.topic_table import TopicTable

LAYERS = ("curated", "standardized")
"""The layers of a topic in the order in which they are moved: what is read from others goes first."""
_THROUGH = "lean-ops.delta-through"


@dataclass(frozen=True)
class _Move:
    """A table that was moved. after: the table as it is now, from which all is read that is told of it."""

    moved: Moved
    after: TopicTable


def move_tables(job: OperationJob, tables: Tables, operation: Operation, epoch: int) -> dict[str, Any]:
    """Moves the tables that the operation's plan names. Returns by layer what was done, and what the next
    cycle takes. epoch: that under which the operation has the topic.

    Raises OperationError where the tables are not as the plan needs them.
    """
    targets = read_targets(operation)
    if operation.plan.get("activates") is True:
        _note_swapping(job, operation)
    undoes = operation.plan.get("undoes")
    layers: dict[str, dict[str, Any]] = {}
    waiting = {"cycles_waiting": 0, "messages_waiting": 0}
    for layer in LAYERS:
        if layer not in targets:
            continue
        done = _move(job, tables, operation, layer, targets[layer], epoch, undoes)
        layers[layer] = _counts(done)
        _record(job, tables, operation, layer, layers[layer], done)
        waiting = _waiting(job, tables, operation.topic, done.after.last_commit())
    return {"layers": layers, **waiting}


def _note_swapping(job: OperationJob, operation: Operation) -> None:
    """Notes that the tables are about to change. From then on the operation is not cancelled: the tables of
    one schema would stay under another one, and fail every cycle."""
    if not job.operations.swapping(operation.operation_id, {"swapping": True}, job.clock()):
        raise OperationError(f"{operation.operation_id} was cancelled or taken up by another run meanwhile")


def read_targets(operation: Operation) -> Mapping[str, Target]:
    """The targets of an operation's plan, by layer. Raises OperationError where it has none that can be
    read."""
    given = operation.plan.get("targets")
    if not isinstance(given, Mapping) or not given or not set(given) <= set(LAYERS):
        raise OperationError(f"the plan of {operation.operation_id} names no tables to move")
    return {layer: _target(operation, layer, one) for layer, one in given.items()}


def _target(operation: Operation, layer: str, given: Any) -> Target:
    snapshot = given.get("snapshot_id") if isinstance(given, Mapping) else None
    if not (isinstance(snapshot, str) and snapshot.isdigit()):
        raise OperationError(f"the plan of {operation.operation_id} names no snapshot for {layer}")
    schema, spec, expected = (given.get(name) for name in ("schema_id", "spec_id", "from_snapshot_id"))
    return Target(
        snapshot_id=snapshot,
        schema_id=None if schema is None else int(schema),
        spec_id=None if spec is None else int(spec),
        expected=None if expected is None else str(expected),
    )


def _move(
    job: OperationJob,
    tables: Tables,
    operation: Operation,
    layer: str,
    target: Target,
    epoch: int,
    undoes: str | None,
) -> _Move:
    topic = operation.topic
    table = names.table_name(topic)
    if table not in tables.listed(layer):
        raise OperationError(
            f"{topic} has no table in {layer} any more: cancel the operation (lean-ops op cancel)"
        )
    name = tables.name(layer, table)
    mirror = job.checkpoints.get(topic, layer) or {}
    try:
        moved = move(
            tables.spark,
            name,
            epoch,
            operation.operation_id,
            target,
            mirrored=str(mirror.get("snapshot_id", "")),
            now=job.clock(),
            keep=timedelta(days=job.arguments.rewind_window_days),
            undoes=undoes,
        )
    except MoveRefusedError as error:
        raise OperationError(str(error)) from error
    return _Move(moved, TopicTable(tables.spark, name, epoch))


def _counts(done: _Move) -> dict[str, Any]:
    """What was done to a table. What it does not say is not known any more."""
    moved, kept = done.moved, done.after.kept_snapshots()
    before, after = kept.get(moved.from_snapshot), kept.get(moved.to_snapshot)
    last = done.after.last_commit()
    found = {
        "snapshot_before": moved.from_snapshot or None,
        "snapshot_after": moved.to_snapshot,
        "schema_before": moved.from_schema,
        "schema_after": moved.to_schema,
        "spec_before": moved.from_spec,
        "spec_after": moved.to_spec,
        "rows_before": None if before is None else before.rows,
        "rows_after": None if after is None else after.rows,
        "cycle_before": done.after.cycle_at(moved.from_snapshot),
        "cycle_after": None if last is None else last.cycle_id,
    }
    return {name: value for name, value in found.items() if value is not None}


def _record(
    job: OperationJob,
    tables: Tables,
    operation: Operation,
    layer: str,
    counts: Mapping[str, Any],
    done: _Move,
) -> None:
    """Puts on record what became of a table. It is done anew by a run that was killed in between, and adds
    nothing a second time."""
    drift = Drift(
        topic=operation.topic,
        change_type=drift_log.REWOUND,
        column_name=None,
        cycle_id=None,
        old_value=counts.get("cycle_before"),
        new_value=counts.get("cycle_after"),
        layer=layer,
        source=operation.operation_id,
    )
    frame = to_frame(tables.spark, [drift_log.row_of(drift, job.clock())], drift_log.SCHEMA).coalesce(1)
    tables.append_new(frame, tables.name("ops", drift_log.TABLE), "drift_id")
    entries = corrections_in_force(tables, operation.topic, layer, done.after)
    undone, redone = _passed(job, operation, done)
    if layer == "curated":
        entries += rewound_entries(tables, operation.topic, done.after, operation.operation_id)
        last = done.after.last_commit()
        version = None if last is None else Checkpoint.of(last).schema_version
        settle_errors(tables, layer, operation, undone, redone, version)
    else:
        settle_errors(tables, layer, operation, undone, redone)
    # A replay is in force where all its commits are: a message that one table has lost has to come again.
    other = "standardized" if layer == "curated" else "curated"
    replays = {one for one in undone if is_replay(one)}, {one for one in redone if is_replay(one)}
    settle_errors(tables, other, operation, *replays)
    ledger.write(tables, entries)


def _passed(job: OperationJob, operation: Operation, done: _Move) -> tuple[set[str], set[str]]:
    """The rebuilds and replays whose commits the move has undone, and those that are in force again.

    A swap may have expired, so what the plan undoes counts as well: a rebuild, or the undo of one.
    """
    before, after = (_swaps(done.after, one) for one in (done.moved.from_snapshot, done.moved.to_snapshot))
    undone, redone = before - after, after - before
    named = operation.plan.get("undoes")
    item = None if named is None else job.operations.get(str(named))
    earlier = None if item is None else read_operation(item)
    if earlier is not None and earlier.kind == "rebuild":
        undone.add(earlier.operation_id)
    elif earlier is not None and earlier.kind == "undo":
        first = str(earlier.plan.get("undoes", ""))
        item = job.operations.get(first) if first else None
        if item is not None and item.get("kind") == "rebuild":
            redone.add(first)
    return undone, redone


def _swaps(table: TopicTable, snapshot_id: str) -> set[str]:
    """The rebuilds and replays whose commits are in force at a snapshot, as far as they are kept."""
    commits = table.commits_in_force(snapshot_id) if snapshot_id else []
    return {one.properties[OPERATION] for one in commits if OPERATION in one.properties}


def _waiting(job: OperationJob, tables: Tables, topic: str, last: Commit | None) -> dict[str, int]:
    """Counts the cycles and messages that a table takes next. last: its last commit."""
    item: Item = job.checkpoints.get(ALL_TOPICS, "raw") or {}
    through = "" if last is None else last.properties.get(_THROUGH, last.cycle_id)
    works = topic_cycles(tables, item.get("complete_through"), None, earlier={topic: through})
    own = [one for one in works if one.topic == topic and one.cycle_id > through]
    return {
        "cycles_waiting": len(own),
        "messages_waiting": sum(one.readable + one.refused for one in own),
    }
