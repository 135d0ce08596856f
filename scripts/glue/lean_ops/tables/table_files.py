"""Data files of a topic's Iceberg table, read and written on executors with Arrow. Nothing here commits: a
file counts from the commit on that the driver makes of it.

Columns are found by field id, as Iceberg does (https://iceberg.apache.org/spec/#column-projection), and
written with it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lean_ops.columns.row_indices import indices_by_value
from lean_ops.errors import LeanOpsError
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.tables.bucket_transform import buckets
from lean_ops.tables.data_files import FIELD_ID, DataFile, NewFile, by_field_id, write_file

_WHOLE_FILE = 256 << 10
"""Up to this size a file is fetched in one request; of larger ones the footer and the columns asked for."""

_BATCH_ROWS = 256
"""Of a file that is read whole: payloads reach 1 MB."""


class UnknownPartitioningError(LeanOpsError):
    """The table is partitioned by what this library does not compute."""


@dataclass(frozen=True)
class Column:
    """A column of the table. type: Iceberg's, as in the table's metadata."""

    name: str
    field_id: int
    type: str


@dataclass(frozen=True)
class Partitioning:
    """field: of the partition spec. transform: identity-free, `day` or `bucket[N]`. source: the column's
    name."""

    field: str
    transform: str
    source: str


def arrow_type(column: Column) -> pa.DataType:
    """Raises KeyError for types that no topic table has."""
    if column.type.startswith("decimal("):
        precision, scale = (int(part) for part in column.type[8:-1].split(","))
        return pa.decimal128(precision, scale)
    return _TYPES[column.type]


_TYPES = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


def is_supported(column: Column) -> bool:
    return column.type in _TYPES or column.type.startswith("decimal(")


class TableFiles:
    """The files of one table. columns: of its current schema. folder: where new files go, ending in `/`.
    one_day_a_file: of a table without partitions, by event_time as text, so that bounds of files tell days
    apart."""

    def __init__(
        self,
        file_store: FileStore,
        folder: str,
        columns: Sequence[Column],
        partitioning: Partitioning | None,
        one_day_a_file: bool = False,
    ) -> None:
        self._file_store = file_store
        self._files = file_store.open(folder)
        self._folder = folder
        self._columns = columns
        self._partitioning = partitioning
        self._one_day_a_file = one_day_a_file

    def read(self, file: DataFile, most_bytes: int) -> pa.Table | None:
        """A file's rows in the columns of the current schema, in the file's order. None where they take more
        memory: of texts that repeat, a file may have each but once, so its size does not tell."""
        with self._parquet(file) as parquet:
            there, size, batches = by_field_id(parquet.schema_arrow), 0, []
            found = [there[one.field_id] for one in self._columns if one.field_id in there]
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=found, use_threads=False):
                size += batch.nbytes
                if size > most_bytes:
                    return None
                batches.append(batch)
            kept = [field for field in parquet.schema_arrow if field.name in found]
            rows = pa.Table.from_batches(batches, pa.schema(kept)).combine_chunks()
            return _in_columns(rows, [(one, there.get(one.field_id)) for one in self._columns])

    @contextmanager
    def opened(self, file: DataFile) -> Iterator[Callable[[Sequence[str]], pa.Table]]:
        """To read the columns named of all of a file's rows and then, maybe, others: short ones, as they come
        whole."""
        with self._parquet(file) as parquet:
            there = by_field_id(parquet.schema_arrow)

            def read(names: Sequence[str]) -> pa.Table:
                wanted = [column for column in self._columns if column.name in names]
                found = [there[column.field_id] for column in wanted if column.field_id in there]
                table = parquet.read(columns=found, use_threads=False)
                return _in_columns(table, [(column, there.get(column.field_id)) for column in wanted])

            yield read

    @contextmanager
    def _parquet(self, file: DataFile) -> Iterator[pq.ParquetFile]:
        with self._files.open_input_file(path_of(file.path)) as source:
            held = pa.BufferReader(source.read_buffer()) if file.size <= _WHOLE_FILE else source
            yield pq.ParquetFile(held, pre_buffer=True)

    def whole(self, rows: pa.Table) -> pa.Table:
        """The rows in all columns of the table and in its types, which may be wider; what they lack is
        null."""
        return _in_columns(
            rows, [(one, one.name if one.name in rows.column_names else None) for one in self._columns]
        )

    def write(self, rows: pa.Table, partition: str | None = None) -> Iterator[NewFile]:
        """One file for each partition that the rows fall into. rows: whole ones. partition: theirs, where it
        is known (see DataFile): rows of one file, which stay in one."""
        if not rows.num_rows:
            return
        parts = self._by_partition(rows) if partition is None else [(partition, rows)]
        for name, part in parts:
            yield self._write(part, name)

    def _by_partition(self, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        by = self._partitioning
        if by is None and not self._one_day_a_file:
            yield "", rows
            return
        values = _days(rows) if by is None else _partition_values(rows, by)
        for value, inside in indices_by_value(values).items():
            path = "" if by is None else _partition_path(by, value)
            yield path, rows.take(inside)

    def _write(self, rows: pa.Table, partition: str) -> NewFile:
        ids = ({FIELD_ID: str(column.field_id).encode()} for column in self._columns)
        fields = [field.with_metadata(one) for field, one in zip(rows.schema, ids, strict=True)]
        numbered = rows.cast(pa.schema(fields))
        return write_file(
            self._file_store, self._folder, numbered, partition, use_dictionary=_repetitive(rows)
        )


def _repetitive(rows: pa.Table) -> list[str]:
    """Columns worth a dictionary. Of the others one would be made and given up, which takes half of the time
    and leaves a third more bytes; in a file of some hundred rows it takes more room than it saves."""
    if rows.num_rows <= _PROBED:
        return []
    probe = rows.slice(0, _PROBED)
    return [name for name in rows.column_names if _distinct(probe.column(name)) < _PROBED // 2]


def _distinct(values: pa.ChunkedArray) -> int:
    return int(pc.count_distinct(values, mode="all").as_py())


_PROBED = 1000


def _in_columns(rows: pa.Table, columns: Sequence[tuple[Column, str | None]]) -> pa.Table:
    """columns: each with its name in `rows`; None where it is not there."""
    kinds = [arrow_type(column) for column, _ in columns]
    arrays = [
        pa.nulls(rows.num_rows, kind) if name is None else rows.column(name).cast(kind)
        for kind, (_, name) in zip(kinds, columns, strict=True)
    ]
    names = [column.name for column, _ in columns]
    return pa.table(arrays, schema=pa.schema(list(zip(names, kinds, strict=True))))


def _partition_values(rows: pa.Table, by: Partitioning) -> pa.Array:
    column = rows.column(by.source).combine_chunks()
    if by.transform == "day":
        return pc.floor_temporal(column, unit="day").cast(pa.date32()).cast(pa.int32())
    return buckets(column, bucket_count(by.transform))


def _days(rows: pa.Table) -> pa.Array:
    return pc.utf8_slice_codeunits(rows.column("event_time").combine_chunks(), 0, _DAY)


_DAY = len("2026-11-23")


def bucket_count(transform: str) -> int:
    """N of `bucket[N]`. Raises UnknownPartitioningError."""
    if not (transform.startswith("bucket[") and transform.endswith("]")):
        raise UnknownPartitioningError(transform)
    return int(transform[7:-1])


def _partition_path(by: Partitioning, value: int | None) -> str:
    """As Iceberg writes it; what it makes of a day is a date."""
    if value is None:
        return f"{by.field}=__HIVE_DEFAULT_PARTITION__"
    text = pc.cast(pa.scalar(value, pa.int32()), pa.date32()).as_py() if by.transform == "day" else value
    return f"{by.field}={text}"
