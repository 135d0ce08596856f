"""What cycle_delta holds, by cycle and topic: bounded in topics and columns, not in events.

One pass over the few columns that tell; of a map Parquet has the names apart from the texts, which Spark
cannot leave out. Where Spark has to read the table (see iceberg_classes.NotPlainFilesError), the same is
done with its rows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lean_ops.columns.row_indices import indices_by_value, rows_at
from lean_ops.cycle_delta.files import delta_files_after
from lean_ops.cycle_delta.table import TABLE, TopicCycle, since
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.spark.map_in_arrow import map_groups, map_in_arrow
from lean_ops.spark.session import file_store_of
from lean_ops.spark.splits import Split, group_splits, splits_of
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables

_KEYS = "columns.key_value.key"
_COLUMNS = ("topic_name", "event_time", "rescued_data", "columns")
_SPLIT_BYTES = 16 << 20
_SCHEMA = (
    "cycle_id string, topic_name string, readable bigint, refused bigint, first timestamp_ntz, "
    "last timestamp_ntz, some_null boolean, names array<string>, paths array<string>"
)
_ARROW = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("topic_name", pa.string()),
        ("readable", pa.int64()),
        ("refused", pa.int64()),
        ("first", pa.timestamp("us")),
        ("last", pa.timestamp("us")),
        ("some_null", pa.bool_()),
        ("names", pa.list_(pa.string())),
        ("paths", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Limits:
    """How many column names and rescued paths of a topic are listed, the first ones in their order: more than
    a table may have, so that names without end (ids as keys) are seen to be too many and still fit.
    path_length: in characters, of which a path has as many as a payload."""

    names: int
    paths: int
    path_length: int


def topic_cycles(tables: Tables, after: str | None, limits: Limits | None) -> list[TopicCycle]:
    """Of the cycles after this one, or of all; cycles in order. limits None: without names and paths."""
    spark, table = tables.spark, tables.name("ops", TABLE)
    try:
        files = delta_files_after(spark, table, after)
    except NotPlainFilesError:
        rows = since(tables.read(table), after).select("cycle_id", *_COLUMNS)
        return _merged(map_in_arrow(rows, lambda batches: _of_batches(batches, limits), _SCHEMA), limits)
    parts = [part for file in files for part in splits_of(file.path, file.size, _SPLIT_BYTES)]
    cycles = {file.path: file.cycle_id for file in files}
    groups = group_splits(parts, spark.sparkContext.defaultParallelism)
    file_store = file_store_of(spark)

    def summaries(own: Sequence[Split]) -> Iterator[pa.RecordBatch]:
        found = _Summaries(limits)
        for part in own:
            for rows in _row_groups(file_store, part, limits):
                found.add(cycles[part.path], rows)
        yield found.batch()

    return _merged(map_groups(spark, groups, summaries, _SCHEMA), limits)


def _merged(partial: DataFrame, limits: Limits | None) -> list[TopicCycle]:
    def first_texts(name: str, most: int) -> Column:
        together = F.array_distinct(F.flatten(F.collect_list(name)))
        return F.slice(F.array_sort(together), 1, most).alias(name)

    most = limits or Limits(1, 1, 1)
    rows = (
        partial.groupBy("cycle_id", "topic_name")
        .agg(
            F.sum("readable").alias("readable"),
            F.sum("refused").alias("refused"),
            F.min("first").alias("first"),
            F.max("last").alias("last"),
            F.max("some_null").alias("some_null"),
            first_texts("names", most.names),
            first_texts("paths", most.paths),
        )
        .collect()
    )
    return sorted(
        (
            TopicCycle(
                row["topic_name"],
                row["cycle_id"],
                row["readable"],
                row["refused"],
                EventTimes(row["first"], row["last"], row["some_null"]),
                row["names"],
                row["paths"],
            )
            for row in rows
        ),
        key=lambda one: (one.cycle_id, one.topic or ""),
    )


def _row_groups(file_store: FileStore, part: Split, limits: Limits | None) -> Iterator[pa.Table]:
    columns = ["topic_name", "event_time", _KEYS, *([] if limits is None else ["rescued_data"])]
    with file_store.open(part.path).open_input_file(path_of(part.path)) as opened:
        # The columns lie apart in each row group: to fetch the file is one request instead of hundreds.
        held = pa.BufferReader(opened.read_buffer()) if part.of == 1 else opened
        parquet = pq.ParquetFile(held, pre_buffer=True)
        for number in part.row_group_indices(parquet.metadata.num_row_groups):
            yield parquet.read_row_group(number, columns=columns, use_threads=False)


def _of_batches(batches: Iterator[pa.RecordBatch], limits: Limits | None) -> Iterator[pa.RecordBatch]:
    summaries = _Summaries(limits)
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        for cycle, places in indices_by_value(rows.column("cycle_id").combine_chunks()).items():
            summaries.add(cycle, rows_at(rows, places))
    yield summaries.batch()


@dataclass
class _Summary:
    readable: int = 0
    refused: int = 0
    first: datetime | None = None
    last: datetime | None = None
    some_null: bool = False
    names: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)


class _Summaries:
    def __init__(self, limits: Limits | None) -> None:
        self._limits = limits
        self._found: dict[tuple[str, str | None], _Summary] = {}

    def add(self, cycle_id: str, rows: pa.Table) -> None:
        """rows: some of a cycle's."""
        for topic, places in indices_by_value(rows.column("topic_name").combine_chunks()).items():
            self._add(self._found.setdefault((cycle_id, topic), _Summary()), rows_at(rows, places))

    def _add(self, known: _Summary, rows: pa.Table) -> None:
        is_readable = pc.is_valid(rows.column("columns"))
        readable = rows if pc.all(is_readable).as_py() else rows.filter(is_readable)
        known.refused += rows.num_rows - readable.num_rows
        if not readable.num_rows:
            return
        known.readable += readable.num_rows
        times = readable.column("event_time")
        bounds = pc.min_max(times).as_py()
        known.some_null |= times.null_count > 0
        if bounds["min"] is not None:
            known.first = bounds["min"] if known.first is None else min(known.first, bounds["min"])
            known.last = bounds["max"] if known.last is None else max(known.last, bounds["max"])
        if self._limits is None:
            return
        known.names = _first(known.names | _names(readable.column("columns")), self._limits.names)
        rescued = readable.column("rescued_data").drop_null().to_pylist()
        most = self._limits.path_length
        paths = {path[:most] for text in rescued for path in json.loads(text)}
        known.paths = _first(known.paths | paths, self._limits.paths)

    def batch(self) -> pa.RecordBatch:
        rows = [
            {"cycle_id": cycle, "topic_name": topic, **vars(one)}
            | {"names": list(one.names), "paths": list(one.paths)}
            for (cycle, topic), one in self._found.items()
        ]
        return pa.RecordBatch.from_pylist(rows, _ARROW)


def _names(columns: pa.ChunkedArray) -> set[str]:
    """columns: maps, or lists of structs that have the key alone."""
    found: set[str] = set()
    for chunk in columns.chunks:
        begin, end = chunk.offsets[0].as_py(), chunk.offsets[-1].as_py()
        keys = chunk.keys if isinstance(chunk, pa.MapArray) else chunk.values.field("key")
        found.update(pc.unique(keys.slice(begin, end - begin)).to_pylist())
    return found


def _first(texts: set[str], most: int) -> set[str]:
    return texts if len(texts) <= most else set(sorted(texts)[:most])


def times_of(cycles: Iterable[TopicCycle]) -> EventTimes:
    """Of several cycles of a topic together."""
    known = [one.times for one in cycles if one.readable]
    firsts = [one.first for one in known if one.first is not None]
    lasts = [one.last for one in known if one.last is not None]
    return EventTimes(
        min(firsts, default=None), max(lasts, default=None), any(one.some_null for one in known)
    )
