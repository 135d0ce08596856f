"""What the jobs' entry points have in common: the ports over AWS, and how a run ends.

A run in which some topics failed ends with an error, so that somebody looks; all others are done by then.
"""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from lean_ops.arguments import parse_arguments
from lean_ops.aws import DynamoCheckpoints, DynamoRegistry, LambdaProvisioner, S3Schemas
from lean_ops.log import logger
from lean_ops.ports import Job
from lean_ops.session import open_session


class LayerOutcome(Protocol):
    @property
    def failed(self) -> Mapping[str, str]:
        """Topic to reason."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def run_layer(layer: str, run: Callable[[Job], LayerOutcome]) -> None:
    """Runs a layer's job with the arguments of the command line. What failed, the next cycle takes up.

    Raises ArgumentError, and SystemExit naming every topic that failed.
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
    exit_if_failed(outcome.failed)


def exit_if_failed(failed: Mapping[str, str]) -> None:
    if failed:
        sys.exit(f"{len(failed)} topic(s) failed: " + "; ".join(f"{t}: {e}" for t, e in failed.items()))
