"""The swap of a topic's tables for their shadows, and what is told of it.

The topic is held, and its tables are fenced. Standardized goes first and Curated last, since Curated's schema
is what people read by. Neither table's checkpoint moves, so whatever a crash leaves, each table is where its
checkpoint says. Each step recognises that it is done:

1. A table that has been swapped carries the operation in its last commit, with the counts of the audit.
2. Errors, the ledger and the mirrors are written by keys, so a second time changes nothing.
3. The row in drift_log comes last. With it, nothing is left but to remove the shadows.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import functions as F

from lean_ops.bookkeeping import checkpoint_mirror, drift_log, ledger
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.bookkeeping.ledger_corrections import correction_of, correction_properties, differences
from lean_ops.bookkeeping.operation import Operation, OperationError
from lean_ops.curated.advance import Checkpoint, checkpoint_properties
from lean_ops.maintenance.shadows import TOPIC_LAYERS, shadows_of
from lean_ops.ports.interfaces import OperationJob
from lean_ops.rebuild.audit import check_rejected, difference_of, totals_of
from lean_ops.rebuild.begin import (
    Rebuild,
    active_version,
    begin,
    remove_topic_shadow,
    shadow_names,
)
from lean_ops.rebuild.build import catch_up
from lean_ops.rebuild.errors import closed_errors, replace_errors
from lean_ops.rebuild.position import LiveTable, live_table
from lean_ops.spark.iceberg_classes import iceberg_of, rebuild_classes_of
from lean_ops.tables.commits import CYCLE_ID, Commit
from lean_ops.tables.moves import UNDO_TAG
from lean_ops.tables.ops_rows import to_frame
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.swap import (
    OPERATION,
    SCHEMA_BEFORE,
    SNAPSHOT_BEFORE,
    SPEC_BEFORE,
    Swap,
    swap_table,
)

_AUDIT = "lean-ops.rebuild-audit"
"""The property of the swap's commit that has the counts of the audit, as JSON."""


def swap_all(job: OperationJob, live: Tables, operation: Operation, epoch: int) -> dict[str, Any]:
    """Swaps the tables, tells what has changed, and removes the shadows. Returns the counts.

    epoch: that under which the operation has the topic. Raises OperationError, SchemaError, and what the
    tables' commits raise.
    """
    counts = _told(job, live, operation)
    if counts is None:
        rebuild = begin(job, live, operation)
        counts = _swap(rebuild, epoch)
        _tell(rebuild)
    remove_all(live, operation)
    layers = _layers(job, live, operation)
    return {**counts, "layers": layers, "errors_closed": closed_errors(live, operation)}


def _layers(job: OperationJob, live: Tables, operation: Operation) -> dict[str, dict[str, Any]]:
    """What each swap has changed, as rewinds and undos count it: readers are told, and an undo needs it."""
    found: dict[str, dict[str, Any]] = {}
    for layer in TOPIC_LAYERS:
        one = live_table(live, job.checkpoints, layer, operation.topic)
        audit = None if one is None else _audit_of(operation, one)
        if one is None or audit is None:
            continue
        last = one.position.last
        assert last is not None
        before = {
            name: last.properties.get(key)
            for name, key in (
                ("snapshot_before", SNAPSHOT_BEFORE),
                ("schema_before", SCHEMA_BEFORE),
                ("spec_before", SPEC_BEFORE),
            )
        }
        found[layer] = {
            name: value if name == "snapshot_before" else int(value)
            for name, value in before.items()
            if value is not None
        } | {
            "snapshot_after": last.snapshot_id,
            "rows_before": audit[f"{layer}_rows_before"],
            "rows_after": audit[f"{layer}_rows_after"],
        }
    return found


def remove_all(live: Tables, operation: Operation) -> int:
    """Removes the shadows of an operation. Returns how many there were."""
    found = shadows_of(live, shadow_names(operation.topic))
    own = [name for name, operation_id in found.items() if operation_id == operation.operation_id]
    for name in own:
        remove_topic_shadow(live, operation.topic, name)
    return len(own)


