"""Every name that an engine gives to columns of its own is on the list, and all engines that run here read
and change a topic's tables whatever the members of its payload are called."""

import re

import pyarrow as pa
import pyarrow.dataset
import pytest
from budget import budget
from pyiceberg.expressions import And, EqualTo
from pyiceberg.table import StaticTable

from lean_ops.columns import names
from lean_ops.spark.file_io import FileStore
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.table_files import TableFiles
from lean_ops.tables.topic_table import TopicTable

DELETE_FILES = {"file_path", "pos", "row"}
"""The columns of Iceberg's delete files. A table may have such columns itself, as the last test shows."""
MERGES = {"__row_from_source", "__row_from_target"}
"""The columns that Spark adds to rows that it merges. No class gives them away as constants."""
OTHERS = (
    "_metadata _corrupt_record spark_grouping_id grouping__id _c0 _col0 __row_id __metadata_col "
    "__is_duplicate __pivot_col __right__ __nearest_right__ __original_row_id_ "
    "__original_row_id__spec_id _fake_name_0 _w0 _we0 _tmp_metadata_row_index _gen_grouping_pos "
    "_gen_input_0 _groupingexpression _nondeterministic __dummy__ filename file_row_number "
    "file_index rowid row_id row_number __duckdb_field_id __dummy_col __root__ __index_level_0__ "
    "__source_index __target_index partition spec_id first_row_id content_offset row__id "
    "input__file__name block__offset__inside__file file__path row__position partition__hash "
    "file_modified_time path _path row_count file_count total_size record_count key value element "
    "list map array struct select from table order null true user current_date t s _ __ exists"
)
"""Names that engines use somewhere and yet let a table have: Spark's internal ones, virtual columns of
DuckDB, Hive and Trino, members of Iceberg's metadata and of Parquet's nested types, words of SQL."""
MEMBERS = sorted(
    {*names.ENGINE_COLUMNS, *DELETE_FILES, *MERGES, *budget(each_run=(), thorough=tuple(OTHERS.split()))}
)


def reserved_by_iceberg(spark):
    loader = spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()
    found = set()
    for field in loader.loadClass("org.apache.iceberg.MetadataColumns").getFields():
        if field.getType().getSimpleName() == "NestedField":
            found.add(field.get(None).name())
        elif field.getName().endswith("_NAME"):
            found.add(field.get(None))
    return found


# A version of Iceberg, Spark or pyarrow that takes another name for itself fails here.
def test_the_list_has_what_iceberg_reserves(spark):
    found = reserved_by_iceberg(spark)
    assert {"_file", "_deleted", "_partition", "_row_id", "_change_type"} <= found
    assert found - DELETE_FILES <= names.ENGINE_COLUMNS


def test_the_list_has_what_spark_adds_to_rows_that_it_changes(spark):
    constants = spark._jvm.org.apache.spark.sql.catalyst.util.RowDeltaUtils
    prefix = constants.ORIGINAL_ROW_ID_VALUE_PREFIX()
    # Iceberg finds a row again by its file and its position there.
    assert {constants.OPERATION_COLUMN(), f"{prefix}_file", f"{prefix}_pos"} <= names.ENGINE_COLUMNS


def test_the_list_has_what_pyarrow_adds_to_rows_that_it_scans():
    with pytest.raises(pa.ArrowInvalid) as caught:
        pyarrow.dataset.dataset(pa.table({"own": [1]})).to_table(columns=["other"])
    found = set(re.findall(r"^(\w+): ", str(caught.value).partition(" in ")[2], re.MULTILINE)) - {"own"}
    assert "__filename" in found
    assert found <= names.ENGINE_COLUMNS


@pytest.mark.parametrize("mode", ["copy-on-write", "merge-on-read"])
def test_a_table_with_the_columns_of_all_such_members_is_read_and_changed_by_all_engines(job_session, mode):
    columns = [names.column_name([name]) for name in MEMBERS]
    table = f"glue_catalog.engines.{mode.replace('-', '_')}"
    modes = ", ".join(f"'write.{what}.mode' = '{mode}'" for what in ("delete", "update", "merge"))
    typed = ", ".join(f"`{name}` string" for name in (names.KEY, *columns))
    job_session.sql(
        f"CREATE TABLE {table} ({typed}) USING iceberg TBLPROPERTIES ('format-version' = '2', {modes})"
    )
    topic_table = TopicTable(job_session, table)
    files = TableFiles(
        FileStore(), location=topic_table.location, columns=topic_table.columns, partitioning=None
    )
    rows = {names.KEY: list("abc"), **{name: list("abc") for name in columns}}
    topic_table.commit(list(files.write(files.whole(pa.table(rows)))), [], {CYCLE_ID: "c1"})

    def all_are(text):
        return " AND ".join(f"`{name}` = '{text}'" for name in columns)

    nines = ", ".join(f"`{name}` = 9" for name in columns)
    job_session.sql(f"UPDATE {table} SET {nines} WHERE {all_are('b')}")
    job_session.sql(f"DELETE FROM {table} WHERE {all_are('c')}")
    new = job_session.createDataFrame([[key] + [key * 2] * len(columns) for key in "ad"], typed)
    Tables(job_session, "engines").upsert(new, table, [names.KEY], {CYCLE_ID: "c2"})

    wanted = {"a": {"aa"}, "b": {"9"}, "d": {"dd"}}
    assert texts([row.asDict() for row in job_session.table(table).collect()], columns) == wanted
    assert [row[0] for row in job_session.table(table).where(all_are("dd")).collect()] == ["d"]
    scanned = StaticTable.from_metadata(metadata_file(job_session, table))
    assert texts(scanned.scan().to_arrow().to_pylist(), columns) == wanted
    found = scanned.scan(And(*(EqualTo(name, "dd") for name in columns)), (names.KEY,))
    assert found.to_arrow().to_pylist() == [{names.KEY: "d"}]


def texts(rows, columns):
    """Returns the different texts that the columns have, by key."""
    return {row["idempotency_key"]: {row[name] for name in columns} for row in rows}


def metadata_file(spark, table):
    loaded = spark._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, table)
    return loaded.operations().current().metadataFileLocation()
