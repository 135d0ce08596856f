"""Iceberg and Spark read the files that tasks write, and tasks read those that Spark writes."""

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.curated.backfill import backfill_batches
from lean_ops.spark.file_io import FileStore
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.tables.bucket_transform import buckets
from lean_ops.tables.commits import CYCLE_ID
from lean_ops.tables.compaction import files_to_compact
from lean_ops.tables.data_files import DataFile
from lean_ops.tables.table_files import TableFiles
from lean_ops.tables.topic_table import TopicTable

ROWS = {
    "idempotency_key": ["k1", "é", "\U0001f600", None],
    "whole": [1, -(2**31), 2**31 - 1, None],
    "long": [2**63 - 1, -(2**63), 0, None],
    "small": [1.5, -0.0, 3.4028234663852886e38, None],
    "real": [1e308, 5e-324, -1.0, None],
    "yes": [True, False, True, None],
    "on": [date(1, 1, 1), date(9999, 12, 31), date(1969, 12, 31), None],
    "at": [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1969, 12, 31, 23), None],
    "exact": [Decimal("1.10"), Decimal("-99999999.99"), Decimal("0.00"), None],
    "wide": [Decimal(10) ** 37, Decimal(-1), Decimal(0), None],
}
SQL_TYPES = (
    "idempotency_key string, whole int, long bigint, small float, real double, yes boolean, on date, "
    "at timestamp_ntz, exact decimal(10,2), wide decimal(38,0)"
)


@pytest.fixture
def table(lake):
    def make(partitioned="", types=SQL_TYPES):
        name = lake.name("curated.made")
        lake.spark.sql(f"CREATE TABLE {name} ({types}) USING iceberg {partitioned}")
        return name

    return make


def files_of(loaded):
    return TableFiles(
        FileStore(), location=loaded.location, columns=loaded.columns, partitioning=loaded.partitioning()
    )


@pytest.mark.parametrize(
    "by", ["", "PARTITIONED BY (days(at))", "PARTITIONED BY (bucket(4, idempotency_key))"]
)
def test_spark_reads_what_a_task_writes_and_finds_it_by_its_bounds(lake, table, by):
    name = table(by)
    loaded = TopicTable(lake.spark, name)
    files = files_of(loaded)
    loaded.commit(list(files.write(files.whole(pa.table(ROWS)))), [], {CYCLE_ID: "c1"})
    wanted = sorted(zip(*ROWS.values(), strict=True), key=str)
    assert sorted(map(tuple, lake.spark.table(name).collect()), key=str) == wanted
    for condition in (
        "whole = 1",
        "at = timestamp_ntz'0001-01-01 00:00:00'",
        "exact = 1.10",
        "idempotency_key = 'k1'",
    ):
        assert [row["long"] for row in lake.spark.table(name).where(condition).collect()] == [2**63 - 1], (
            condition
        )
    assert lake.spark.table(name).where("whole = 77").collect() == []


@pytest.mark.parametrize("by", ["", "PARTITIONED BY (bucket(4, idempotency_key))"])
def test_a_task_reads_what_spark_writes(lake, table, by):
    name = table(by)
    frame = lake.spark.createDataFrame(list(zip(*ROWS.values(), strict=True)), SQL_TYPES)
    frame.writeTo(name).append()
    lake.spark.sql(f"ALTER TABLE {name} ADD COLUMNS (more string)")
    lake.spark.sql(f"ALTER TABLE {name} ALTER COLUMN exact TYPE decimal(12,2)")
    loaded = TopicTable(lake.spark, name)
    read = pa.concat_tables([files_of(loaded).read(file, 1 << 20) for file in loaded.files(None)])
    wanted = [{**row, "more": None} for row in pa.table(ROWS).to_pylist()]
    assert sorted(read.to_pylist(), key=str) == sorted(wanted, key=str)


def test_a_commit_that_another_writer_came_before_is_refused(lake, table):
    name = table()
    first, second = TopicTable(lake.spark, name), TopicTable(lake.spark, name)
    files = files_of(first)
    rows = files.whole(pa.table({"idempotency_key": ["k"]}))
    first.commit(list(files.write(rows)), [], {CYCLE_ID: "c1"})
    with pytest.raises(Exception, match="Found conflicting files"):
        second.commit(list(files.write(rows)), [], {CYCLE_ID: "c1"})
    assert lake.spark.table(name).count() == 1


def test_a_commit_that_a_change_of_the_table_came_before_is_made_all_the_same(lake, table):
    name = table()
    loaded = TopicTable(lake.spark, name)
    lake.spark.sql(f"ALTER TABLE {name} ADD COLUMNS (more string)")
    files = files_of(loaded)
    made = loaded.commit(
        list(files.write(files.whole(pa.table({"idempotency_key": ["k"]})))), [], {CYCLE_ID: "c1"}
    )
    assert made.cycle_id == "c1"
    again = TopicTable(lake.spark, name)
    assert again.last_commit().snapshot_id == made.snapshot_id
    assert again.columns[-1].name == "more"
    assert [row["idempotency_key"] for row in lake.spark.table(name).collect()] == ["k"]


