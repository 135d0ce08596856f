"""Flattens data files of RAW into data files of cycle_delta.

Each of Spark's tasks reads some files with Arrow, flattens their rows and writes files of its own. That
leaves out what Spark would do with each row before and after, which takes longer than flattening itself.
Nothing here commits.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from lean_ops.payload.flatten_batches import DELTA_ARROW, RAW_COLUMNS, Refusal, flatten_batches
from lean_ops.payload.opaque import OpaqueColumns
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.iceberg_classes import (
    NotPlainFilesError,
    check_files_complete,
    iceberg_for_tasks,
    plain_files,
)
from lean_ops.spark.map_groups import map_groups
from lean_ops.spark.session import file_store_of
from lean_ops.spark.splits import Split, group_splits, splits_of
from lean_ops.tables.data_files import FIELD_ID, DataFile, NewFile, by_field_id, write_file
from lean_ops.tables.data_location import DataLocation
from lean_ops.tables.topic_table import TopicTable

_SPLIT_BYTES = 32 << 20
"""About how many bytes of RAW's files go into one split."""
_TASKS_PER_CORE = 3
_BATCH_ROWS = 500
"""How many rows are read at a time: a payload can reach 1 MB."""
_MAX_FILE_BYTES = 128 << 20
"""How many bytes of rows, in Arrow's memory, go into one file of cycle_delta. Sorting them takes as much
again."""
_ROW_GROUP_BYTES = 2 << 20
"""The size of row groups in Arrow's memory. It is small so that a reader of a few topics reads little
else."""
_MIN_ROW_GROUP_ROWS, _MAX_ROW_GROUP_ROWS = 100, 20_000

_DICTIONARIES = ("topic_name", "cycle_id", "columns.key_value.key")
_SCHEMA = "path string, size bigint, rows bigint, footer string, not_plain string"
"""The tasks' output: one row for each new file, or one that says why the task cannot read its files."""


@dataclass(frozen=True)
class Target:
    """The table cycle_delta as tasks have to know it.

    location, field_ids: as TopicTable gives them. partition: that of the cycle, as in DataFile.
    """

    location: DataLocation
    field_ids: Mapping[str, int]
    partition: str


@dataclass(frozen=True)
class Source:
    """The files of RAW that a cycle reads. field_ids: the ids of RAW's fields by name."""

    splits: Sequence[Split]
    field_ids: Mapping[str, int]


def raw_splits(spark: SparkSession, table: str, after: str | None, upto: str) -> Source:
    """The files appended to RAW after one snapshot, up to and including another.

    table: its full name. after: None stands for all files that are there. Raises
    iceberg_classes.NotPlainFilesError.
    """
    iceberg = iceberg_for_tasks(spark._jvm)
    loaded = iceberg.load(spark, table)
    if after is None:
        scan = loaded.newScan().useSnapshot(int(upto))
    else:
        scan = loaded.newIncrementalAppendScan().fromSnapshotExclusive(int(after)).toSnapshot(int(upto))
    splits: list[Split] = []
    for file in plain_files(scan):
        splits += splits_of(file.location(), file.fileSizeInBytes(), _SPLIT_BYTES)
    schema = json.loads(iceberg.schemas.toJson(loaded.schema()))
    check_files_complete(iceberg, loaded, schema)
    return Source(splits, {one["name"]: one["id"] for one in schema["fields"]})


def flatten_files(
    spark: SparkSession,
    source: Source,
    delta: TopicTable,
    cycle_id: str,
    refused: Mapping[str, Refusal],
    opaque: OpaqueColumns,
) -> list[NewFile]:
    """Writes the flattened rows in one Spark job and gives the new files of cycle_delta.

    refused, opaque: as in flatten_batches.flatten_events. Raises NotPlainFilesError
    where tasks cannot read a file. The files that others have written by then belong to no table.
    """
    groups = group_splits(source.splits, _TASKS_PER_CORE * spark.sparkContext.defaultParallelism)
    field_ids, file_store = source.field_ids, file_store_of(spark)
    refusals, kept = dict(refused), dict(opaque)
    target = Target(delta.location, delta.field_ids, f"cycle_id={cycle_id}")

    def flatten(splits: Sequence[Split]) -> Iterator[pa.RecordBatch]:
        flat = flatten_batches(_read(splits, field_ids, file_store), cycle_id, refusals, kept)
        try:
            for new in _written(flat, file_store, target):
                yield _row(new.file, base64.b64encode(new.footer).decode(), None)
        except NotPlainFilesError as error:
            yield _row(DataFile("", 0, 0), "", str(error))

    rows = map_groups(spark, groups, flatten, _SCHEMA).collect()
    for row in rows:
        if row["not_plain"] is not None:
            raise NotPlainFilesError(row["not_plain"])
    return [
        NewFile(
            DataFile(row["path"], row["size"], row["rows"], target.partition), base64.b64decode(row["footer"])
        )
        for row in rows
    ]


