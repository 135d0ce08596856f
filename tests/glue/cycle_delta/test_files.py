"""Tasks read the rows that are in the files of cycle_delta, however these are divided."""

import io
from datetime import datetime
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lake import Event

from lean_ops.cycle_delta import files as cycle_delta_files
from lean_ops.cycle_delta import summary
from lean_ops.cycle_delta.files import DeltaFile, read_topics
from lean_ops.payload.flatten_batches import DELTA_ARROW
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.splits import group_splits, splits_of
from lean_ops.tables.data_files import FIELD_ID

AT = datetime(2026, 11, 23, 10)
TOPICS = ["a", "b", "b.c", "c", "é"]
MERGE_ON_READ = "SET TBLPROPERTIES ('write.delete.mode'='merge-on-read', 'format-version'='2')"
WITH_IDS = pa.schema(
    [field.with_metadata({FIELD_ID: str(number)}) for number, field in enumerate(DELTA_ARROW, 1)]
)
"""The columns as a writer of Iceberg writes them."""

rows = st.lists(st.tuples(st.sampled_from([*TOPICS, None]), st.booleans()), max_size=12)
files = st.lists(st.tuples(rows, st.booleans(), st.sampled_from(["c1", "c2", "c3"])), max_size=4)


def cycle_delta(found, cycle):
    """Rows of cycle_delta, each with a message_id of its own. found: (topic, whether the row is readable)."""
    return pa.Table.from_pylist(
        [
            {
                "topic_name": topic,
                "message_id": f"{cycle} {n} {topic}",
                "ingested_at": AT,
                "columns": [("n", str(n))] if readable else None,
                "cycle_id": cycle,
            }
            for n, (topic, readable) in enumerate(found)
        ],
        WITH_IDS,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files,
    st.dictionaries(st.sampled_from(TOPICS), st.sets(st.sampled_from(["c1", "c2"]), min_size=1)),
    st.integers(1, 4),
    st.sampled_from([1, 400, 1 << 20]),
)
def test_each_topic_gets_its_readable_rows(tmp_path, monkeypatch, found, cycles, row_group, at_once):
    monkeypatch.setattr(cycle_delta_files, "_READ_AT_ONCE_BYTES", at_once)
    written, sent = [], []
    for number, (some, is_sorted, cycle) in enumerate(found):
        table = cycle_delta(some, cycle)
        table = table.sort_by("topic_name") if is_sorted else table
        path = tmp_path / f"{number}.parquet"
        pq.write_table(table, path, row_group_size=row_group)
        written.append(DeltaFile(str(path), cycle))
        sent += table.to_pylist()

    read = list(read_topics(FileStore(), written, cycles, 100))
    assert [topic for topic, _ in read] == sorted(cycles)
    for topic, table in read:
        assert table.schema == DELTA_ARROW
        wanted = [row for row in sent if row["topic_name"] == topic and row["cycle_id"] in cycles[topic]]
        assert sorted(map(str, table.to_pylist())) == sorted(str(row) for row in wanted if row["columns"])


class CountingFiles:
    """A file store and its file system, which counts the bytes that are read."""

    def __init__(self):
        self.read = 0

    def open(self, _):
        return self

    def open_input_file(self, path):
        files = self

        class Counting(io.FileIO):
            def read(self, size=-1):
                found = super().read(size)
                files.read += len(found)
                return found

        return pa.PythonFile(Counting(path), mode="r")


def test_of_a_file_without_rows_of_the_topics_only_the_footer_is_read(tmp_path):
    path = tmp_path / "1.parquet"
    found = cycle_delta([("b", True)] * 20_000, "c1")
    pq.write_table(found, path, row_group_size=5_000)
    size = path.stat().st_size
    [split] = splits_of(str(path), size, size)
    for topics, groups in ((["a", "c"], 4), (["a"], 0), (None, 4)):
        files = CountingFiles()
        read = list(summary._row_groups(files, split, summary.Limits(1, 1, 1), topics))
        assert len(read) == groups
        assert (files.read <= 1 << 16) is (groups == 0), "Arrow reads the last 64 KB of a file at once"
        assert sum(one.num_rows for one in read) == groups * 5_000


def test_of_a_topic_with_too_many_rows_none_are_given(tmp_path):
    path = tmp_path / "1.parquet"
    pq.write_table(cycle_delta([("a", True)] * 3 + [("b", True)] * 2, "c1"), path)
    cycles = {"a": {"c1"}, "b": {"c1"}}
    read = dict(read_topics(FileStore(), [DeltaFile(str(path), "c1")], cycles, 2))
    assert read["a"] is None
    assert read["b"].num_rows == 2


