"""Erasure of keys, for an operation that has the topic to itself: the lake, the archive, and what stays on
record."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from lean_ops.bookkeeping.operation import Operation, OperationError
from lean_ops.forget.archive import ArchiveErasure
from lean_ops.forget.keys import Forgotten, hash_of
from lean_ops.forget.lake import LakeErasure
from lean_ops.ports.interfaces import ALL_TOPICS, OperationJob
from lean_ops.rebuild.begin import remove_traces
from lean_ops.spark.iceberg_classes import check_erasure
from lean_ops.spark.session import file_store_of
from lean_ops.tables.spark_tables import Tables

_SETTLE_SECONDS = 600
_POLL_SECONDS = 5


def forget(job: OperationJob, tables: Tables, operation: Operation, epoch: int) -> Mapping[str, Any]:
    """Erases the keys of an operation. Returns what was found where, and when it was gone; no key.

    epoch: that under which the operation has the topic. It can be repeated as long as the keys are there.
    Raises OperationError when they are not, or are others than the plan has.
    """
    check_erasure(job.spark._jvm)
    forgotten = _forgotten(job, operation)
    arguments = job.arguments
    if arguments.archive_bucket:
        besides = ArchiveErasure(
            archive=job.archive,
            archive_bucket=arguments.archive_bucket,
            lake_bucket=arguments.lake_bucket,
            forgotten=forgotten,
            noted=job.keys.found(operation.operation_id),
            note=partial(job.keys.note, operation.operation_id),
        ).run()
    else:
        besides = {}
    # A rebuild that was cancelled may have left copies of the topic's rows; its topic has no other one now.
    remove_traces(tables, operation)
    lake = LakeErasure(
        tables=tables,
        file_store=file_store_of(job.spark),
        checkpoints=job.checkpoints,
        forgotten=forgotten,
        epoch=epoch,
        now=job.clock,
        settle=lambda: _settle(job),
        log=job.log,
    )
    found = lake.run()
    lake.enter()
    return {
        "keys": len(forgotten.keys),
        "erased_at": job.clock().isoformat(),
        **{f"rows_{label}": done.rows for label, done in found.items()},
        **besides,
        "snapshots": sum(done.snapshots for done in found.values()),
        "files": sum(done.files for done in found.values()),
        "refs": sorted({ref for done in found.values() for ref in done.refs}),
    }


def _forgotten(job: OperationJob, operation: Operation) -> Forgotten:
    keys = job.keys.of(operation.operation_id)
    if not keys:
        raise OperationError(
            f"the keys of {operation.operation_id} are gone, so nobody can say what it is to forget: cancel "
            "it (lean-ops op cancel), and request a new one"
        )
    found = Forgotten(operation_id=operation.operation_id, topic=operation.topic, keys=frozenset(keys))
    planned, salt = operation.plan.get("hashes"), str(operation.plan.get("salt", ""))
    if planned is not None and sorted(planned) != sorted(hash_of(salt, key) for key in found.keys):
        raise OperationError(
            f"the keys of {operation.operation_id} are not those of its plan: cancel it (lean-ops op "
            "cancel), and request a new one"
        )
    return found


def _settle(job: OperationJob) -> None:
    """Waits until no cycle is at work, for some minutes at the most: one that has planned what it reads of
    RAW fails when RAW is written anew before it has read that, and the next one goes on."""
    for _ in range(_SETTLE_SECONDS // _POLL_SECONDS):
        lease = job.checkpoints.get(ALL_TOPICS, "lease")
        if lease is None or int(lease.get("expires_at", 0)) <= job.clock().timestamp():
            return
        job.sleep(_POLL_SECONDS)
