"""The parts that the jobs' entry points share: the ports over AWS, and how a run ends.

A run in which topics failed ends with an error, so that people look. All other topics are done by then.
"""

import platform
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from pyspark.sql import SparkSession

from lean_ops.bookkeeping.run_outcome import RunOutcome, list_topics
from lean_ops.entrypoint.log import logger
from lean_ops.errors import reason
from lean_ops.ports.aws import (
    DynamoCheckpoints,
    DynamoRegistry,
    GlueCatalog,
    LambdaProvisioner,
    S3Schemas,
    use_region,
)
from lean_ops.ports.interfaces import Job
from lean_ops.ports.job_arguments import JobArguments, parse_arguments
from lean_ops.spark.catalog_calls import CatalogCalls
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.spark.java_api import JavaApiError, iceberg_version
from lean_ops.spark.session import open_session, region_of, settings_in_force


def utc_now() -> datetime:
    return datetime.now(UTC)


def run_layer(layer: str, run: Callable[[Job], RunOutcome]) -> None:
    """Runs a layer's job with the arguments of the command line. Topics that fail are taken up by the next
    cycle.

    Raises ArgumentError, and SystemExit with one line on what ended the run: what stopped it before it came
    to its topics, or the topics in trouble.
    """
    arguments = parse_arguments(sys.argv[1:])
    log = logger(layer, arguments.cycle_id)
    with logged_failure(log):
        spark = open_session(f"lean-ops-{layer}", arguments.driver_threads)
        use_region(region_of(spark))
        log_runtime(log, spark)
        with limited_catalog_calls(spark, arguments.catalog_calls_per_second, log):
            outcome = run(_job(spark, arguments, log))
    trouble = outcome.trouble()
    if trouble is not None:
        sys.exit(trouble)


def _job(spark: SparkSession, arguments: JobArguments, log: Any) -> Job:
    return Job(
        arguments=arguments,
        spark=spark,
        registry=DynamoRegistry(arguments.registry_table),
        checkpoints=DynamoCheckpoints(arguments.checkpoint_table),
        schemas=S3Schemas(arguments.schema_bucket),
        provisioner=LambdaProvisioner(arguments.provisioner_function),
        catalog=GlueCatalog(arguments.database_prefix),
        clock=utc_now,
        log=log,
    )


@contextmanager
def limited_catalog_calls(spark: SparkSession, per_second: int, log: Any) -> Iterator[None]:
    """Has all threads of the driver share a limit of catalog calls, and logs what they made and waited."""

    def on_throttled(operation: str, table: str) -> None:
        log("catalog call throttled", level="WARN", operation=operation, table=table)

    calls = CatalogCalls(per_second, on_throttled)
    iceberg_of(spark._jvm).calls = calls
    log("settings in force", catalog_calls_per_second=per_second, **settings_in_force(spark))
    try:
        yield
    finally:
        log("catalog calls", calls=calls.taken, waited_seconds=round(calls.waited, 1))


@contextmanager
def logged_failure(log: Any) -> Iterator[None]:
    """Logs what ends a run as one line that says why, and ends the process with that line: Glue's message of
    a run is its outermost error, and of Spark's that says nothing.

    Raises SystemExit for any error.
    """
    try:
        yield
    except Exception as error:
        # A reason is cut to one line, and here all of it is needed.
        lacks = (
            {"iceberg": error.iceberg, "missing": error.missing} if isinstance(error, JavaApiError) else {}
        )
        why = reason(error)
        log("run failed", level="ERROR", reason=why, **lacks)
        # Python prints nothing of the error behind a SystemExit, and the log has to have it.
        traceback.print_exc()
        raise SystemExit(why) from error


def log_runtime(log: Any, spark: SparkSession) -> None:
    """Logs the versions that the run has found, and what it lacks of Java.

    Raises JavaApiError where that ends the run.
    """
    log(
        "run started",
        spark=spark.version,
        iceberg=iceberg_version(spark._jvm),
        python=platform.python_version(),
        **{name: version_of(name) for name in ("pyarrow", "numpy", "boto3")},
    )
    lacks = iceberg_of(spark._jvm).missing_for_tasks
    if lacks:
        log("tasks read and write no files: Spark does all work", level="WARN", missing=lacks)


def version_of(package: str) -> str | None:
    """The version of an installed package; None where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def exit_if_failed(failed: Mapping[str, str]) -> None:
    """Raises SystemExit when there is a failed topic. `failed` is from topic to reason."""
    if failed:
        sys.exit(list_topics("failed", failed))
