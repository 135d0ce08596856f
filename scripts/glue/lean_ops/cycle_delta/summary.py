"""Summarizes cycle_delta by cycle and topic. The summary grows with topics and columns, and not with events.

It takes one pass over a few columns. Of a map, Parquet stores the paths apart from the texts; Spark cannot
read the paths alone, so tasks read the files with Arrow. Where Spark has to read the table, because tasks
cannot (see iceberg_classes.NotPlainFilesError), its rows are summarized in the same way.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lean_ops.columns.row_indices import indices_by_value, rows_at
from lean_ops.cycle_delta.files import (
    DeltaFile,
    delta_files_after,
    may_hold,
    open_parquet,
    topic_bounds,
)
from lean_ops.cycle_delta.table import TABLE, TopicCycle, since
from lean_ops.spark.file_io import FileStore, path_of
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.spark.map_groups import map_groups
from lean_ops.spark.session import file_store_of
from lean_ops.spark.splits import Split, group_splits, splits_of
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables

_KEYS = "columns.key_value.key"
"""The column of the map's paths in Parquet."""
_COLUMNS = ("topic_name", "event_time", "ingested_at", "rescued_data", "columns")
_SPLIT_BYTES = 16 << 20
"""About how many bytes of the files go into one split."""
_SCHEMA = (
    "cycle_id string, topic_name string, readable bigint, refused bigint, first timestamp_ntz, "
    "last timestamp_ntz, some_null boolean, arrived timestamp_ntz, paths array<string>, "
    "rescued_paths array<string>, not_plain string"
)
"""The tasks' output: partial summaries, or a row that says why the task cannot read its files."""
_ARROW = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("topic_name", pa.string()),
        ("readable", pa.int64()),
        ("refused", pa.int64()),
        ("first", pa.timestamp("us")),
        ("last", pa.timestamp("us")),
        ("some_null", pa.bool_()),
        ("arrived", pa.timestamp("us")),
        ("paths", pa.list_(pa.string())),
        ("rescued_paths", pa.list_(pa.string())),
        ("not_plain", pa.string()),
    ]
)


@dataclass(frozen=True)
class Limits:
    """How many paths and rescued paths of a topic are listed, the first ones in sorted order.

    More than a table may have columns are listed, so that it shows when there are too many, for instance
    because ids are used as keys; and still they fit into memory. rescued_paths: 0 when they are not wanted.
    path_length: how many characters of a rescued path are kept, as one can be as long as a payload.
    """

    paths: int
    rescued_paths: int = 0
    path_length: int = 0


def topic_cycles(
    tables: Tables, after: str | None, limits: Limits | None, earlier: Mapping[str, str] | None = None
) -> list[TopicCycle]:
    """The summary of the cycles after this one, or of all when it is None, in the order of cycles.

    limits: None when no paths are wanted. earlier: topics of which older cycles are wanted, too, each with
    the first of them.
    """
    spark, table = tables.spark, tables.name("ops", TABLE)
    wanted = _Wanted(after, earlier or {})
    try:
        return _by_tasks(spark, delta_files_after(spark, table, after, wanted.first), wanted, limits)
    except NotPlainFilesError:
        rows = since(tables.read(table), after, wanted.earlier).select("cycle_id", *_COLUMNS)
        return _merged(rows.mapInArrow(lambda batches: _of_batches(batches, limits), _SCHEMA), limits)


@dataclass(frozen=True)
class _Wanted:
    """The cycles to summarize: all topics of those after one, and of some topics older ones; see
    topic_cycles."""

    after: str | None
    earlier: Mapping[str, str]

    @property
    def first(self) -> str | None:
        """The oldest cycle that is wanted of any topic alone."""
        return min(self.earlier.values(), default=None)

    def topics(self, cycle_id: str) -> list[str] | None:
        """The topics of which a cycle is wanted, sorted; None for all of them."""
        if self.after is None or cycle_id > self.after:
            return None
        return sorted(topic for topic, first in self.earlier.items() if first <= cycle_id)


def _by_tasks(
    spark: SparkSession, files: Sequence[DeltaFile], wanted: _Wanted, limits: Limits | None
) -> list[TopicCycle]:
    """Raises NotPlainFilesError."""
    cycles = {file.path: file.cycle_id for file in files}
    topics = {cycle: wanted.topics(cycle) for cycle in set(cycles.values())}
    splits = [
        split
        for file in files
        if topics[file.cycle_id] != []
        for split in splits_of(file.path, file.size, _SPLIT_BYTES)
    ]
    groups = group_splits(splits, spark.sparkContext.defaultParallelism)
    file_store = file_store_of(spark)

    def summaries(own: Sequence[Split]) -> Iterator[pa.RecordBatch]:
        found = _Summaries(limits)
        try:
            for split in own:
                cycle = cycles[split.path]
                for rows in _row_groups(file_store, split, limits, topics[cycle]):
                    found.add(cycle, rows, topics[cycle])
            yield found.batch()
        except NotPlainFilesError as error:
            yield pa.RecordBatch.from_pylist([{"not_plain": str(error)}], _ARROW)

    return _merged(map_groups(spark, groups, summaries, _SCHEMA), limits)


