"""Writes tables by Spark; topic_table takes what tasks wrote, nobody else writes. Every write carries its
checkpoint in the Iceberg commit it makes (see commits): what was done and up to where can be read from the
table itself, whatever happened to the process that did it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lean_ops.columns import names
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.spark.session import CATALOG, activate
from lean_ops.tables.commits import Commit, TableError, confirmed, last_commit

_ADD_COLUMNS_TRIES = 3
_FANOUT = "write.spark.fanout.enabled"
_ROW_GROUP_SIZE = "write.parquet.row-group-size-bytes"
_SMALL_ROW_GROUPS = str(4 << 20)


class Tables:
    """Tables of one database prefix, through one session. Made and used in one thread."""

    def __init__(self, spark: SparkSession, database_prefix: str) -> None:
        self.spark = spark
        self._prefix = database_prefix
        self._iceberg = iceberg_of(spark._jvm)
        activate(spark)

    def name(self, layer: str, table: str) -> str:
        """The full name, fit for SQL. layer: raw, standardized, curated or ops."""
        if not names.is_table(table):
            raise TableError(f"{table!r} is no table name")
        return f"{CATALOG}.{self._prefix}_{layer}.{table}"

    def listed(self, layer: str) -> set[str]:
        """Names of a layer's tables, by one listing."""
        rows = self.spark.sql(f"SHOW TABLES IN {CATALOG}.{self._prefix}_{layer}").collect()
        return {row["tableName"] for row in rows}

    # --- reading
    # ---------------------------------------------------------------------------------------------------

    def read(self, table: str) -> DataFrame:
        return self.spark.table(table)

    def read_between(self, table: str, after_snapshot: str | None, to_snapshot: str) -> DataFrame:
        """Rows appended after one snapshot (None: from the start) up to and with another. Compaction adds
        none."""
        reader = self.spark.read.format("iceberg")
        if after_snapshot is None:
            return reader.option("snapshot-id", to_snapshot).load(table)
        return (
            reader.option("start-snapshot-id", after_snapshot)
            .option("end-snapshot-id", to_snapshot)
            .load(table)
        )

    def columns(self, table: str) -> list[str]:
        return self.spark.table(table).columns

    def metadata(self, table: str) -> Mapping[str, Any]:
        """The table's current metadata as Iceberg's JSON: https://iceberg.apache.org/spec/#table-metadata-fields"""
        current = self._load(table).operations().current()
        document: Mapping[str, Any] = json.loads(self._iceberg.table_metadata.toJson(current))
        return document

    def is_empty(self, table: str) -> bool:
        """True only when the table's own metadata says that it holds no row."""
        snapshot = self._load(table).currentSnapshot()
        return snapshot is None or snapshot.summary().get("total-records") == "0"

    def last_commit(self, table: str) -> Commit | None:
        """With rows_before. Two commits of one cycle (a new schema came in between) count as one."""
        return last_commit(self._iceberg, self._load(table))

    def ancestors(self, table: str, snapshot_id: str) -> Iterator[str]:
        """snapshot_id and those before it, newest first; the last one may have expired. Nothing if it is
        unknown."""
        loaded = self._load(table)
        snapshot = loaded.snapshot(int(snapshot_id))
        while snapshot is not None:
            yield str(snapshot.snapshotId())
            parent = snapshot.parentId()
            if parent is None:
                return
            snapshot = loaded.snapshot(parent)
            if snapshot is None:
                yield str(parent)

    # --- writing
    # ---------------------------------------------------------------------------------------------------

    def append(self, rows: DataFrame, table: str, properties: Mapping[str, str]) -> Commit | None:
        whole = self._whole(rows, table)
        self._one_file_at_a_time(table)
        self._with_properties(properties, lambda: whole.writeTo(table).append())
        return self._confirmed(table, properties)

    def replace_cycle(
        self, rows: DataFrame, table: str, cycle_id: str, properties: Mapping[str, str]
    ) -> Commit | None:
        """Replaces the partition `cycle_id` as a whole, in one commit, also by nothing."""
        # So that who reads a few topics reads little more than those: Iceberg's own are 128 MB.
        self._set_property(table, _ROW_GROUP_SIZE, _SMALL_ROW_GROUPS)
        # The partition is one value: spread by it, all rows would go through one task.
        writer = rows.writeTo(table).option("distribution-mode", "none")
        self._with_properties(properties, lambda: writer.overwrite(F.col("cycle_id") == F.lit(cycle_id)))
        return self._confirmed(table, properties)

    def upsert(
        self, rows: DataFrame, table: str, keys: Sequence[str], properties: Mapping[str, str]
    ) -> Commit | None:
        """Inserts or replaces whole rows by `keys`, which must be unique in `rows`."""
        rows = self._whole(rows, table)
        self._one_file_at_a_time(table)
        view = f"upsert_{table.rpartition('.')[2]}"
        columns = rows.columns
        rows.createOrReplaceTempView(view)
        on = " AND ".join(f"t.`{key}` = s.`{key}`" for key in keys)
        update = ", ".join(f"t.`{name}` = s.`{name}`" for name in columns)
        statement = (
            f"MERGE INTO {table} t USING {view} s ON {on} "
            f"WHEN MATCHED THEN UPDATE SET {update} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(f'`{name}`' for name in columns)}) "
            f"VALUES ({', '.join(f's.`{name}`' for name in columns)})"
        )
        try:
            self._with_properties(properties, lambda: self.spark.sql(statement))
        finally:
            self.spark.catalog.dropTempView(view)
        return self._confirmed(table, properties)

    def _whole(self, rows: DataFrame, table: str) -> DataFrame:
        """The rows with NULL in the columns of the table that they lack.

        schema-validator adds columns before a schema becomes active, and an overtaken one leaves its
        own.
        """
        known = {name.lower() for name in rows.columns}
        fields = self.spark.table(table).schema.fields
        missing = [field for field in fields if field.name.lower() not in known]
        return rows.select("*", *(F.lit(None).cast(field.dataType).alias(field.name) for field in missing))

    def commit_checkpoint(self, table: str, properties: Mapping[str, str]) -> Commit | None:
        """A commit without rows: moves the checkpoint where there is nothing to write."""
        append = self._load(table).newAppend()
        for key, value in properties.items():
            append.set(key, value)
        append.commit()
        return self._confirmed(table, properties)

    def append_new(self, rows: DataFrame, table: str, key: str) -> None:
        """Appends the rows whose `key` the table does not hold yet; `key` must be unique in `rows`."""
        known = self.read(table).select(key)
        self.append(rows.join(known, on=key, how="left_anti").select(*rows.columns), table, {})

    def add_columns(self, table: str, new_columns: Sequence[str]) -> list[str]:
        """Adds string columns, all in one ALTER; those that exist by then are left alone. Returns the added
        ones."""
        for last_try in (False,) * (_ADD_COLUMNS_TRIES - 1) + (True,):
            present = set(self.columns(table))
            missing = [name for name in new_columns if name not in present]
            if not missing:
                return []
            try:
                listed = ", ".join(f"`{name}` STRING" for name in missing)
                self.spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({listed})")
                return missing
            except Exception as error:
                # schema-validator adds columns by Athena at the same time: look again what is missing.
                if last_try or not _is_concurrent_change(error):
                    raise
        return []

    # --- inside
    # ----------------------------------------------------------------------------------------------------

    def _one_file_at_a_time(self, table: str) -> None:
        """Has writes sorted by partition. Iceberg else keeps a file open for each partition that a task
        meets: a producer that makes its event times up would have the job run out of memory. Once a table:
        MERGE takes no write options, and Athena's DDL no such property."""
        if self._load(table).spec().isPartitioned():
            self._set_property(table, _FANOUT, "false")

    def _set_property(self, table: str, key: str, value: str) -> None:
        loaded = self._load(table)
        if loaded.properties().get(key) != value:
            loaded.updateProperties().set(key, value).commit()

    def _load(self, table: str) -> Any:
        """Iceberg's own Table (Java): metadata without a Spark job."""
        spark: Any = self.spark
        return self._iceberg.spark_util.loadIcebergTable(spark._jsparkSession, table)

    def _with_properties(self, properties: Mapping[str, str], write: Callable[[], object]) -> None:
        """Runs `write` so that the commits it makes in this thread carry `properties` (Iceberg's
        CommitMetadata)."""
        if not properties:
            write()
            return
        spark: Any = self.spark
        ensure_callback_server_started(spark.sparkContext._gateway)  # type: ignore[no-untyped-call]
        entries = self._iceberg.hash_map()
        for key, value in properties.items():
            entries.put(key, value)
        call = _Callable(write)
        failure = self._iceberg.java_class.forName("java.lang.RuntimeException")
        self._iceberg.commit_metadata.withCommitProperties(entries, call, failure)
        if call.error is not None:
            raise call.error

    def _confirmed(self, table: str, properties: Mapping[str, str]) -> Commit | None:
        """Reads the checkpoint back."""
        if not properties:
            return None
        return confirmed(self.last_commit(table), table, properties)


def _is_concurrent_change(error: Exception) -> bool:
    return (
        isinstance(error, AnalysisException)
        or "CommitFailedException" in str(error)
        or "exists" in str(error)
    )


class _Callable:
    """A java.util.concurrent.Callable. Python's error is kept: Java would turn it into text."""

    def __init__(self, run: Callable[[], object]) -> None:
        self._run = run
        self.error: BaseException | None = None

    def call(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.error = error

    class Java:
        implements = ("java.util.concurrent.Callable",)
