"""Glue job that brings topics whose tables are older than drift_log or the registry in line with them.

See docs/adopting-tables.md for its use, lean_ops.catch_up.job for the flow, and
lean_ops.ports.job_arguments for the arguments.
"""

import sys

from lean_ops.catch_up.job import run
from lean_ops.catch_up.report import summary
from lean_ops.entrypoint.layer_main import (
    exit_if_failed,
    limited_catalog_calls,
    log_runtime,
    logged_failure,
    utc_now,
)
from lean_ops.entrypoint.log import logger
from lean_ops.ports.aws import DynamoTopicRegistry, GlueCatalog, S3SchemaBucket, use_region
from lean_ops.ports.interfaces import CatchUp
from lean_ops.ports.job_arguments import parse_catch_up_arguments
from lean_ops.spark.session import open_session, region_of


def main() -> None:
    arguments = parse_catch_up_arguments(sys.argv[1:])
    log = logger("historical-catch-up")
    with logged_failure(log):
        spark = open_session("lean-ops-historical-catch-up", arguments.driver_threads)
        use_region(region_of(spark))
        log_runtime(log, spark)
        with limited_catalog_calls(spark, arguments.catalog_calls_per_second, log):
            outcome = run(
                CatchUp(
                    arguments=arguments,
                    spark=spark,
                    registry=DynamoTopicRegistry(arguments.registry_table),
                    schemas=S3SchemaBucket(arguments.schema_bucket),
                    catalog=GlueCatalog(arguments.database_prefix),
                    clock=utc_now,
                    log=log,
                )
            )
    print("\n".join(summary(outcome)), flush=True)
    exit_if_failed(outcome.failed)


if __name__ == "__main__":
    main()
