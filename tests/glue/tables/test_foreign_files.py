"""Data files of writers that we do not control: tasks read what carries field ids, and Spark reads the rest.

Each case is held to what Spark itself reads of the table.
"""

import io
import itertools
from pathlib import Path
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lake import Event

from lean_ops.payload.flatten_batches import DELTA_ARROW
from lean_ops.spark.file_io import path_of
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.tables.data_files import by_field_id
from lean_ops.tables.topic_table import TopicTable

TABLES = ("standardized.telemetry_climate", "curated.telemetry_climate")
_numbers = itertools.count()


def loaded(lake, table):
    jvm = lake.spark._jvm
    return jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(
        lake.spark._jsparkSession, lake.name(table)
    )


def map_names(lake, table):
    """Sets the name mapping that Iceberg's own procedures set where they add files."""
    mapping = lake.spark._jvm.org.apache.iceberg.mapping
    java = loaded(lake, table)
    text = mapping.NameMappingParser.toJson(mapping.MappingUtil.create(java.schema()))
    java.updateProperties().set("schema.name-mapping.default", text).commit()


def add_file(lake, table, rows, partition=None):
    """Adds a Parquet file with exactly these columns and metadata to a table, without metrics.

    partition: the file's partition path, of a table that has partitions.
    """
    java = loaded(lake, table)
    folder = Path(unquote(urlparse(java.location()).path)) / "data"
    folder.mkdir(exist_ok=True)
    path = folder / f"foreign-{next(_numbers)}.parquet"
    content = io.BytesIO()
    pq.write_table(rows, content)
    path.write_bytes(content.getvalue())
    builder = lake.spark._jvm.org.apache.iceberg.DataFiles.builder(java.spec())
    file = builder.withPath(path.as_uri()).withFormat("parquet").withFileSizeInBytes(path.stat().st_size)
    if partition is not None:
        file.withPartitionPath(partition)
    java.newAppend().appendFile(file.withRecordCount(rows.num_rows).build()).commit()


def move_rows_to_foreign_file(lake, table, change=lambda rows: rows):
    """Deletes a table's rows and adds them again in a file without field ids."""
    frame = lake.spark.table(lake.name(table))
    schema = frame.schema
    kinds = {
        "double": pa.float64(),
        "int": pa.int32(),
        "string": pa.string(),
        "timestamp_ntz": pa.timestamp("us"),
    }
    columns = [(one.name, kinds[one.dataType.simpleString()]) for one in schema]
    rows = pa.Table.from_pylist([row.asDict() for row in frame.collect()], pa.schema(columns))
    lake.spark.sql(f"DELETE FROM {lake.name(table)}")
    add_file(lake, table, change(rows))


def spark_reads(lake, table):
    return lake.rows(table)


def without_partitions(lake, table):
    """The table's partition fields removed, so that a file of any rows fits."""
    java = loaded(lake, table)
    update = java.updateSpec()
    for field in list(java.spec().fields()):
        update.removeField(field.name())
    update.commit()


# --- RAW ---


def raw_rows(lake, *events):
    """Events as rows of RAW in Arrow, without ids."""
    lake.deliver(*events)
    frame = lake.spark.sql(
        f"SELECT * FROM {lake.name('raw.events')} WHERE message_id IN "
        f"({', '.join(repr(one.message_id) for one in events)})"
    )
    kinds = [
        (one.name, pa.timestamp("us") if "timestamp" in one.dataType.simpleString() else pa.string())
        for one in frame.schema
    ]
    rows = pa.Table.from_pylist([row.asDict() for row in frame.collect()], pa.schema(kinds))
    lake.spark.sql(f"DELETE FROM {lake.name('raw.events')}")
    return rows


