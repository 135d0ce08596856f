"""Reads and writes the data files of a topic's Iceberg table on executors, with Arrow.

Nothing here commits: a file is part of the table only after the driver has committed it. Columns are found by
field id, as Iceberg does (https://iceberg.apache.org/spec/#column-projection), and written with it.
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
from lean_ops.tables.data_location import DataLocation

_WHOLE_FILE_BYTES = 256 << 10
"""A file up to this size is fetched in one request. Of a larger one, only the footer and the columns wanted
are."""

_BATCH_ROWS = 256
"""How many rows of a whole file are read at a time: a payload can reach 1 MB."""

_PROBED_ROWS = 1000
"""How many rows are looked at to tell whether a column is worth a dictionary."""

_DAY = len("2026-11-23")

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
"""Arrow's types by Iceberg's names."""


class UnknownPartitioningError(LeanOpsError):
    """The table is partitioned by a transform that this library does not compute."""


@dataclass(frozen=True)
class Column:
    """A column of the table. type: Iceberg's name of it, as in the table's metadata."""

    name: str
    field_id: int
    type: str
    comment: str | None = None


@dataclass(frozen=True)
class Partitioning:
    """How the table is partitioned.

    field: the field of the partition spec. transform: `day` or `bucket[N]`. source: the name of the column
    that it is applied to.
    """

    field: str
    transform: str
    source: str


def arrow_type(column: Column) -> pa.DataType:
    """The type of a column in Arrow. Raises KeyError for a type that no topic table has."""
    if column.type.startswith("decimal("):
        precision, scale = (int(part) for part in column.type[8:-1].split(","))
        return pa.decimal128(precision, scale)
    return _TYPES[column.type]


def is_supported(column: Column) -> bool:
    """Whether arrow_type knows the column's type."""
    return column.type in _TYPES or column.type.startswith("decimal(")


class TableFiles:
    """The files of one table.

    location: where new files go. columns: those of the current schema. one_day_a_file: whether
    rows of different days of event_time, which must be text, go to different files even though the table has
    no partitions. The bounds of the files then tell the days apart.
    """

    def __init__(
        self,
        file_store: FileStore,
        *,
        location: DataLocation,
        columns: Sequence[Column],
        partitioning: Partitioning | None,
        one_day_a_file: bool = False,
    ) -> None:
        self._file_store = file_store
        self._location = location
        self._columns = columns
        self._partitioning = partitioning
        self._one_day_a_file = one_day_a_file

    def read(self, file: DataFile, max_bytes: int) -> pa.Table | None:
        """The rows of a file in its order, with the columns of the current schema.

        None when they take more than max_bytes of memory. The size of the file does not tell that: it may
        store a text only once that many rows have.
        """
        with self._parquet(file) as parquet:
            there, size, batches = by_field_id(parquet.schema_arrow), 0, []
            found = [there[one.field_id] for one in self._columns if one.field_id in there]
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=found, use_threads=False):
                size += batch.nbytes
                if size > max_bytes:
                    return None
                batches.append(batch)
            kept = [field for field in parquet.schema_arrow if field.name in found]
            rows = pa.Table.from_batches(batches, pa.schema(kept)).combine_chunks()
            return _in_columns(rows, [(one, there.get(one.field_id)) for one in self._columns])

    @contextmanager
    def opened(self, file: DataFile) -> Iterator[Callable[[Sequence[str]], pa.Table]]:
        """Opens a file and gives a function that reads the columns named, of all rows.

        It may be called several times. The columns should be short, as they are read whole.
        """
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
        with self._file_store.open(file.path).open_input_file(path_of(file.path)) as source:
            content = pa.BufferReader(source.read_buffer()) if file.size <= _WHOLE_FILE_BYTES else source
            yield pq.ParquetFile(content, pre_buffer=True)

    def whole(self, rows: pa.Table) -> pa.Table:
        """The rows with all columns of the table and in its types, which may be wider.

        Columns that the rows lack are null.
        """
        return _in_columns(
            rows, [(one, one.name if one.name in rows.column_names else None) for one in self._columns]
        )

    def write(self, rows: pa.Table, partition: str | None = None) -> Iterator[NewFile]:
        """Writes one file for each partition that the rows fall into.

        rows: as `whole` gives them. partition: that of all rows, when it is known because they come from one
        file; see DataFile.
        """
        if not rows.num_rows:
            return
        partitions = self._by_partition(rows) if partition is None else [(partition, rows)]
        for name, inside in partitions:
            yield self._write(inside, name)

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
            self._file_store, self._location, numbered, partition, use_dictionary=_repetitive(rows)
        )


def _repetitive(rows: pa.Table) -> list[str]:
    """The columns that are worth a dictionary, as their values repeat.

    For the others one would be made and given up, which takes half of the time of writing and leaves a third
    more bytes. In a file of some hundred rows, a dictionary takes more room than it saves.
    """
    if rows.num_rows <= _PROBED_ROWS:
        return []
    probe = rows.slice(0, _PROBED_ROWS)
    return [name for name in rows.column_names if _distinct(probe.column(name)) < _PROBED_ROWS // 2]


def _distinct(values: pa.ChunkedArray) -> int:
    return int(pc.count_distinct(values, mode="all").as_py())


def _in_columns(rows: pa.Table, columns: Sequence[tuple[Column, str | None]]) -> pa.Table:
    """The rows with exactly these columns.

    columns: each with its name in `rows`, or None where the rows lack it; it is null then.
    """
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


def bucket_count(transform: str) -> int:
    """N of `bucket[N]`. Raises UnknownPartitioningError for any other transform."""
    if not (transform.startswith("bucket[") and transform.endswith("]")):
        raise UnknownPartitioningError(transform)
    return int(transform[7:-1])


def _partition_path(by: Partitioning, value: int | None) -> str:
    """The partition as Iceberg writes it in paths, where a day is a date."""
    if value is None:
        return f"{by.field}=__HIVE_DEFAULT_PARTITION__"
    text = pc.cast(pa.scalar(value, pa.int32()), pa.date32()).as_py() if by.transform == "day" else value
    return f"{by.field}={text}"
