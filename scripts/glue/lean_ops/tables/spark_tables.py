"""Reads tables by Spark, and writes those of _ops. The tables of topics are written by topic_table, under the
fence; here they only get columns and the fence itself.

A write can carry its checkpoint in the Iceberg commit that it makes (see commits.py). What was done and up to
where can therefore be read from the table itself, whatever has happened to the process that did it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lean_ops.columns import names
from lean_ops.spark.catalog_calls import (
    LIST,
    LOAD,
    MERGE_BY_SPARK,
    READ_BY_SPARK,
    WRITE_BY_SPARK,
)
from lean_ops.spark.iceberg_classes import iceberg_of
from lean_ops.spark.materialized import materialized
from lean_ops.spark.session import CATALOG, activate
from lean_ops.tables.ancestry import Ancestry, ancestry
from lean_ops.tables.commits import Commit, TableError, confirmed, last_commit
from lean_ops.tables.fence import EPOCH, epoch_of
from lean_ops.tables.fenced_commits import commit_metadata, commit_properties
from lean_ops.tables.known_ids import ListedIds, listed_ids
from lean_ops.tables.metadata_files import (
    MERGE_FROM,
    MERGE_FROM_MANIFESTS,
    METADATA_PROPERTIES,
    OWN_METADATA_PROPERTIES,
    missing_properties,
)

_ROW_GROUP_SIZE = "write.parquet.row-group-size-bytes"
_OPS_PROPERTIES = {MERGE_FROM: str(MERGE_FROM_MANIFESTS), **OWN_METADATA_PROPERTIES}
"""Properties that a table of _ops gets where it has none of that name."""
_SMALL_ROW_GROUPS = str(4 << 20)


_TOPIC_LAYERS = ("standardized", "curated")
_IS_CHANGE = "lean_ops_is_change"


class Tables:
    """The tables of one database prefix, through one session. It must be made and used in the same thread."""

    def __init__(self, spark: SparkSession, database_prefix: str) -> None:
        self.spark = spark
        self._prefix = database_prefix
        self._iceberg = iceberg_of(spark._jvm)
        activate(spark)

    def name(self, layer: str, table: str) -> str:
        """The full name of a table, safe in SQL. layer: raw, standardized, curated or ops.

        Raises TableError when `table` is not a table name.
        """
        if not names.is_table(table):
            raise TableError(f"{table!r} is no table name")
        return f"{CATALOG}.{self._prefix}_{layer}.{table}"

    def listing(self, layer: str) -> AbstractContextManager[None]:
        """Takes the calls of the catalog for a listing of a layer's tables that Spark does not make."""
        return self._iceberg.calls.made(LIST, "list", f"{CATALOG}.{self._prefix}_{layer}")

    def listed(self, layer: str) -> set[str]:
        """The names of a layer's tables, by one request."""
        database = f"{CATALOG}.{self._prefix}_{layer}"
        with self._iceberg.calls.made(LIST, "list", database):
            rows = self.spark.sql(f"SHOW TABLES IN {database}").collect()
        return {row["tableName"] for row in rows}

    # --- reading ---

    def read(self, table: str) -> DataFrame:
        with self._iceberg.calls.made(READ_BY_SPARK, "load", table):
            return self.spark.table(table)

    def read_between(self, table: str, after_snapshot: str | None, to_snapshot: str) -> DataFrame:
        """The rows appended after one snapshot, up to and including another.

        When after_snapshot is None, they are all rows of the table. Compaction appends none.
        """
        reader = self.spark.read.format("iceberg")
        if after_snapshot is None:
            reader = reader.option("snapshot-id", to_snapshot)
        else:
            reader = reader.option("start-snapshot-id", after_snapshot).option("end-snapshot-id", to_snapshot)
        with self._iceberg.calls.made(READ_BY_SPARK, "load", table):
            return reader.load(table)

    def read_listed(self, table: str, listed: ListedIds | None) -> DataFrame:
        """The rows with one of the ids, without reading the whole table; all rows for None."""
        rows = self.read(table)
        return rows if listed is None else rows.where(listed.condition)

    def columns(self, table: str) -> list[str]:
        with self._iceberg.calls.made(LOAD, "load", table):
            return self.spark.table(table).columns

    def metadata(self, table: str) -> Mapping[str, Any]:
        """The current metadata: the JSON of https://iceberg.apache.org/spec/#table-metadata-fields."""
        current = self._load(table).operations().current()
        document: Mapping[str, Any] = json.loads(self._iceberg.table_metadata.toJson(current))
        return document

    def is_empty(self, table: str) -> bool:
        """True only when the table's own metadata says that it has no row."""
        snapshot = self._load(table).currentSnapshot()
        return snapshot is None or snapshot.summary().get("total-records") == "0"

    def has_taken_nothing(self, table: str) -> bool:
        """True only when the table has no row and no commit of the library, by its own metadata."""
        loaded = self._load(table)
        snapshot = loaded.currentSnapshot()
        if snapshot is None:
            return True
        return snapshot.summary().get("total-records") == "0" and last_commit(self._iceberg, loaded) is None

    def last_commit(self, table: str) -> Commit | None:
        """The last commit of the library, as in commits.last_commit; None when there is none."""
        return last_commit(self._iceberg, self._load(table))

    def ancestry(self, table: str) -> Ancestry:
        """How far back the table's snapshots are kept."""
        return ancestry(self._iceberg, self._load(table))

    def ancestors(self, table: str, snapshot_id: str) -> Iterator[str]:
        """The snapshot and those before it, newest first; nothing when it is unknown.

        The last one given may have expired itself.
        """
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

    # --- writing ---

    def append(self, rows: DataFrame, table: str, properties: Mapping[str, str]) -> Commit | None:
        """Appends rows to a table of _ops in one commit. Columns of the table that they lack become null.

        properties: what the commit carries. Without any, nothing is checked and None is given.
        """
        self._refuse_topics(table)
        whole = self._whole(rows, table)
        self._keep_metadata_small(table)
        with self._iceberg.calls.made(WRITE_BY_SPARK, "append", table):
            self._with_properties(properties, lambda: whole.writeTo(table).append())
        return self._confirmed(table, properties)

    def upsert(
        self,
        rows: DataFrame,
        table: str,
        keys: Sequence[str],
        properties: Mapping[str, str],
        among: str = "true",
    ) -> Commit | None:
        """Inserts rows into a table of _ops, or replaces those with the same `keys`, which must be unique in
        `rows`.

        properties: as in append. among: a condition on the table `t`, in SQL, that every row with such keys
        meets. By it Iceberg leaves out files; the keys themselves are no constants, and leave out none.
        """
        self._refuse_topics(table)
        rows = self._whole(rows, table)
        columns = rows.columns
        on = " AND ".join([among, *(f"t.`{key}` = s.`{key}`" for key in keys)])
        clauses = f"WHEN MATCHED THEN UPDATE SET {_set(columns)} WHEN NOT MATCHED THEN {_insert(columns)}"
        self._merge(rows, table, on, clauses, properties)
        return self._confirmed(table, properties)

    def change(self, changes: DataFrame, new: DataFrame, table: str, key: str) -> None:
        """Sets some columns of rows of a table of _ops, and inserts or replaces whole ones, in one commit.

        changes: `key`, and the columns that are set; those whose key the table does not have are left out.
        new: whole rows. Each key is in one row of both together. So rows of which little is changed need not
        be read before and sorted with all that they have.
        """
        self._refuse_topics(table)
        names = [name for name in changes.columns if name != key]
        whole = self._whole(new, table)
        rows = changes.withColumn(_IS_CHANGE, F.lit(True)).unionByName(
            whole.withColumn(_IS_CHANGE, F.lit(False)), allowMissingColumns=True
        )
        clauses = (
            f"WHEN MATCHED AND s.{_IS_CHANGE} THEN UPDATE SET {_set(names)} "
            f"WHEN MATCHED THEN UPDATE SET {_set(whole.columns)} "
            f"WHEN NOT MATCHED AND NOT s.{_IS_CHANGE} THEN {_insert(whole.columns)}"
        )
        self._merge(rows, table, f"t.`{key}` = s.`{key}`", clauses, {})

    def _merge(
        self, rows: DataFrame, table: str, on: str, clauses: str, properties: Mapping[str, str]
    ) -> None:
        """Merges `rows`, which are `s` in SQL, into a table, which is `t`."""
        self._keep_metadata_small(table)
        view = f"merged_{table.rpartition('.')[2]}"
        rows.createOrReplaceTempView(view)
        statement = f"MERGE INTO {table} t USING {view} s ON {on} {clauses}"
        try:
            with self._iceberg.calls.made(MERGE_BY_SPARK, "merge", table):
                self._with_properties(properties, lambda: self.spark.sql(statement))
        finally:
            self.spark.catalog.dropTempView(view)

    def _whole(self, rows: DataFrame, table: str) -> DataFrame:
        """The rows with NULL in the columns of the table that they lack.

        The table can have more columns than the active schema: schema-validator adds them before a schema
        becomes active, and leaves those of a schema that was overtaken.
        """
        known = {name.lower() for name in rows.columns}
        with self._iceberg.calls.made(LOAD, "load", table):
            fields = self.spark.table(table).schema.fields
        missing = [field for field in fields if field.name.lower() not in known]
        return rows.select("*", *(F.lit(None).cast(field.dataType).alias(field.name) for field in missing))

    def keep_small_row_groups(self, table: str) -> None:
        """Has Spark write small row groups to the table, which let a reader of a few topics read little else.
        Those of Iceberg's default are 128 MB."""
        self._set_properties(table, self._load(table), {_ROW_GROUP_SIZE: _SMALL_ROW_GROUPS}, _OPS_PROPERTIES)

    def keep_few_metadata_files(self, table: str) -> None:
        """Has the table delete old metadata files, whoever commits to it; see metadata_files."""
        self._set_properties(table, self._load(table), {}, METADATA_PROPERTIES)

    def append_new(self, rows: DataFrame, table: str, key: str) -> None:
        """Appends the rows whose `key` the table does not have yet. When there are none, no commit is made.

        rows: unique by `key`, a text that goes with one topic_name only.
        """
        with materialized(rows) as found:
            listed = listed_ids(found, key)
            known = self.read_listed(table, listed).select(key)
            if listed is None:
                new = found.join(known, on=key, how="left_anti").select(*rows.columns)
            else:
                have = {row[key] for row in known.collect()}
                if len(have) == len(listed.ids):
                    return
                new = found.where(~F.col(key).isin(*have)) if have else found
            self.append(new, table, {})

    def add_columns(
        self,
        table: str,
        added: Mapping[str, str | None],
        comments: Mapping[str, str] | None = None,
        epoch: int = 0,
    ) -> None:
        """Adds columns of text and sets the comments of others, all in one change of the table.

        added: column to its comment; columns that exist by then are left alone, since schema-validator may
        have changed the table by Athena meanwhile. comments: column to its new comment. epoch: the writer's.
        Raises FencedError.
        """
        loaded = self._load(table)

        def change(operations: Any) -> tuple[Any, Any]:
            base = operations.refresh()
            fields = json.loads(self._iceberg.schemas.toJson(base.schema()))["fields"]
            present = {field["name"] for field in fields}
            missing = {name: comment for name, comment in added.items() if name not in present}
            if not missing and not comments:
                return base, None
            # A transaction of Iceberg's makes the metadata that such a change gives, and commits nothing by
            # itself. As it begins, it brings the table up to date.
            with self._iceberg.calls.made(LOAD, "load", table):
                transaction = loaded.newTransaction()
            update = transaction.updateSchema()
            for name, comment in missing.items():
                update.addColumn(name, self._iceberg.string_type.get(), comment)
            for name, comment in (comments or {}).items():
                update.updateColumnDoc(name, comment)
            update.commit()
            return base, transaction.table().operations().current()

        commit_metadata(self._iceberg, loaded, table, epoch, change)
        with self._iceberg.calls.made(LOAD, "load", table):
            self.spark.catalog.refreshTable(table)

    def raise_epoch(self, table: str, epoch: int) -> None:
        """Fences a table: no writer of a lower epoch can commit to it from now on. A second time it changes
        nothing. Raises FencedError when the table's epoch is higher already."""
        commit_properties(
            self._iceberg,
            self._load(table),
            table,
            epoch,
            lambda known: {} if epoch_of(known, table) == epoch else {EPOCH: str(epoch)},
        )

    def epoch(self, table: str) -> int:
        """The epoch of a table by its own metadata; 0 where no operation has fenced it yet."""
        return epoch_of(self._load(table).properties(), table)

    # --- inside ---

    def _refuse_topics(self, table: str) -> None:
        """Raises TableError for the table of a topic: what Spark commits by itself passes the fence."""
        databases = tuple(f"{CATALOG}.{self._prefix}_{layer}." for layer in _TOPIC_LAYERS)
        if table.startswith(databases):
            raise TableError(f"{table} is a topic's, which only a TopicTable commits to")

    def _keep_metadata_small(self, table: str) -> None:
        """As keep_few_metadata_files, for a table of _ops; its metadata is packed, too, and its manifests are
        joined."""
        self._set_properties(table, self._load(table), {}, _OPS_PROPERTIES)

    def _set_properties(
        self, table: str, loaded: Any, wanted: Mapping[str, str], missing: Mapping[str, str]
    ) -> None:
        """Sets the wanted properties, and of the missing ones those that the table does not have, in one
        commit."""
        if not _changed(wanted, missing, loaded.properties()):
            return
        commit_properties(self._iceberg, loaded, table, 0, lambda known: _changed(wanted, missing, known))

    def _load(self, table: str) -> Any:
        """Iceberg's own Table, in Java, which gives metadata without a Spark job."""
        return self._iceberg.load(self.spark, table)

    def _with_properties(self, properties: Mapping[str, str], write: Callable[[], object]) -> None:
        """Runs `write` so that the commits it makes in this thread carry `properties`.

        It uses Iceberg's class CommitMetadata.
        """
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
        """Reads the last commit back and checks that it carries the properties."""
        if not properties:
            return None
        return confirmed(self.last_commit(table), table, properties)


def _set(columns: Sequence[str]) -> str:
    return ", ".join(f"t.`{name}` = s.`{name}`" for name in columns)


def _insert(columns: Sequence[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in columns)
    return f"INSERT ({listed}) VALUES ({', '.join(f's.`{name}`' for name in columns)})"


def _changed(wanted: Mapping[str, str], missing: Mapping[str, str], properties: Any) -> dict[str, str]:
    changed = {name: value for name, value in wanted.items() if properties.get(name) != value}
    return changed | missing_properties(missing, properties)


class _Callable:
    """A java.util.concurrent.Callable that runs a Python function.

    It keeps the error that the function raises, because Java would turn it into text.
    """

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