@pytest.mark.parametrize("mapped", [True, False], ids=["by names", "by positions"])
def test_files_without_ids_in_raw(lake, mapped):
    foreign = raw_rows(lake, Event({"temperature": 1}, message_id="foreign"))
    without_partitions(lake, "raw.events")
    if mapped:
        map_names(lake, "raw.events")
        foreign = foreign.select(foreign.column_names[::-1])
    add_file(lake, "raw.events", foreign)
    lake.deliver(Event({"temperature": 2}, message_id="ours"))
    lake.activate("telemetry.climate", 1, {"temperature": {"type": "number"}})
    assert lake.standardize().trouble() is None
    assert lake.curate().trouble() is None
    found = {key: row["temperature"] for key, row in lake.by_key("standardized.telemetry_climate").items()}
    assert found == {"foreign": "1", "ours": "2"}
    typed = {key: row["temperature"] for key, row in lake.by_key("curated.telemetry_climate").items()}
    assert typed == {"foreign": 1.0, "ours": 2.0}
    assert [one["reason"] for one in lake.logged if one["message"] == "RAW goes by Spark"] == [
        "a file has columns without field ids"
    ]


# --- tables of topics ---


@pytest.mark.parametrize("mapped", [True, False], ids=["by names", "by positions"])
def test_files_without_ids_in_both_layers(lake, mapped):
    lake.activate("telemetry.climate", 1, {"temperature": {"type": "number"}})
    lake.standardize(Event({"temperature": 1}), Event({"temperature": 5}, message_id="other"))
    lake.curate()
    for table in TABLES:
        without_partitions(lake, table)
        if mapped:
            map_names(lake, table)
        move_rows_to_foreign_file(
            lake, table, lambda rows: rows.select(rows.column_names[::-1]) if mapped else rows
        )
        before = lake.by_key(table)
        assert {key: float(row["temperature"]) for key, row in before.items()} == {"0199-a": 1, "other": 5}
    # One is corrected, one comes late and loses, and one is new.
    corrected = Event({"temperature": 2}, produced=10)
    late = Event({"temperature": 4}, message_id="other", produced=-10)
    assert lake.standardize(corrected, late, Event({"temperature": 9}, message_id="new")).trouble() is None
    assert lake.curate().trouble() is None
    for table in TABLES:
        found = {key: float(row["temperature"]) for key, row in lake.by_key(table).items()}
        assert found == {"0199-a": 2, "other": 5, "new": 9}
        assert len(lake.rows(table)) == 3
    assert by_spark_for_their_files(lake) == [
        ("a file has columns without field ids", 1, ["telemetry.climate"])
    ] * len(TABLES)


def test_a_backfill_from_files_without_ids(lake):
    lake.standardize(Event({"temperature": 1}), Event({"temperature": 5}, message_id="other"))
    table = TABLES[0]
    map_names(lake, table)
    move_rows_to_foreign_file(lake, table, lambda rows: rows.select(rows.column_names[::-1]))
    lake.activate("telemetry.climate", 1, {"temperature": {"type": "number"}})
    assert lake.curate().trouble() is None
    found = {key: row["temperature"] for key, row in lake.by_key(TABLES[1]).items()}
    assert found == {"0199-a": 1, "other": 5}


def test_a_column_that_was_renamed_is_read_by_its_id(lake):
    lake.standardize(Event({"temperature": 1}))
    lake.spark.sql(f"ALTER TABLE {lake.name(TABLES[0])} RENAME COLUMN temperature TO celsius")
    lake.activate("telemetry.climate", 1, {"celsius": {"type": "number"}})
    lake.standardize(Event({"celsius": 2}, message_id="new"))
    assert {key: row["celsius"] for key, row in lake.by_key(TABLES[0]).items()} == {"0199-a": "1", "new": "2"}


# --- cycle_delta ---