def _swap(rebuild: Rebuild, epoch: int) -> dict[str, Any]:
    job, operation = rebuild.job, rebuild.operation
    tables = {layer: _live(rebuild, layer, epoch) for layer in rebuild.layers}
    swapped = {layer: _audit_of(operation, one) for layer, one in tables.items()}
    if not any(swapped.values()):
        _check_version(rebuild)
        catch_up(rebuild)
        tables = {layer: _live(rebuild, layer, epoch) for layer in rebuild.layers}
    for layer, one in tables.items():
        if swapped[layer] is None:
            # What a run that died has not put on record would be lost behind the swap.
            _record_last(rebuild, layer, one)
            swapped[layer] = _audit(rebuild, layer, one)
    if not any(_audit_of(operation, one) for one in tables.values()):
        counts = {**_merged(swapped), "swapping": True}
        if not job.operations.swapping(operation.operation_id, counts, job.clock()):
            raise OperationError(
                f"{operation.operation_id} was cancelled or taken up by another run meanwhile"
            )
    for layer, one in tables.items():
        if _audit_of(operation, one) is None:
            _commit(rebuild, layer, one, swapped[layer] or {}, epoch)
            job.log("table swapped", topic_name=rebuild.topic, layer=layer)
    return _merged(swapped)


def _live(rebuild: Rebuild, layer: str, epoch: int) -> LiveTable:
    found = live_table(rebuild.live, rebuild.job.checkpoints, layer, rebuild.topic, epoch)
    if found is None:
        raise OperationError(f"{rebuild.topic} has no {layer} table any more: cancel the operation")
    return found


