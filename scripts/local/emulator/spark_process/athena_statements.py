"""Runs translated Athena statements on Spark and shows the results as Athena does."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from emulator.athena.errors import QueryFailedError
from emulator.athena.spark_errors import as_athena
from emulator.athena.spark_text import CATALOG, SEPARATOR, escape, quoted
from emulator.athena.values import as_text, athena_type
from emulator.spark_process.session import catalog_settings, iceberg_catalog, open_session

_MAX_SESSIONS = 32
# Trino's rules: casts and overflows fail, TIMESTAMP has no zone, and integers divide to integers.
_DIALECT = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.session.timeZone": "UTC",
    # Of UNNEST this rule makes a filter, which goes below all that the list was made of: the statements of
    # `schema plan` grew to megabytes.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.InferFiltersFromGenerate",
}
_DAY_SECONDS = 86_400
# https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
_DEFAULTS = {
    "vacuum_max_snapshot_age_seconds": str(5 * _DAY_SECONDS),
    "vacuum_min_snapshots_to_keep": "1",
    "optimize_rewrite_min_data_file_size_bytes": "402653184",
    "optimize_rewrite_max_data_file_size_bytes": "966367641",
    "optimize_rewrite_data_file_threshold": "5",
    "optimize_rewrite_delete_file_threshold": "2",
    "write_target_data_file_size_bytes": "536870912",
}


class AthenaRunner:
    """Runs statements of several callers at once, each in a Spark session with its caller's keys."""

    def __init__(self, spark: SparkSession, config: Mapping[str, Any]) -> None:
        self._spark = spark
        self._config = config
        self._sessions: OrderedDict[str, SparkSession] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Runs a request with verb, sql, details and credentials.

        Returns {"columns": [{name, type, …}], "rows": [[text or None]]}. Raises QueryFailedError with
        Athena's StateChangeReason.
        """
        session = self._session(request["credentials"])
        verb, sql, details = request["verb"], request["sql"], request["details"]
        try:
            try:
                return _result(self._execute(session, verb, sql, details))
            except Exception as error:
                if verb != "query" or not _is_overtaken(error):
                    raise
                return _result(self._execute(session, verb, sql, details))
        except QueryFailedError:
            raise
        except Exception as error:
            raise as_athena(error, sql) from error

    def _session(self, credentials: Mapping[str, str]) -> SparkSession:
        with self._lock:
            session = self._sessions.pop(credentials["access_key"], None)
            if session is None:
                keys = catalog_settings(CATALOG, credentials, self._config["endpoint"])
                # Commits of Athena leave archived versions of the table behind.
                keys[f"spark.sql.catalog.{CATALOG}.glue.skip-archive"] = "false"
                session = open_session(self._spark, {**_DIALECT, **iceberg_catalog(CATALOG), **keys})
            self._sessions[credentials["access_key"]] = session
            while len(self._sessions) > _MAX_SESSIONS:
                self._sessions.popitem(last=False)
            return session

    def _execute(
        self, session: SparkSession, verb: str, sql: str, details: Mapping[str, Any]
    ) -> DataFrame | None:
        if verb == "query" or verb == "explain":
            return session.sql(sql)
        if verb == "optimize":
            self._optimize(session, details)
        elif verb == "vacuum":
            self._vacuum(session, details)
        elif verb == "insert" and details:
            session.sql(_full_insert(session, details))
        else:
            for statement in sql.split(SEPARATOR) if verb == "alter" else [sql]:
                session.sql(statement)
        return None

    def _optimize(self, session: SparkSession, details: Mapping[str, Any]) -> None:
        found = self._properties(session, details)
        options = {
            "min-file-size-bytes": found["optimize_rewrite_min_data_file_size_bytes"],
            "max-file-size-bytes": found["optimize_rewrite_max_data_file_size_bytes"],
            "target-file-size-bytes": found["write_target_data_file_size_bytes"],
            "min-input-files": found["optimize_rewrite_data_file_threshold"],
            "delete-file-threshold": found["optimize_rewrite_delete_file_threshold"],
        }
        pairs = ", ".join(f"'{name}', '{value}'" for name, value in options.items())
        where = f", where => '{escape(details['where'])}'" if details["where"] else ""
        table = _table_argument(details)
        session.sql(f"CALL {CATALOG}.system.rewrite_data_files({table}, options => map({pairs}){where})")

    def _vacuum(self, session: SparkSession, details: Mapping[str, Any]) -> None:
        """Expires snapshots, then removes files of the same age that no snapshot names."""
        found = self._properties(session, details)
        seconds = int(found["vacuum_max_snapshot_age_seconds"])
        older = session.sql(
            f"SELECT date_format(now() - INTERVAL {seconds} SECONDS, 'yyyy-MM-dd HH:mm:ss.SSS')"
        ).first()
        assert older is not None
        table = _table_argument(details)
        when = f"older_than => TIMESTAMP_LTZ '{older[0]}'"
        keep = found["vacuum_min_snapshots_to_keep"]
        session.sql(f"CALL {CATALOG}.system.expire_snapshots({table}, {when}, retain_last => {keep})")
        # Iceberg refuses an age under a day, because a file just written may belong to a commit under way.
        if seconds > _DAY_SECONDS:
            session.sql(f"CALL {CATALOG}.system.remove_orphan_files({table}, {when}, prefix_listing => true)")

    def _properties(self, session: SparkSession, details: Mapping[str, Any]) -> dict[str, str]:
        table = quoted(details["database"], details["table"])
        rows = session.sql(f"SHOW TBLPROPERTIES {table}").collect()
        return {**_DEFAULTS, **{row["key"]: row["value"] for row in rows}}


def _is_overtaken(error: Exception) -> bool:
    """Whether a table got other types of columns while a query on it was planned.

    Athena plans a query by one version of the table's metadata. Spark looks at them once to analyse the query
    and once more to read, and Iceberg refuses the one with the other.
    """
    return "Invalid projection for field" in str(error)


def _table_argument(details: Mapping[str, Any]) -> str:
    """The table as an argument of Iceberg's procedures."""
    return f"table => '`{details['database']}`.`{details['table']}`'"


def _full_insert(session: SparkSession, details: Mapping[str, Any]) -> str:
    """The statement for an INSERT that names some columns, with NULL for the others, in the table's order."""
    given = details["columns"]
    fields = session.table(details["target"]).schema.fields
    unknown = [name for name in given if name not in {field.name.lower() for field in fields}]
    if unknown:
        raise QueryFailedError(
            f"COLUMN_NOT_FOUND: line 1:1: Insert column name does not exist in target table: {unknown[0]}"
        )
    values = (
        f"`{f.name}`"
        if f.name.lower() in given
        else f"CAST(NULL AS {f.dataType.simpleString()}) AS `{f.name}`"
        for f in fields
    )
    names = ", ".join(f"`{name}`" for name in given)
    source = f"({details['source']}) AS source({names})"
    return f"INSERT INTO {details['target']} SELECT {', '.join(values)} FROM {source}"


def _result(frame: DataFrame | None) -> dict[str, Any]:
    if frame is None:
        return {"columns": [], "rows": []}
    fields = frame.schema.fields
    rows = [
        [as_text(value, field.dataType) for value, field in zip(row, fields, strict=True)]
        for row in frame.collect()
    ]
    return {
        "columns": [{"name": field.name, **athena_type(field.dataType)} for field in fields],
        "rows": rows,
    }