def by_spark_for_their_files(lake):
    return [
        (one["reason"], one["topics"], one["first_topics"])
        for one in lake.logged
        if one["message"] == "topics go by Spark" and one.get("level") == "WARN"
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: rows.cast(DELTA_ARROW), "a file has columns without field ids"),
        (lambda rows: rows.drop_columns(["rescued_data"]), "a file of cycle_delta lacks rescued_data"),
        (
            lambda rows: rows.rename_columns(
                [{"topic_name": "topic"}.get(name, name) for name in rows.column_names]
            ),
            "a file of cycle_delta lacks topic_name",
        ),
    ],
    ids=["without ids", "without a column", "by another name"],
)
def test_files_of_others_in_cycle_delta(lake, change, why):
    lake.activate("telemetry.climate", 1, {"temperature": {"type": "number"}})
    lake.standardize(Event({"temperature": 1}), Event({"temperature": 5}, message_id="other"))
    table = "ops.cycle_delta"
    map_names(lake, table)
    [file] = lake.spark.sql(f"SELECT file_path, partition FROM {lake.name(table)}.files").collect()
    rows = pq.read_table(path_of(file["file_path"]), partitioning=None)
    lake.spark.sql(f"DELETE FROM {lake.name(table)}")
    add_file(lake, table, change(rows), f"cycle_id={file['partition']['cycle_id']}")
    assert lake.curate().trouble() is None
    found = {key: row["temperature"] for key, row in lake.by_key(TABLES[1]).items()}
    assert found == {"0199-a": 1, "other": 5}
    assert by_spark_for_their_files(lake) == [(why, 1, ["telemetry.climate"])]


# --- what else is not in the files ---


def test_a_default_of_a_column_counts_for_files_from_before(lake):
    lake.standardize(Event({"temperature": 1}))
    table = TABLES[0]
    java = loaded(lake, table)
    java.updateProperties().set("format-version", "3").commit()
    java = loaded(lake, table)
    iceberg = lake.spark._jvm.org.apache.iceberg
    literal = iceberg.expressions.Expressions.lit("none yet")
    java.updateSchema().addColumn("site", iceberg.types.Types.StringType.get(), "$.site", literal).commit()
    assert [row["site"] for row in spark_reads(lake, table)] == ["none yet"]
    with pytest.raises(NotPlainFilesError, match="default"):
        TopicTable(lake.spark, lake.name(table)).files(None)
    # A correction rewrites the file, and the other row of it keeps what Spark reads.
    lake.standardize(Event({"temperature": 2}, message_id="new"))
    assert {key: row["site"] for key, row in lake.by_key(table).items()}["0199-a"] == "none yet"


def test_a_partition_by_the_column_itself(lake):
    """Iceberg takes the column from the partition, so a file may lack it."""
    lake.standardize(Event({"temperature": 1}))
    java = loaded(lake, TABLES[0])
    java.updateSpec().addField("message_id").commit()
    loaded(lake, TABLES[0]).updateSpec().removeField("message_id").commit()
    with pytest.raises(NotPlainFilesError, match="partitioned by a column itself"):
        TopicTable(lake.spark, lake.name(TABLES[0])).files(None)


def test_files_of_another_format(lake):
    lake.standardize(Event({"temperature": 1}), Event({"temperature": 5}, message_id="other"))
    table = lake.name(TABLES[0])
    lake.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('write.format.default'='orc')")
    lake.spark.sql(f"INSERT OVERWRITE {table} SELECT * FROM {table}")
    lake.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('write.format.default'='parquet')")
    assert lake.standardize(Event({"temperature": 2}, produced=10)).trouble() is None
    found = {key: row["temperature"] for key, row in lake.by_key(TABLES[0]).items()}
    assert found == {"0199-a": "2", "other": "5"}


def test_ids_that_are_missing_in_part():
    """Iceberg reads NULL for a column without an id once any other has one. Spark decides that."""
    numbered = pa.field("a", pa.string(), metadata={"PARQUET:field_id": "1"})
    assert by_field_id(pa.schema([numbered])) == {1: "a"}
    with pytest.raises(NotPlainFilesError):
        by_field_id(pa.schema([numbered, pa.field("b", pa.string())]))
    with pytest.raises(NotPlainFilesError):
        by_field_id(pa.schema([pa.field("b", pa.string())]))