def _merged(swapped: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    return {name: count for one in swapped.values() for name, count in (one or {}).items()}


def _check_version(rebuild: Rebuild) -> None:
    now = active_version(rebuild.job, rebuild.topic)
    if now != rebuild.plan.active_version:
        raise OperationError(
            f"PLAN_STALE: version {now} of the schema has become active since the rebuild began under "
            f"{rebuild.plan.active_version}: cancel the operation (lean-ops op cancel) and plan anew"
        )


def _audit_of(operation: Operation, one: LiveTable) -> dict[str, Any] | None:
    """The counts that a table's last commit has of the operation; None where it is not the swap."""
    last = one.position.last
    if last is None or last.properties.get(OPERATION) != operation.operation_id:
        return None
    found: dict[str, Any] = json.loads(last.properties[_AUDIT])
    return found


def _record_last(rebuild: Rebuild, layer: str, one: LiveTable) -> None:
    last = one.position.last
    entry = None if last is None else ledger.entry_of(rebuild.topic, layer, last)
    mirror = one.position.mirror or {}
    if entry is not None and last is not None and mirror.get("snapshot_id") != last.snapshot_id:
        ledger.write(rebuild.live, [entry])


def _audit(rebuild: Rebuild, layer: str, one: LiveTable) -> dict[str, Any]:
    totals = totals_of(rebuild, layer)
    if layer == "curated":
        check_rejected(rebuild, totals)
    return {
        f"{layer}_rows_before": one.table.rows,
        f"{layer}_rows_after": rebuild_rows(rebuild, layer),
        **difference_of(rebuild, layer).counts(layer),
        **({name: totals[name] for name in ("rejected", "nulled", "noted")} if layer == "curated" else {}),
    }


def rebuild_rows(rebuild: Rebuild, layer: str) -> int:
    """How many rows the shadow of a layer has, by its own last commit."""
    last = rebuild.shadow.last_commit(rebuild.shadow_name(layer))
    return 0 if last is None else last.rows or 0


def _commit(rebuild: Rebuild, layer: str, one: LiveTable, audit: Mapping[str, Any], epoch: int) -> None:
    spark = rebuild.job.spark
    iceberg = iceberg_of(spark._jvm)
    loaded = iceberg.load(spark, one.name)
    current = loaded.currentSnapshot()
    window = timedelta(days=rebuild.job.arguments.rewind_window_days)
    if current is not None:
        # A tag's age is that of its snapshot, which may be old already.
        age = rebuild.job.clock() - datetime.fromtimestamp(current.timestampMillis() / 1000, UTC)
        window += max(age, timedelta())
    swap = Swap(
        snapshot_id=None if current is None else str(current.snapshotId()),
        tag=f"{UNDO_TAG}{rebuild.operation.operation_id}",
        tag_age_ms=int(window.total_seconds() * 1000),
        properties=_properties(rebuild, layer, one, audit),
    )
    shadow = iceberg.load(spark, rebuild.shadow_name(layer))
    swap_table(iceberg, rebuild_classes_of(spark._jvm), loaded, one.name, epoch, shadow, swap)


def _properties(rebuild: Rebuild, layer: str, one: LiveTable, audit: Mapping[str, Any]) -> dict[str, str]:
    """What the swap carries: the table's checkpoint as it was, and in Curated with the new version. It has no
    counts of a cycle, so the ledger gets no entry of a cycle from it."""
    totals = totals_of(rebuild, layer)
    own = {
        CYCLE_ID: one.reached,
        _AUDIT: json.dumps(dict(audit), sort_keys=True),
        **correction_properties(
            ledger.REBUILT,
            rebuild.operation.operation_id,
            differences(rebuild.live, rebuild.topic, layer, totals),
        ),
    }
    if layer == "standardized":
        return own
    assert rebuild.schema is not None
    checkpoint = one.checkpoint
    assert checkpoint is not None
    return {**own, **checkpoint_properties(checkpoint.through, rebuild.schema.version)}


def _tell(rebuild: Rebuild) -> None:
    """Puts on record what the swap has changed: errors, the ledger, the mirrors, and last drift_log."""
    job, operation = rebuild.job, rebuild.operation
    now = job.clock()
    tables = {layer: _live(rebuild, layer, 0) for layer in rebuild.layers}
    for layer, one in tables.items():
        replace_errors(rebuild, layer, one, now)
    lasts = {layer: one.position.last for layer, one in tables.items()}
    entries = [correction_of(rebuild.topic, layer, last) for layer, last in lasts.items() if last]
    ledger.write(rebuild.live, [entry for entry in entries if entry is not None])
    for layer, one in tables.items():
        last = lasts[layer]
        assert last is not None
        item = {**_mirror(rebuild.topic, layer, last, one), "updated_at": now.isoformat()}
        job.checkpoints.put(rebuild.topic, layer, item)
    rows = [drift_log.row_of(one, now) for one in _drift(rebuild, tables)]
    frame = to_frame(job.spark, rows, drift_log.SCHEMA).coalesce(1)
    rebuild.live.append_new(frame, rebuild.live.name("ops", drift_log.TABLE), "drift_id")
    job.log("rebuild told", operation_id=operation.operation_id, topic_name=rebuild.topic)


def _mirror(topic: str, layer: str, last: Commit, one: LiveTable) -> dict[str, Any]:
    item = dict(checkpoint_mirror.item_of(topic, layer, last))
    if layer == "curated":
        checkpoint = Checkpoint.of(last)
        item |= {"schema_version": checkpoint.schema_version, "delta_through": checkpoint.through}
    return {**(one.position.mirror or {}), **item}


def _drift(rebuild: Rebuild, tables: Mapping[str, LiveTable]) -> list[Drift]:
    return [
        Drift(
            topic=rebuild.topic,
            change_type=drift_log.REBUILT,
            column_name=None,
            cycle_id=one.reached,
            old_value=None if rebuild.plan.active_version is None else str(rebuild.plan.active_version),
            new_value=rebuild.operation.operation_id,
            layer=layer,
            source=drift_log.TABLE_HISTORY,
        )
        for layer, one in tables.items()
    ]


def _told(job: OperationJob, live: Tables, operation: Operation) -> dict[str, Any] | None:
    """The counts of an operation that has told all; None when it has not. Its shadows may be gone by then."""
    rows = (
        live.read(live.name("ops", drift_log.TABLE))
        .where((F.col("topic_name") == operation.topic) & (F.col("change_type") == drift_log.REBUILT))
        .where(F.col("new_value") == operation.operation_id)
        .select("layer")
        .distinct()
        .collect()
    )
    if not rows:
        return None
    counts: dict[str, Any] = {}
    for layer in sorted((row["layer"] for row in rows), reverse=True):
        one = live_table(live, job.checkpoints, layer, operation.topic)
        counts |= (_audit_of(operation, one) if one is not None else None) or {}
    return counts