def _merged(partial: DataFrame, limits: Limits | None) -> list[TopicCycle]:
    """The summaries of the tasks together. partial: rows of _SCHEMA. Raises NotPlainFilesError."""

    def first_texts(name: str, count: int) -> Column:
        together = F.array_distinct(F.flatten(F.collect_list(name)))
        # A list that is not wanted is empty, and slice takes no length of 0.
        return F.slice(F.array_sort(together), 1, max(count, 1)).alias(name)

    lengths = limits or Limits(0)
    rows = (
        partial.groupBy("cycle_id", "topic_name")
        .agg(
            F.sum("readable").alias("readable"),
            F.sum("refused").alias("refused"),
            F.min("first").alias("first"),
            F.max("last").alias("last"),
            F.max("some_null").alias("some_null"),
            F.min("arrived").alias("arrived"),
            first_texts("paths", lengths.paths),
            first_texts("rescued_paths", lengths.rescued_paths),
            F.max("not_plain").alias("not_plain"),
        )
        .collect()
    )
    for row in rows:
        if row["not_plain"] is not None:
            raise NotPlainFilesError(row["not_plain"])
    return sorted(
        (
            TopicCycle(
                topic=row["topic_name"],
                cycle_id=row["cycle_id"],
                readable=row["readable"],
                refused=row["refused"],
                times=EventTimes(row["first"], row["last"], row["some_null"]),
                arrived=row["arrived"],
                paths=row["paths"],
                rescued_paths=row["rescued_paths"],
            )
            for row in rows
        ),
        key=lambda one: (one.cycle_id, one.topic or ""),
    )


def _row_groups(
    file_store: FileStore, split: Split, limits: Limits | None, topics: Sequence[str] | None
) -> Iterator[pa.Table]:
    """The row groups of a split that may have rows of these topics, or all when it is None."""
    columns = [
        "topic_name",
        "event_time",
        "ingested_at",
        _KEYS,
        *(["rescued_data"] if limits and limits.rescued_paths else []),
    ]
    with file_store.open(split.path).open_input_file(path_of(split.path)) as opened:
        # The columns lie apart in each row group. To fetch the whole file is one request instead of hundreds.
        # Of some topics alone most files have no rows, which their footers tell.
        is_whole = split.count == 1 and topics is None
        content = pa.BufferReader(opened.read_buffer()) if is_whole else opened
        parquet = open_parquet(content)
        for index in split.row_group_indices(parquet.metadata.num_row_groups):
            if topics is not None and not may_hold(topic_bounds(parquet.metadata, index), topics):
                continue
            yield parquet.read_row_group(index, columns=columns, use_threads=False)


def _of_batches(batches: Iterable[pa.RecordBatch], limits: Limits | None) -> Iterator[pa.RecordBatch]:
    summaries = _Summaries(limits)
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        for cycle, indices in indices_by_value(rows.column("cycle_id").combine_chunks()).items():
            summaries.add(cycle, rows_at(rows, indices))
    yield summaries.batch()


@dataclass(kw_only=True)
class _Summary:
    """The summary of one topic in one cycle as far as it has been read. The fields are the columns of
    _SCHEMA."""

    readable: int = 0
    refused: int = 0
    first: datetime | None = None
    last: datetime | None = None
    some_null: bool = False
    arrived: datetime | None = None
    paths: set[str] = field(default_factory=set)
    rescued_paths: set[str] = field(default_factory=set)


class _Summaries:
    """Collects the summaries of the rows that one task reads."""

    def __init__(self, limits: Limits | None) -> None:
        self._limits = limits
        self._found: dict[tuple[str, str | None], _Summary] = {}

    def add(self, cycle_id: str, rows: pa.Table, topics: Sequence[str] | None = None) -> None:
        """Adds rows, all of one cycle, of these topics, or of all when it is None."""
        for topic, indices in indices_by_value(rows.column("topic_name").combine_chunks()).items():
            if topics is not None and topic not in topics:
                continue
            self._add(self._found.setdefault((cycle_id, topic), _Summary()), rows_at(rows, indices))

    def _add(self, known: _Summary, rows: pa.Table) -> None:
        arrived = pc.min(rows.column("ingested_at")).as_py()
        if arrived is not None:
            known.arrived = arrived if known.arrived is None else min(known.arrived, arrived)
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
        known.paths = _first(known.paths | _paths(readable.column("columns")), self._limits.paths)
        if not self._limits.rescued_paths:
            return
        rescued = readable.column("rescued_data").drop_null().to_pylist()
        length = self._limits.path_length
        paths = {path[:length] for text in rescued for path in json.loads(text)}
        known.rescued_paths = _first(known.rescued_paths | paths, self._limits.rescued_paths)

    def batch(self) -> pa.RecordBatch:
        """The summaries as rows of _SCHEMA."""
        rows = [
            {"cycle_id": cycle, "topic_name": topic, **vars(one)}
            | {"paths": list(one.paths), "rescued_paths": list(one.rescued_paths)}
            for (cycle, topic), one in self._found.items()
        ]
        return pa.RecordBatch.from_pylist(rows, _ARROW)


def _paths(columns: pa.ChunkedArray) -> set[str]:
    """The paths in a column of maps, which may be read without their texts: as lists of structs of the key
    alone."""
    found: set[str] = set()
    for chunk in columns.chunks:
        begin, end = chunk.offsets[0].as_py(), chunk.offsets[-1].as_py()
        keys = chunk.keys if isinstance(chunk, pa.MapArray) else chunk.values.field("key")
        found.update(pc.unique(keys.slice(begin, end - begin)).to_pylist())
    return found


def _first(texts: set[str], count: int) -> set[str]:
    """The first texts in sorted order."""
    return texts if len(texts) <= count else set(sorted(texts)[:count])


def times_of(cycles: Iterable[TopicCycle]) -> EventTimes:
    """The event times of several cycles of a topic together."""
    known = [one.times for one in cycles if one.readable]
    firsts = [one.first for one in known if one.first is not None]
    lasts = [one.last for one in known if one.last is not None]
    return EventTimes(
        min(firsts, default=None), max(lasts, default=None), any(one.some_null for one in known)
    )
