"""Glue job: RAW to Standardized. See lean_ops.standardized_job for the flow, lean_ops.arguments for the
arguments."""

import sys
from datetime import UTC, datetime

from lean_ops.arguments import parse_arguments
from lean_ops.aws import DynamoCheckpoints, DynamoRegistry, LambdaProvisioner, S3Schemas
from lean_ops.log import logger
from lean_ops.ports import Job
from lean_ops.session import open_session
from lean_ops.standardized_job import run


def main() -> None:
    arguments = parse_arguments(sys.argv[1:])
    outcome = run(
        Job(
            arguments=arguments,
            spark=open_session("lean-ops-standardized"),
            registry=DynamoRegistry(arguments.registry_table),
            checkpoints=DynamoCheckpoints(arguments.checkpoint_table),
            schemas=S3Schemas(arguments.schema_bucket),
            provisioner=LambdaProvisioner(arguments.provisioner_function),
            clock=lambda: datetime.now(UTC),
            log=logger("standardized", arguments.cycle_id),
        )
    )
    trouble = outcome.trouble()
    if trouble is not None:
        sys.exit(trouble)


if __name__ == "__main__":
    main()
