"""Glue job that does in tables what an operation does to a topic.

lean_ops.operations.job has the flow, and lean_ops.ports.job_arguments the arguments.
"""

import sys
import time
from functools import partial

from lean_ops.entrypoint.layer_main import limited_catalog_calls, log_runtime, logged_failure, utc_now
from lean_ops.entrypoint.log import logger
from lean_ops.operations.job import run
from lean_ops.ports.aws import (
    DynamoCheckpoints,
    DynamoOperations,
    DynamoRegistry,
    GlueTableVersions,
    S3Schemas,
    use_region,
)
from lean_ops.ports.aws_archive import AwsArchive, DynamoKeys
from lean_ops.ports.interfaces import OperationJob
from lean_ops.ports.job_arguments import parse_operation_arguments
from lean_ops.spark.session import open_session, region_of


def main() -> None:
    arguments = parse_operation_arguments(sys.argv[1:])
    log = partial(logger("operation"), operation_id=arguments.operation_id)
    with logged_failure(log):
        spark = open_session("lean-ops-operation", arguments.driver_threads)
        use_region(region_of(spark))
        log_runtime(log, spark)
        with limited_catalog_calls(spark, arguments.catalog_calls_per_second, log):
            run(
                OperationJob(
                    arguments=arguments,
                    spark=spark,
                    operations=DynamoOperations(arguments.operations_table),
                    registry=DynamoRegistry(arguments.registry_table, consistent=True),
                    checkpoints=DynamoCheckpoints(arguments.checkpoint_table),
                    schemas=S3Schemas(arguments.schema_bucket),
                    versions=GlueTableVersions(arguments.database_prefix),
                    keys=DynamoKeys(arguments.operations_table),
                    archive=AwsArchive(arguments.archive_table, arguments.idempotency_table),
                    sleep=time.sleep,
                    clock=utc_now,
                    elapsed=time.monotonic,
                    log=log,
                )
            )


if __name__ == "__main__":
    main()
