"""What the jobs' entry points have in common: the ports over AWS, and how a run ends.

A run in which some topics failed ends with an error, so that somebody looks; all others are done by then.
"""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from lean_ops.bookkeeping.run_outcome import Outcome, told
from lean_ops.entrypoint.log import logger
from lean_ops.ports.aws import DynamoCheckpoints, DynamoRegistry, LambdaProvisioner, S3Schemas
from lean_ops.ports.interfaces import Job
from lean_ops.ports.job_arguments import parse_arguments
from lean_ops.spark.session import open_session


def utc_now() -> datetime:
    return datetime.now(UTC)


def run_layer(layer: str, run: Callable[[Job], Outcome]) -> None:
    """Runs a layer's job with the arguments of the command line. What failed, the next cycle takes up.

    Raises ArgumentError, and SystemExit naming every topic in trouble.
    """
    arguments = parse_arguments(sys.argv[1:])
    outcome = run(
        Job(
            arguments=arguments,
            spark=open_session(f"lean-ops-{layer}"),
            registry=DynamoRegistry(arguments.registry_table),
            checkpoints=DynamoCheckpoints(arguments.checkpoint_table),
            schemas=S3Schemas(arguments.schema_bucket),
            provisioner=LambdaProvisioner(arguments.provisioner_function),
            clock=utc_now,
            log=logger(layer, arguments.cycle_id),
        )
    )
    trouble = outcome.trouble()
    if trouble is not None:
        sys.exit(trouble)


def exit_if_failed(failed: Mapping[str, str]) -> None:
    if failed:
        sys.exit(told("failed", failed))
