"""Reads the data files of cycle_delta with Arrow, in the tasks of the topics.

Spark would first sort, move and convert every row. Which files there are is found on the driver, by Iceberg's
own planning.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from lean_ops.columns.row_indices import indices_by_value, rows_at
from lean_ops.payload.flatten_batches import DELTA_ARROW, DELTA_COLUMNS
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.iceberg_classes import NotPlainFilesError, iceberg_for_tasks, plain_files
from lean_ops.tables.data_files import by_field_id

MAX_DELTA_BYTES = 128 << 20
"""How many bytes of a topic's rows in cycle_delta one task takes, in Arrow's memory.

topic_task.MAX_TABLE_BYTES is the bound for rows of the topic's own table.
"""
_READ_AT_ONCE_BYTES = 64 << 20
"""How many bytes of row groups are read at a time, by their size in Parquet. In Arrow's memory they take two
or three times as much."""
_FILES_OPENED_AT_ONCE = 8

_CYCLE, _TOPIC, _COLUMNS = "cycle_id", "topic_name", "columns"

Cycles = Mapping[str, Set[str]]
"""The cycles to read of each topic."""


@dataclass(frozen=True)
class DeltaFile:
    """A data file of cycle_delta. Its rows are all of one cycle, by which the table is partitioned."""

    path: str
    cycle_id: str
    size: int = 0


def delta_files(spark: SparkSession, table: str, cycles: Set[str]) -> list[DeltaFile]:
    """The files of these cycles. table: the full name of cycle_delta.

    Raises iceberg_classes.NotPlainFilesError.
    """
    expressions = iceberg_for_tasks(spark._jvm).expressions
    return _planned(spark, table, getattr(expressions, "in")(_CYCLE, sorted(cycles)))


def delta_files_after(
    spark: SparkSession, table: str, cycle_id: str | None, first: str | None = None
) -> list[DeltaFile]:
    """The files of the cycles after this one, or all files when it is None.

    first: where it is given, the files of this cycle and of those from it on, too. Raises
    iceberg_classes.NotPlainFilesError.
    """
    expressions = iceberg_for_tasks(spark._jvm).expressions
    if cycle_id is None:
        wanted = expressions.alwaysTrue()
    elif first is None or first > cycle_id:
        wanted = expressions.greaterThan(_CYCLE, cycle_id)
    else:
        wanted = expressions.greaterThanOrEqual(_CYCLE, first)
    return _planned(spark, table, wanted)


def _planned(spark: SparkSession, table: str, wanted: Any) -> list[DeltaFile]:
    loaded = iceberg_for_tasks(spark._jvm).load(spark, table)
    specs = loaded.specs()
    found = []
    for file in plain_files(loaded.newScan().filter(wanted)):
        partition = specs.get(file.specId()).partitionToPath(file.partition())
        cycle_id = unquote(partition.removeprefix(f"{_CYCLE}="))
        found.append(DeltaFile(file.location(), cycle_id, file.fileSizeInBytes()))
    return found


def read_topics(
    file_store: FileStore, files: Sequence[DeltaFile], cycles: Cycles, max_rows: int
) -> Iterator[tuple[str, pa.Table | None]]:
    """Gives each topic with its readable rows, in DELTA_COLUMNS.

    The rows are None when there are more than max_rows, or when they take more than MAX_DELTA_BYTES. When
    rows are large, few topics are read at a time. Raises iceberg_classes.NotPlainFilesError, before it gives
    any topic.
    """
    wanted = set(chain.from_iterable(cycles.values()))
    with ThreadPoolExecutor(_FILES_OPENED_AT_ONCE) as threads:
        groups = threads.map(
            lambda file: _row_groups(file_store, file), [file for file in files if file.cycle_id in wanted]
        )
        found = list(chain.from_iterable(groups))
    yield from _read(found, sorted(cycles), cycles, max_rows)


class _OpenFile:
    """A file that is read now and then, while topics are worked on for longer than keys may last."""

    def __init__(self, file_store: FileStore, path: str) -> None:
        self._file_store = file_store
        self._path = path
        self._files = file_store.open(path)
        self._parquet = self._open(None)
        self.metadata = self._parquet.metadata

    def read(self, row_groups: Sequence[int]) -> pa.Table:
        """The rows of these row groups, in DELTA_COLUMNS."""
        files = self._file_store.open(self._path)
        if files is not self._files:
            self._files = files
            self._parquet = self._open(self.metadata)
        return self._parquet.read_row_groups(row_groups, columns=list(DELTA_COLUMNS), use_threads=False)

    def _open(self, metadata: pq.FileMetaData | None) -> pq.ParquetFile:
        opened = self._files.open_input_file(path_of(self._path))
        return open_parquet(opened, metadata)


def open_parquet(file: Any, metadata: pq.FileMetaData | None = None) -> pq.ParquetFile:
    """An open file of cycle_delta, to be read by the names of columns.

    Its writers are our own, but its table is open to others. Raises iceberg_classes.NotPlainFilesError where
    names do not tell the columns.
    """
    parquet = pq.ParquetFile(file, metadata=metadata, pre_buffer=True)
    there = set(by_field_id(parquet.schema_arrow).values())
    lacking = [name for name in DELTA_COLUMNS if name not in there]
    if lacking:
        raise NotPlainFilesError(f"a file of cycle_delta lacks {', '.join(lacking)}")
    return parquet


@dataclass(frozen=True, kw_only=True)
class _RowGroup:
    """A row group of an open file. topics: as topic_bounds gives them. size: in bytes, as in Parquet."""

    file: _OpenFile
    index: int
    cycle_id: str
    topics: tuple[str | None, str | None]
    size: int


def _rows(groups: Sequence[_RowGroup]) -> pa.Table:
    """The readable rows, in DELTA_COLUMNS, of row groups that are all in one file."""
    rows = groups[0].file.read([group.index for group in groups])
    columns = rows.column(_COLUMNS)
    rows = rows.filter(pc.is_valid(columns)) if columns.null_count else rows
    return rows.select(DELTA_COLUMNS)


def topic_bounds(metadata: pq.FileMetaData, index: int) -> tuple[str | None, str | None]:
    """The first and the last topic of a row group by its statistics, or None where the file does not tell."""
    schema = metadata.schema
    topic = next(n for n in range(metadata.num_columns) if schema.column(n).path == _TOPIC)
    bounds = metadata.row_group(index).column(topic).statistics
    return (bounds.min, bounds.max) if bounds is not None and bounds.has_min_max else (None, None)


def may_hold(bounds: tuple[str | None, str | None], topics: Sequence[str]) -> bool:
    """Whether a row group with these bounds may have rows of any of these topics, which must be sorted."""
    first, last = bounds
    return first is None or last is None or (first <= topics[-1] and topics[0] <= last)


def _row_groups(file_store: FileStore, file: DeltaFile) -> list[_RowGroup]:
    opened = _OpenFile(file_store, file.path)
    metadata = opened.metadata
    found = []
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        found.append(
            _RowGroup(
                file=opened,
                index=index,
                cycle_id=file.cycle_id,
                topics=topic_bounds(metadata, index),
                size=group.total_byte_size,
            )
        )
    return found


def _read(
    groups: Sequence[_RowGroup], topics: Sequence[str], cycles: Cycles, max_rows: int
) -> Iterator[tuple[str, pa.Table | None]]:
    chosen = [group for group in groups if may_hold(group.topics, topics)]
    is_large = sum(group.size for group in chosen) > _READ_AT_ONCE_BYTES
    if len(topics) > 1 and is_large:
        middle = len(topics) // 2
        yield from _read(chosen, topics[:middle], cycles, max_rows)
        yield from _read(chosen, topics[middle:], cycles, max_rows)
        return
    found = {topic: _Topic(max_rows) for topic in topics}
    for together in _read_together(chosen, is_large):
        rows = _rows(together)
        for topic, indices in indices_by_value(rows.column(_TOPIC).combine_chunks()).items():
            if topic in found and together[0].cycle_id in cycles[topic]:
                found[topic].add(rows_at(rows, indices))
    for topic in topics:
        yield topic, found.pop(topic).table()


def _read_together(groups: Sequence[_RowGroup], is_large: bool) -> list[list[_RowGroup]]:
    """The row groups in the groups in which they are read.

    Those of one file are read together, which takes few requests. When the rows may be too large, each row
    group is read alone.
    """
    if is_large:
        return [[group] for group in groups]
    by_file: dict[int, list[_RowGroup]] = {}
    for group in groups:
        by_file.setdefault(id(group.file), []).append(group)
    return list(by_file.values())


class _Topic:
    """Collects the rows of a topic as they are read. When they are too many or too large, none are kept."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._tables: list[pa.Table] = []
        self._rows = self._size = 0

    def add(self, rows: pa.Table) -> None:
        self._rows, self._size = self._rows + rows.num_rows, self._size + rows.nbytes
        if self._is_too_large:
            self._tables.clear()
        else:
            self._tables.append(rows)

    @property
    def _is_too_large(self) -> bool:
        return self._rows > self._max_rows or self._size > MAX_DELTA_BYTES

    def table(self) -> pa.Table | None:
        """All rows of the topic; None when they are too many or too large."""
        if self._is_too_large:
            return None
        return pa.concat_tables(self._tables) if self._tables else DELTA_ARROW.empty_table()
