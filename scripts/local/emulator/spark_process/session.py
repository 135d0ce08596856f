"""Spark as on Glue 5.1, and a session of it for each principal.

One JVM serves everybody, but Iceberg's clients must act as whoever runs the query or the job. Each principal
has its own Spark session whose catalog carries that principal's keys: S3FileIO and the Glue client take them
through `VendedCredentialsProvider`, the one provider on the class path that reads keys from the catalog's
properties (with an expiry far away it never fetches anything). As on Glue, the settings of the catalog hold
no keys under S3FileIO's own names.
"""

import os
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from emulator.settings import LOOPBACK

_FAR_FUTURE_MS = "4102444800000"
"""The first of January 2100."""
_PROVIDER = "org.apache.iceberg.aws.s3.VendedCredentialsProvider"


def java_options(config: Mapping[str, Any]) -> str:
    """The options of Spark's JVM as one text, which Spark takes apart at spaces that are not quoted.

    `config` is that of `start_spark`; its own java_options come last and count.
    """
    options = [
        # Iceberg's clients find the region as the SDK finds it, and not in the catalog's settings.
        f"-Daws.region={config['region']}",
        "-Duser.timezone=UTC",
        "-XX:+UseSerialGC",
        f"-Dderby.system.home={config['local_dir']}",
    ]
    if config["trust_store"]:
        options.append(f"-Djavax.net.ssl.trustStore={config['trust_store']}")
    # The jobs set this before anything uses a catalog. Here Athena comes first, in the JVM that all share.
    options.append("-Diceberg.worker.num-threads=32")
    return " ".join([*map(_quoted, options), config["java_options"]])


def _quoted(option: str) -> str:
    """The option in double quotes, with the escapes of Spark's CommandBuilderUtils.parseOptionString."""
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'


def start_spark(config: Mapping[str, Any]) -> SparkSession:
    """Starts Spark and its JVM.

    `config` has jars (paths), packages (of Maven), trust_store (a path or None), local_dir, cores, memory,
    region, and java_options.
    """
    builder = SparkSession.builder.master(f"local[{config['cores']}]").appName("lean-ops-local")
    settings = {
        "spark.driver.memory": config["memory"],
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        "spark.driver.extraJavaOptions": java_options(config),
        "spark.local.dir": config["local_dir"],
        "spark.sql.warehouse.dir": os.path.join(config["local_dir"], "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.iceberg.locality.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
        # A job may wait for a Lambda that waits for Athena, so neither may hold the cores alone.
        "spark.scheduler.mode": "FAIR",
        "spark.ui.enabled": "false",
        "spark.log.level": "WARN",
    }
    if config["jars"]:
        settings["spark.driver.extraClassPath"] = os.pathsep.join(config["jars"])
    else:
        settings["spark.jars.packages"] = ",".join(config["packages"])
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.range(1).count()
    return spark


def catalog_settings(name: str, credentials: Mapping[str, str], endpoint: str) -> dict[str, str]:
    """Spark settings with which catalog `name` reaches the emulator as the owner of `credentials`."""
    provider = "client.credentials-provider"
    properties = {
        "glue.endpoint": endpoint,
        "s3.endpoint": endpoint,
        "s3.path-style-access": "true",
        provider: _PROVIDER,
        f"{provider}.uri": endpoint,
        f"{provider}.credentials.uri": endpoint,
        f"{provider}.s3.access-key-id": credentials["access_key"],
        f"{provider}.s3.secret-access-key": credentials["secret_key"],
        f"{provider}.s3.session-token": credentials["token"],
        f"{provider}.s3.session-token-expires-at-ms": _FAR_FUTURE_MS,
        # Other engines write to the same tables, so no answer may come from a cached table.
        "cache-enabled": "false",
    }
    return {f"spark.sql.catalog.{name}.{key}": value for key, value in properties.items()}


def iceberg_catalog(name: str) -> dict[str, str]:
    """Settings that make `name` Iceberg's Glue catalog."""
    prefix = f"spark.sql.catalog.{name}"
    return {
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        f"{prefix}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        f"{prefix}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
    }


def open_session(spark: SparkSession, settings: Mapping[str, str]) -> SparkSession:
    """Opens a session of its own on the same context. Sessions do not see each other's settings."""
    session = spark.newSession()
    # A Glue run that is under way lends its settings to every new session; see `glue_jobs`.
    inherited = session._jsparkSession.conf().getAll().keysIterator()
    while inherited.hasNext():
        if (name := inherited.next()).startswith("spark.sql.catalog."):
            session.conf.unset(name)
    for name, value in settings.items():
        session.conf.set(name, value)
    return session
