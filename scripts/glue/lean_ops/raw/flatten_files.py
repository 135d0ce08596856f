"""RAW's data files to cycle_delta's: each of Spark's tasks reads some files with Arrow, flattens their rows
and writes files of its own. That leaves out what Spark would do with each row before and after, which is more
than flattening itself. Nothing here commits.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from lean_ops.payload.flatten_batches import DELTA_ARROW, RAW_COLUMNS, Refusal, flatten_batches
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.iceberg_classes import iceberg_of, plain_files
from lean_ops.spark.map_in_arrow import map_groups
from lean_ops.spark.session import file_store_of
from lean_ops.spark.splits import Split, group_splits, splits_of
from lean_ops.tables.data_files import DataFile, NewFile, by_field_id, write_file
from lean_ops.tables.topic_table import TopicTable

_SPLIT_BYTES = 32 << 20
_TASKS_A_CORE = 3
_BATCH_ROWS = 500
"""Payloads reach 1 MB."""
_FILE_BYTES = 128 << 20
"""Rows of one file of cycle_delta, in Arrow's memory. Sorting takes as much again."""
_ROW_GROUP_BYTES = 2 << 20
"""So that who reads a few topics reads little more than those."""
_FEWEST_ROWS, _MOST_ROWS = 100, 20_000
"""Of a row group."""

_DICTIONARIES = ("topic_name", "cycle_id", "columns.key_value.key")
_SCHEMA = "path string, size bigint, rows bigint, footer string"


@dataclass(frozen=True)
class Target:
    """cycle_delta. folder, ids: see TopicTable. partition: of the cycle, as in DataFile."""

    folder: str
    ids: Mapping[str, int]
    partition: str


@dataclass(frozen=True)
class Source:
    """ids: of RAW's fields, by name."""

    parts: Sequence[Split]
    ids: Mapping[str, int]


def raw_splits(spark: SparkSession, table: str, after: str | None, upto: str) -> Source:
    """The files that were appended after one snapshot (None: all that are there) up to another. table: full
    name. Raises iceberg_classes.NotPlainFilesError."""
    iceberg = iceberg_of(spark._jvm)
    loaded: Any = iceberg.spark_util.loadIcebergTable(spark._jsparkSession, table)
    if after is None:
        scan = loaded.newScan().useSnapshot(int(upto))
    else:
        scan = loaded.newIncrementalAppendScan().fromSnapshotExclusive(int(after)).toSnapshot(int(upto))
    parts: list[Split] = []
    for file in plain_files(scan):
        parts += splits_of(file.location(), file.fileSizeInBytes(), _SPLIT_BYTES)
    ids = {column.name(): column.fieldId() for column in loaded.schema().columns()}
    return Source(parts, ids)


def flatten_files(
    spark: SparkSession, source: Source, delta: TopicTable, cycle_id: str, refused: Mapping[str, Refusal]
) -> list[NewFile]:
    """New files for cycle_delta, in one Spark job. See flatten_batches.flatten_events."""
    groups = group_splits(source.parts, _TASKS_A_CORE * spark.sparkContext.defaultParallelism)
    ids, file_store, refusals = source.ids, file_store_of(spark), dict(refused)
    target = Target(delta.folder, delta.field_ids, f"cycle_id={cycle_id}")

    def flatten(parts: Sequence[Split]) -> Iterator[pa.RecordBatch]:
        flat = flatten_batches(_read(parts, ids, file_store), cycle_id, refusals)
        for new in _written(flat, file_store, target):
            footer = base64.b64encode(new.footer).decode()
            file = new.file
            yield pa.RecordBatch.from_pydict(
                {"path": [file.path], "size": [file.size], "rows": [file.rows], "footer": [footer]}
            )

    return [
        NewFile(
            DataFile(row["path"], row["size"], row["rows"], target.partition), base64.b64decode(row["footer"])
        )
        for row in map_groups(spark, groups, flatten, _SCHEMA).collect()
    ]


def _read(parts: Sequence[Split], ids: Mapping[str, int], file_store: FileStore) -> Iterator[pa.RecordBatch]:
    """Batches in RAW_COLUMNS."""
    for part in parts:
        with file_store.open(part.path).open_input_file(path_of(part.path)) as opened:
            parquet = pq.ParquetFile(opened, pre_buffer=True)
            there = by_field_id(parquet.schema_arrow)
            names = {name: there.get(ids[name]) for name in RAW_COLUMNS}
            batches = parquet.iter_batches(
                _BATCH_ROWS,
                part.row_group_indices(parquet.metadata.num_row_groups),
                [name for name in names.values() if name is not None],
                use_threads=False,
            )
            for batch in batches:
                yield _raw(batch, names)


def _raw(batch: pa.RecordBatch, names: Mapping[str, str | None]) -> pa.RecordBatch:
    """The batch in RAW's columns of today. names: to those of the file; None where it has none."""
    arrays = [
        pa.nulls(batch.num_rows, kind) if names[name] is None else batch.column(names[name]).cast(kind)
        for name, kind in RAW_COLUMNS.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(RAW_COLUMNS))


def _written(batches: Iterator[pa.RecordBatch], file_store: FileStore, target: Target) -> Iterator[NewFile]:
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size > _FILE_BYTES:
            yield _write(held, file_store, target)
            held, size = [], 0
    if held:
        yield _write(held, file_store, target)


def _write(batches: list[pa.RecordBatch], file_store: FileStore, target: Target) -> NewFile:
    rows = pa.Table.from_batches(batches)
    # Rows of a topic side by side, so that reading one topic back skips the others.
    rows = rows.take(pc.sort_indices(rows.column("topic_name")))
    per_group = _ROW_GROUP_BYTES * rows.num_rows // max(rows.nbytes, 1)
    return write_file(
        file_store,
        target.folder,
        rows.cast(_with_ids(target.ids)),
        target.partition,
        use_dictionary=list(_DICTIONARIES),
        row_group_size=min(max(per_group, _FEWEST_ROWS), _MOST_ROWS),
    )


def _with_ids(ids: Mapping[str, int]) -> pa.Schema:
    def numbered(field: pa.Field, name: str) -> pa.Field:
        return field.with_metadata({"PARQUET:field_id": str(ids[name])})

    fields = []
    for field in DELTA_ARROW:
        if pa.types.is_map(field.type):
            key = numbered(pa.field("key", pa.string(), nullable=False), f"{field.name}.key")
            value = numbered(pa.field("value", pa.string()), f"{field.name}.value")
            field = pa.field(field.name, pa.map_(key, value))
        fields.append(numbered(field, field.name))
    return pa.schema(fields)