def test_of_a_topic_with_too_many_bytes_none_are_given(tmp_path, monkeypatch):
    monkeypatch.setattr(cycle_delta_files, "MAX_DELTA_BYTES", 1000)
    path = tmp_path / "1.parquet"
    pq.write_table(cycle_delta([("a", True)] * 50 + [("b", True)], "c1"), path, row_group_size=1)
    cycles = {"a": {"c1"}, "b": {"c1"}}
    read = dict(read_topics(FileStore(), [DeltaFile(str(path), "c1")], cycles, 100))
    assert read["a"] is None
    assert read["b"].num_rows == 1


class KeysThatExpire:
    """A file store. expire: files that were opened before can no longer be read."""

    def __init__(self):
        self.expire()

    def open(self, _):
        return self.files

    def expire(self):
        self.files = files = SimpleNamespace()
        store = self

        class File(io.FileIO):
            def readinto(self, buffer):
                if store.files is not files:
                    raise OSError("ExpiredToken")
                return super().readinto(buffer)

            def read(self, size=-1):
                if store.files is not files:
                    raise OSError("ExpiredToken")
                return super().read(size)

        files.open_input_file = lambda path: pa.PythonFile(File(path), "r")


def test_a_topic_is_read_with_new_keys_where_others_took_longer_than_the_old_ones_last(tmp_path, monkeypatch):
    monkeypatch.setattr(cycle_delta_files, "_READ_AT_ONCE_BYTES", 1)
    path = tmp_path / "1.parquet"
    pq.write_table(cycle_delta([("a", True), ("b", True)], "c1"), path, row_group_size=1)
    store, read = KeysThatExpire(), {}
    for topic, table in read_topics(store, [DeltaFile(str(path), "c1")], {"a": {"c1"}, "b": {"c1"}}, 100):
        read[topic] = table.num_rows
        store.expire()
    assert read == {"a": 1, "b": 1}


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 4), st.integers(1, 9), st.integers(0, 7))
def test_groups_hold_every_row_group_once(sizes, most, size, row_groups):
    splits = [split for n, bytes_ in enumerate(sizes) for split in splits_of(str(n), bytes_, size)]
    groups = group_splits(splits, most)
    assert len(groups) == min(most, len(splits))
    read = [
        (split.path, index)
        for group in groups
        for split in group
        for index in split.row_group_indices(row_groups)
    ]
    assert sorted(read) == [(str(n), index) for n in range(len(sizes)) for index in range(row_groups)]


EVENTS = [Event(message_id=f"m{n}", payload={"temperature": n}) for n in range(6)]


def texts(lake):
    return sorted(row["temperature"] for row in lake.rows("standardized.telemetry_climate"))


def test_a_large_file_of_raw_is_read_in_splits(lake, monkeypatch):
    monkeypatch.setattr("lean_ops.raw.flatten_files._SPLIT_BYTES", 1000)
    for key, value in {"size-bytes": 1, "check-min-record-count": 4, "check-max-record-count": 4}.items():
        setting = f"('write.parquet.row-group-{key}'='{value}')"
        lake.spark.sql(f"ALTER TABLE {lake.name('raw.events')} SET TBLPROPERTIES {setting}")
    lake.standardize(*EVENTS)
    [file] = lake.spark.table(f"{lake.name('raw.events')}.files").select("file_path").collect()
    assert pq.ParquetFile(path_of(file["file_path"])).num_row_groups == 2
    assert texts(lake) == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("table", ["raw.events", "ops.cycle_delta"])
def test_rows_that_somebody_deleted_are_left_out(lake, table):
    """Spark reads tables with delete files: tasks would read the deleted rows."""
    lake.spark.sql(f"ALTER TABLE {lake.name(table)} {MERGE_ON_READ}")
    lake.deliver(*EVENTS)
    lake.activate("telemetry.climate", 1, {"temperature": {"type": "integer"}})
    if table == "ops.cycle_delta":
        lake.standardize()
    lake.spark.sql(f"DELETE FROM {lake.name(table)} WHERE message_id = 'm3'")
    assert lake.spark.table(f"{lake.name(table)}.delete_files").count() > 0
    if table == "raw.events":
        lake.standardize()
        assert texts(lake) == ["0", "1", "2", "4", "5"]
    lake.curate()
    assert sorted(row["temperature"] for row in lake.rows("curated.telemetry_climate")) == [0, 1, 2, 4, 5]