def _row(file: DataFile, footer: str, not_plain: str | None) -> pa.RecordBatch:
    values = {"path": file.path, "size": file.size, "rows": file.rows, "footer": footer}
    columns = [pa.array([value]) for value in values.values()]
    return pa.RecordBatch.from_arrays(
        [*columns, pa.array([not_plain], pa.string())], names=[*values, "not_plain"]
    )


def _read(
    splits: Sequence[Split], field_ids: Mapping[str, int], file_store: FileStore
) -> Iterator[pa.RecordBatch]:
    """The rows of the splits, in batches with RAW_COLUMNS."""
    for split in splits:
        with file_store.open(split.path).open_input_file(path_of(split.path)) as opened:
            parquet = pq.ParquetFile(opened, pre_buffer=True)
            there = by_field_id(parquet.schema_arrow)
            names = {name: there.get(field_ids[name]) for name in RAW_COLUMNS}
            batches = parquet.iter_batches(
                _BATCH_ROWS,
                split.row_group_indices(parquet.metadata.num_row_groups),
                [name for name in names.values() if name is not None],
                use_threads=False,
            )
            for batch in batches:
                yield _raw(batch, names)


def _raw(batch: pa.RecordBatch, names: Mapping[str, str | None]) -> pa.RecordBatch:
    """The batch with the columns that RAW has today.

    names: RAW's columns, each with its name in the file, or None where the file lacks it.
    """
    arrays = [
        pa.nulls(batch.num_rows, kind) if names[name] is None else batch.column(names[name]).cast(kind)
        for name, kind in RAW_COLUMNS.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(RAW_COLUMNS))


def _written(batches: Iterator[pa.RecordBatch], file_store: FileStore, target: Target) -> Iterator[NewFile]:
    """Writes the batches to files of about _MAX_FILE_BYTES."""
    collected: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        collected.append(batch)
        size += batch.nbytes
        if size > _MAX_FILE_BYTES:
            yield _write(collected, file_store, target)
            collected, size = [], 0
    if collected:
        yield _write(collected, file_store, target)


def _write(batches: list[pa.RecordBatch], file_store: FileStore, target: Target) -> NewFile:
    rows = pa.Table.from_batches(batches)
    # The rows of a topic lie side by side, so that a reader of one topic can skip the others.
    rows = rows.take(pc.sort_indices(rows.column("topic_name")))
    per_group = _ROW_GROUP_BYTES * rows.num_rows // max(rows.nbytes, 1)
    return write_file(
        file_store,
        target.location,
        rows.cast(_with_ids(target.field_ids)),
        target.partition,
        use_dictionary=list(_DICTIONARIES),
        row_group_size=min(max(per_group, _MIN_ROW_GROUP_ROWS), _MAX_ROW_GROUP_ROWS),
    )


def _with_ids(field_ids: Mapping[str, int]) -> pa.Schema:
    """The schema of cycle_delta in Arrow, with the ids of its fields and of the entries of its map."""

    def numbered(field: pa.Field, name: str) -> pa.Field:
        return field.with_metadata({FIELD_ID: str(field_ids[name])})

    fields = []
    for field in DELTA_ARROW:
        if pa.types.is_map(field.type):
            key = numbered(pa.field("key", pa.string(), nullable=False), f"{field.name}.key")
            value = numbered(pa.field("value", pa.string()), f"{field.name}.value")
            field = pa.field(field.name, pa.map_(key, value))
        fields.append(numbered(field, field.name))
    return pa.schema(fields)
