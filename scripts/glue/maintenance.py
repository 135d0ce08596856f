"""Glue job that keeps tables from growing with the number of commits to them.

See lean_ops.maintenance.job for the steps and lean_ops.ports.job_arguments for the arguments.
"""

import sys
import time

from lean_ops.entrypoint.layer_main import limited_catalog_calls, log_runtime, logged_failure, utc_now
from lean_ops.entrypoint.log import logger
from lean_ops.maintenance.job import run
from lean_ops.ports.aws import (
    DynamoCheckpoints,
    DynamoOperations,
    DynamoRegistry,
    GlueTableVersions,
    use_region,
)
from lean_ops.ports.interfaces import Maintenance
from lean_ops.ports.job_arguments import parse_maintenance_arguments
from lean_ops.spark.session import open_session, region_of


def main() -> None:
    arguments = parse_maintenance_arguments(sys.argv[1:])
    log = logger("maintenance", arguments.cycle_id)
    with logged_failure(log):
        spark = open_session("lean-ops-maintenance", arguments.driver_threads)
        use_region(region_of(spark))
        log_runtime(log, spark)
        with limited_catalog_calls(spark, arguments.catalog_calls_per_second, log):
            done = run(
                Maintenance(
                    arguments=arguments,
                    spark=spark,
                    registry=DynamoRegistry(arguments.registry_table),
                    checkpoints=DynamoCheckpoints(arguments.checkpoint_table),
                    operations=DynamoOperations(arguments.operations_table),
                    versions=GlueTableVersions(arguments.database_prefix),
                    clock=utc_now,
                    elapsed=time.monotonic,
                    log=log,
                )
            )
    trouble = done.trouble()
    if trouble is not None:
        sys.exit(trouble)


if __name__ == "__main__":
    main()
