"""The job of operations on a lake in memory, at any time that a test says."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from maintained import MemoryArchive, MemoryOperations, MemoryVersions

from lean_ops.bookkeeping.operation import Operation
from lean_ops.operations import job
from lean_ops.ports.interfaces import OperationJob
from lean_ops.ports.job_arguments import OperationArguments

if TYPE_CHECKING:
    from lake import Lake


def operate(
    lake: "Lake",
    operations: MemoryOperations,
    operation_id: str,
    *,
    at: datetime,
    archive: MemoryArchive | None = None,
    **arguments: Any,
) -> Operation:
    """Runs the job of operations. at: what its clock says."""
    return job.run(
        OperationJob(
            arguments=OperationArguments(
                operation_id=operation_id,
                database_prefix=lake.prefix,
                operations_table="operations",
                registry_table="registry",
                checkpoint_table="points",
                **arguments,
            ),
            spark=lake.spark,
            operations=operations,
            registry=lake,
            checkpoints=lake.checkpoints,
            schemas=lake,
            versions=MemoryVersions(),
            keys=operations,
            archive=archive or MemoryArchive(),
            sleep=lambda _: None,
            clock=lambda: at,
            elapsed=lambda: 0.0,
            log=lambda message, **fields: lake.logged.append({"message": message, **fields}),
        )
    )
