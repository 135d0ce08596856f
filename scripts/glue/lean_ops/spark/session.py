"""Makes the Spark session of a job. No other module makes one."""

import zipfile
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from pyspark.sql import SparkSession

from lean_ops.ports.job_arguments import DEFAULT_DRIVER_THREADS
from lean_ops.spark import java_api
from lean_ops.spark.file_io import FileStore, NoRegionError

CATALOG = "glue_catalog"
_S3_FILE_IO = "org.apache.iceberg.aws.s3.S3FileIO"

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # A cast that fails gives NULL and the library decides what that means; an exception would stop the topic.
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "false",
    # Describing plans for a UI that nobody looks at took longer than many of the queries.
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "2000",
    # A payload can reach 1 MB, so a batch of the default 10,000 rows would not fit into memory.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
    # Other engines and threads commit to the tables too, so each read must see a table as it is now.
    f"spark.sql.catalog.{CATALOG}.cache-enabled": "false",
    # Iceberg's threads and the driver's use one client, whose default is 50.
    f"spark.sql.catalog.{CATALOG}.http-client.apache.max-connections": "100",
    # Manifests never change. Planning reads them, and a commit that rewrites a file reads them once more.
    f"spark.sql.catalog.{CATALOG}.io.manifest.cache-enabled": "true",
}


_JAVA_PROPERTIES = {
    # Iceberg makes its client of Glue with the SDK's defaults, which give a throttled call up after four
    # tries. By `adaptive` all threads slow down together when Glue throttles one of them.
    "aws.retryMode": "adaptive",
    "aws.maxAttempts": "8",
}
_WORKER_THREADS = "iceberg.worker.num-threads"
"""Threads with which Iceberg reads and writes manifests, for all threads of the driver together."""


def open_session(name: str, threads: int = DEFAULT_DRIVER_THREADS) -> SparkSession:
    """A new session with the settings of this library, and with the catalog settings of the session that Glue
    or the local stack has configured.

    threads: how many topics the driver works on at a time; Iceberg gets as many threads of its own.
    """
    base = SparkSession.builder.appName(name).getOrCreate()
    # The classes that read these are not loaded yet: nothing has used a catalog.
    system = _jvm(base).java.lang.System
    for key, value in {**_JAVA_PROPERTIES, _WORKER_THREADS: str(threads)}.items():
        system.setProperty(key, value)
    _ship_library(base)
    session = base.newSession()
    for key, value in _settings_of(base).items():
        session.conf.set(key, value)
    for key, value in _SETTINGS.items():
        session.conf.set(key, value)
    # One partition for each core is enough, as adaptive execution joins small ones.
    session.conf.set("spark.sql.shuffle.partitions", str(max(2, base.sparkContext.defaultParallelism)))
    return session


def settings_in_force(session: SparkSession) -> dict[str, Any]:
    """What the process really runs with, for the log: settings can be lost between a job and its JVM."""
    jvm = _jvm(session)
    options = jvm.java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments()
    return {
        "iceberg_threads": java_api.iceberg_threads(jvm),
        "retry_mode": jvm.java.lang.System.getProperty("aws.retryMode"),
        "java_options": [_without_value(option) for option in options],
    }


def _without_value(option: str) -> str:
    """An option of the JVM as it may be logged: the values of properties can be secrets."""
    return option.partition("=")[0] if option.startswith("-D") else option


def activate(session: SparkSession) -> None:
    """Makes it the session of the calling thread: Iceberg's own classes make catalogs with its settings."""
    _jvm(session).SparkSession.setActiveSession(session._jsparkSession)


def file_store_of(spark: SparkSession) -> FileStore:
    """Access to files with the settings of the catalog's S3FileIO. Raises NoRegionError."""
    region = _setting(spark, "client.region")
    if region is None and _setting(spark, "io-impl") == _S3_FILE_IO:
        raise NoRegionError
    return FileStore(region=region, endpoint=_setting(spark, "s3.endpoint"))


def region_of(spark: SparkSession) -> str:
    """The region of the catalog, which is that of all that the job talks to. Raises NoRegionError."""
    region = _setting(spark, "client.region")
    if region is None:
        raise NoRegionError
    return region


def _setting(spark: SparkSession, name: str) -> str | None:
    return spark.conf.get(f"spark.sql.catalog.{CATALOG}.{name}", None)


def _settings_of(session: SparkSession) -> dict[str, str]:
    """The settings made on the session itself. `SET` would list them too, but with credentials redacted."""
    context: Any = session.sparkContext
    inherited = {key for key, _ in context.getConf().getAll()}
    entries = session._jsparkSession.conf().getAll().iterator()
    found: dict[str, str] = {}
    while entries.hasNext():
        entry = entries.next()
        key = entry._1()
        if key.startswith("spark.sql.") and (
            key not in inherited or context.getConf().get(key) != entry._2()
        ):
            found[key] = entry._2()
    # Spark does not know the keys of a catalog and therefore calls none of them modifiable.
    return {
        key: value
        for key, value in found.items()
        if key.startswith("spark.sql.catalog.") or session.conf.isModifiable(key)
    }


def _jvm(session: SparkSession) -> Any:
    return session._jvm


def _ship_library(session: SparkSession) -> None:
    """Sends this library to the executors, unless --extra-py-files has done so."""
    context: Any = session.sparkContext
    if any(str(name).startswith("lean_ops") for name in context._python_includes):
        return
    package = Path(__file__).parents[1]
    if not package.is_dir():
        return  # imported from an archive, which whoever put it on the path has sent to the executors too
    archive = Path(mkdtemp(prefix="lean-ops-")) / "lean_ops.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for source in sorted(package.rglob("*.py")):
            target.write(source, f"lean_ops/{source.relative_to(package).as_posix()}")
    context.addPyFile(str(archive))
