"""The only maker of Spark sessions."""

import zipfile
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from pyspark.sql import SparkSession

from lean_ops.spark.file_io import FileStore

CATALOG = "glue_catalog"

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # A cast that fails gives NULL, and we say what that means; never an exception that stops a topic.
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "false",
    # Descriptions of plans, for a UI that nobody looks at, took longer than many a query.
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "2000",
    # Payloads reach 1 MB: a batch of the default 10,000 rows would not fit in memory.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
    # A table is read as it is now: other engines and threads commit to it too.
    f"spark.sql.catalog.{CATALOG}.cache-enabled": "false",
    # Manifests never change: planning reads them, and the commit that rewrites a file once more.
    f"spark.sql.catalog.{CATALOG}.io.manifest.cache-enabled": "true",
}


def open_session(name: str) -> SparkSession:
    """A session of its own with the catalog settings of the one that Glue or the local stack has
    configured."""
    base = SparkSession.builder.appName(name).getOrCreate()
    _ship_library(base)
    session = base.newSession()
    for key, value in _settings_of(base).items():
        session.conf.set(key, value)
    for key, value in _SETTINGS.items():
        session.conf.set(key, value)
    # Enough for the cores there are; adaptive execution joins small partitions.
    session.conf.set("spark.sql.shuffle.partitions", str(max(2, base.sparkContext.defaultParallelism)))
    return session


def activate(session: SparkSession) -> None:
    """Makes it the thread's session, with whose settings Iceberg's own classes make catalogs."""
    jvm: Any = session._jvm
    jvm.SparkSession.setActiveSession(session._jsparkSession)


def file_store_of(spark: SparkSession) -> FileStore:
    """What the catalog's S3FileIO goes by, where that is set; on Glue nothing is, and the role counts."""

    def setting(name: str) -> str | None:
        return spark.conf.get(f"spark.sql.catalog.{CATALOG}.{name}", None)

    return FileStore(
        setting("client.region"),
        setting("s3.endpoint"),
        setting("s3.access-key-id"),
        setting("s3.secret-access-key"),
        setting("s3.session-token"),
    )


def _settings_of(session: SparkSession) -> dict[str, str]:
    """What was set on the session itself; `SET` would show credentials of a catalog redacted."""
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
    # Spark does not know the keys of a catalog and so calls none of them modifiable.
    return {
        key: value
        for key, value in found.items()
        if key.startswith("spark.sql.catalog.") or session.conf.isModifiable(key)
    }


def _ship_library(session: SparkSession) -> None:
    """Gives the executors this library, unless --extra-py-files did."""
    context: Any = session.sparkContext
    if any(str(name).startswith("lean_ops") for name in context._python_includes):
        return
    package = Path(__file__).parents[1]
    if not package.is_dir():
        return  # imported from an archive: then whoever put it on the path has shipped it
    archive = Path(mkdtemp(prefix="lean-ops-")) / "lean_ops.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for source in sorted(package.rglob("*.py")):
            target.write(source, f"lean_ops/{source.relative_to(package).as_posix()}")
    context.addPyFile(str(archive))