def test_a_file_that_was_compacted_away_cannot_be_replaced_unseen(lake, table):
    name = table()
    for key in ("k0", "k1"):
        one = TopicTable(lake.spark, name)
        rows = files_of(one).whole(pa.table({"idempotency_key": [key]}))
        one.commit(list(files_of(one).write(rows)), [], {CYCLE_ID: key})
    loaded = TopicTable(lake.spark, name)
    planned = loaded.files(None)
    lake.spark.sql(
        f"CALL glue_catalog.system.rewrite_data_files(table => '{name.removeprefix('glue_catalog.')}', "
        "options => map('min-input-files', '2'))"
    )
    files = files_of(loaded)
    rows = files.whole(pa.table({"idempotency_key": ["k0"]}))
    with pytest.raises(Exception, match="Missing required files to delete"):
        loaded.commit(list(files.write(rows)), [planned[0].path], {CYCLE_ID: "c1"})
    assert lake.spark.table(name).count() == 2


def test_small_files_of_a_partition_become_one_and_manifests_stay_few(lake, compacting, table):
    name = table("PARTITIONED BY (days(at))")
    for day in (1, 2, 1, 2, 1, 2):
        loaded = TopicTable(lake.spark, name)
        files, planned = files_of(loaded), loaded.files(None)
        compacted = [planned[index] for index in files_to_compact(planned)]
        new = files.whole(pa.table({"at": pa.array([datetime(2026, 11, day)], pa.timestamp("us"))}))
        rows = pa.concat_tables([new, *(files.read(file, 1 << 20) for file in compacted)])
        loaded.commit(list(files.write(rows)), [file.path for file in compacted], {CYCLE_ID: "c"})
    assert lake.spark.table(name).count() == 6
    # The fifth finds two of each day, and makes one of them; the sixth comes on top.
    counts = lake.spark.table(f"{name}.files").select("record_count").collect()
    assert sorted(row[0] for row in counts) == [1, 2, 3]
    manifests = lake.spark.table(f"{name}.manifests")
    assert manifests.where("added_data_files_count + existing_data_files_count > 0").count() <= 2


@pytest.mark.parametrize(
    ("files", "compacted"),
    [
        ([], []),
        ([("", 100)] * 15, []),
        ([("", 100)] * 16, range(16)),
        ([("", 100)] * 15 + [("", 1 << 20)], []),
        ([("day=1", 100), ("day=2", 100)] * 15, []),
        ([("day=1", 100)] * 3 + [("day=2", 100)] * 16, range(3, 19)),
        ([("", 100)] * 40, range(32)),
    ],
)
def test_small_files_of_a_partition_are_compacted_when_they_are_many(files, compacted):
    listed = [DataFile(str(n), size, 1, partition) for n, (partition, size) in enumerate(files)]
    assert files_to_compact(listed) == tuple(compacted)


def test_what_tasks_do_not_read_is_left_to_spark(lake, table):
    name = table("PARTITIONED BY (truncate(2, idempotency_key))")
    with pytest.raises(NotPlainFilesError):
        TopicTable(lake.spark, name).partitioning()
    lake.spark.sql(f"DROP TABLE {name}")
    table()
    frame = lake.spark.createDataFrame(list(zip(*ROWS.values(), strict=True)), SQL_TYPES)
    frame.coalesce(1).writeTo(name).append()
    lake.spark.sql(
        f"ALTER TABLE {name} SET TBLPROPERTIES ('write.delete.mode'='merge-on-read', 'format-version'='2')"
    )
    lake.spark.sql(f"DELETE FROM {name} WHERE whole = 1")
    with pytest.raises(NotPlainFilesError, match="delete files"):
        TopicTable(lake.spark, name).files(None)


@given(st.lists(st.none() | st.text(max_size=12)), st.integers(1, 1000), st.sampled_from([1, 60]))
def test_buckets_are_those_of_iceberg(texts, count, times):
    """Whether few or many texts are of one length."""
    import mmh3

    expected = [None if one is None else (mmh3.hash(one.encode()) & 0x7FFFFFFF) % count for one in texts]
    assert buckets(pa.array(texts * times, pa.string()), count).to_pylist() == expected * times


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9)), st.sampled_from([None, "", "c"]))
def test_backfill_batches_hold_every_cycle_once_in_order(rows, after):
    batches = backfill_batches(rows.items(), after, 10)
    listed = [cycle for batch in batches for cycle in batch.cycles]
    assert listed == sorted(cycle for cycle in rows if after is None or cycle > after)
    for batch in batches:
        assert len(batch.cycles) == 1 or sum(rows[cycle] for cycle in batch.cycles) <= 10
