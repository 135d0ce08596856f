"""cycle_delta's data files, read by Arrow where topics' tasks run: Spark would sort, move and convert every
row first. Which files there are says Iceberg's own planning, on the driver.
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

from lean_ops.flatten_batches import DELTA_ARROW, DELTA_COLUMNS
from lean_ops.iceberg import iceberg_of, plain_files
from lean_ops.places import places_by_value
from lean_ops.table_files import Store, path_of

MAX_BYTES = 128 << 20
"""Of a topic's rows that one task takes, in Arrow's memory."""
_READ_AT_ONCE = 64 << 20
"""Of row groups, as Parquet has them: Arrow takes two or three times as much."""
_OPENED_AT_ONCE = 8

_CYCLE, _TOPIC, _COLUMNS = "cycle_id", "topic_name", "columns"

Cycles = Mapping[str, Set[str]]
"""Topic to the cycles that are asked for."""


@dataclass(frozen=True)
class DeltaFile:
    path: str
    cycle_id: str


def delta_files(spark: SparkSession, table: str, cycles: Set[str]) -> tuple[DeltaFile, ...]:
    """Those of some cycles. table: full name. Raises iceberg.NotPlainFiles."""
    iceberg = iceberg_of(spark._jvm)
    loaded: Any = iceberg.spark_util.loadIcebergTable(spark._jsparkSession, table)
    specs = loaded.specs()
    found = []
    wanted = getattr(iceberg.expressions, "in")(_CYCLE, sorted(cycles))
    for file in plain_files(loaded.newScan().filter(wanted)):
        partition = specs.get(file.specId()).partitionToPath(file.partition())
        found.append(DeltaFile(file.location(), unquote(partition.removeprefix(f"{_CYCLE}="))))
    return tuple(found)


def read_topics(
    store: Store, files: Sequence[DeltaFile], cycles: Cycles, max_rows: int
) -> Iterator[tuple[str, pa.Table | None]]:
    """Each topic with its readable rows, in DELTA_COLUMNS; None when they are more than max_rows or
    MAX_BYTES. Reads few topics at a time when their rows are large.
    """
    wanted = set(chain.from_iterable(cycles.values()))
    with ThreadPoolExecutor(_OPENED_AT_ONCE) as threads:
        groups = threads.map(
            lambda file: _row_groups(store, file), [file for file in files if file.cycle_id in wanted]
        )
        found = list(chain.from_iterable(groups))
    yield from _read(found, sorted(cycles), cycles, max_rows)


@dataclass(frozen=True)
class _RowGroup:
    """least, most: topics, None where the file does not tell. size: in bytes, as Parquet has them."""

    parquet: pq.ParquetFile
    index: int
    cycle_id: str
    least: str | None
    most: str | None
    size: int

    def may_hold(self, topics: Sequence[str]) -> bool:
        """topics: sorted."""
        if self.least is None or self.most is None:
            return True
        return self.least <= topics[-1] and topics[0] <= self.most

    def rows(self) -> pa.Table:
        rows = self.parquet.read_row_group(self.index, columns=list(DELTA_COLUMNS), use_threads=False)
        columns = rows.column(_COLUMNS)
        rows = rows.filter(pc.is_valid(columns)) if columns.null_count else rows
        return rows.select(DELTA_COLUMNS)


def _row_groups(store: Store, file: DeltaFile) -> list[_RowGroup]:
    parquet = pq.ParquetFile(store.open(file.path).open_input_file(path_of(file.path)), pre_buffer=True)
    metadata = parquet.metadata
    columns = metadata.row_group(0).num_columns if metadata.num_row_groups else 0
    topic = next(n for n in range(columns) if metadata.schema.column(n).path == _TOPIC) if columns else 0
    found = []
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        bounds = group.column(topic).statistics
        least, most = (bounds.min, bounds.max) if bounds is not None and bounds.has_min_max else (None, None)
        found.append(_RowGroup(parquet, index, file.cycle_id, least, most, group.total_byte_size))
    return found


def _read(
    groups: Sequence[_RowGroup], topics: Sequence[str], cycles: Cycles, max_rows: int
) -> Iterator[tuple[str, pa.Table | None]]:
    chosen = [group for group in groups if group.may_hold(topics)]
    if len(topics) > 1 and sum(group.size for group in chosen) > _READ_AT_ONCE:
        middle = len(topics) // 2
        yield from _read(chosen, topics[:middle], cycles, max_rows)
        yield from _read(chosen, topics[middle:], cycles, max_rows)
        return
    found = {topic: _Rows(max_rows) for topic in topics}
    for group in chosen:
        rows = group.rows()
        for topic, places in places_by_value(rows.column(_TOPIC).combine_chunks()).items():
            if topic in found and group.cycle_id in cycles[topic]:
                found[topic].add(_at(rows, places))
    for topic in topics:
        yield topic, found.pop(topic).table()


def _at(rows: pa.Table, places: pa.Array) -> pa.Table:
    """places: ascending. A topic's rows are side by side, unless something has rewritten the file."""
    first, last = places[0].as_py(), places[-1].as_py()
    return rows.slice(first, len(places)) if last - first + 1 == len(places) else rows.take(places)


class _Rows:
    """A topic's, as they are read. What is too much is counted, and not kept."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._parts: list[pa.Table] = []
        self._rows = self._size = 0

    def add(self, part: pa.Table) -> None:
        self._rows, self._size = self._rows + part.num_rows, self._size + part.nbytes
        if self._is_too_large:
            self._parts.clear()
        else:
            self._parts.append(part)

    @property
    def _is_too_large(self) -> bool:
        return self._rows > self._max_rows or self._size > MAX_BYTES

    def table(self) -> pa.Table | None:
        if self._is_too_large:
            return None
        return pa.concat_tables(self._parts) if self._parts else DELTA_ARROW.empty_table()
