"""One topic's cycle as the work of one Spark task: what the task is given, what it returns, and how both
layers write files. Each layer's own work is in its `in_task` module.

Nothing is committed on an executor, so Spark may run a task twice. The files of the run whose result is not
used belong to no table, and Iceberg's maintenance removes such orphans.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.column_paths import ColumnPaths
from lean_ops.columns.row_indices import mask_at
from lean_ops.errors import LeanOpsError
from lean_ops.spark.file_io import FileStore
from lean_ops.tables.data_files import DataFile, NewFile
from lean_ops.tables.data_location import DataLocation
from lean_ops.tables.table_files import Column, Partitioning, TableFiles
from lean_ops.validation.topic_schema import TopicSchema
from lean_ops.versions.merge_python import Decision

MAX_REWRITTEN_BYTES = 32 << 20
"""A correction rewrites the files that it changes. Where they are larger than this, on disk, Spark does it
and spreads the work."""
MAX_TABLE_BYTES = 128 << 20
"""The memory, as Arrow counts it, that a table's rows may take in one task."""


class TooLargeError(LeanOpsError):
    """The batch is more than one task should do, so Spark has to spread it."""


@dataclass(frozen=True)
class BackfillSource:
    """The Standardized table whose rows a new schema version validates."""

    columns: tuple[Column, ...]
    files: tuple[DataFile, ...]


@dataclass(frozen=True, kw_only=True)
class TopicTask:
    """A topic, the cycles of cycle_delta that it takes, and its table as the driver planned it.

    events: the number of messages in those cycles.
    location: where new files go.
    files: the table's files that may hold one of the batch's keys.
    to_compact: indices of the files that are rewritten in any case, because they are small.
    column_paths: which paths of the topic's payloads have the columns of Standardized.
    overflow: Standardized only: some names have no column, and their values go to rescued_data.
    one_day_a_file: see TableFiles.
    tie_cycles: the cycles whose rows settle ties; None as long as no ties are known.
    schema: Curated only: the schema by which versions are validated.
    backfill: Curated only: where older rows come from that the schema has to validate.
    replace_same: Curated only: a version replaces itself in the table, because a new schema validated it.
    max_seconds: Curated only: the CPU time in which the topic's texts have to be validated.
    """

    topic: str
    cycles: frozenset[str]
    events: int
    columns: tuple[Column, ...]
    partitioning: Partitioning | None
    location: DataLocation
    files: tuple[DataFile, ...]
    to_compact: tuple[int, ...] = ()
    column_paths: ColumnPaths = field(default_factory=dict)
    overflow: bool = False
    one_day_a_file: bool = False
    tie_cycles: frozenset[str] | None = None
    schema: TopicSchema | None = None
    backfill: BackfillSource | None = None
    replace_same: bool = False
    max_seconds: float = math.inf


@dataclass
class TaskResult:
    """The result of a topic's task.

    counts: by names of ledger.COUNTS.
    files: the files that it wrote.
    removed: paths of the table's files that those replace, in part or whole.
    """

    topic: str
    counts: dict[str, int] = field(default_factory=dict)
    files: list[NewFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        files = [{**vars(one.file), "footer": base64.b64encode(one.footer).decode()} for one in self.files]
        return {"topic": self.topic, "counts": self.counts, "files": files, "removed": self.removed}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TaskResult":
        files = [
            NewFile(
                DataFile(one["path"], one["size"], one["rows"], one["partition"]),
                base64.b64decode(one["footer"]),
            )
            for one in value["files"]
        ]
        return cls(value["topic"], dict(value["counts"]), files, list(value["removed"]))


def table_files(task: TopicTask, file_store: FileStore) -> TableFiles:
    return TableFiles(
        file_store,
        location=task.location,
        columns=task.columns,
        partitioning=task.partitioning,
        one_day_a_file=task.one_day_a_file,
    )


def write_winners(task: TopicTask, table: TableFiles, decision: Decision, winners: pa.Table) -> TaskResult:
    """Writes the winners to new files, and rewrites the files that hold rows which they replace.

    A large file is rewritten on its own, and small ones go into one file with the winners. Raises
    TooLargeError.
    """
    result = TaskResult(task.topic)
    if not decision.winners:
        return result
    replaced: dict[int, list[int]] = {}
    for position in decision.replaced:
        replaced.setdefault(position.file, []).append(position.position)
    if sum(task.files[index].size for index in replaced) > MAX_REWRITTEN_BYTES:
        raise TooLargeError(
            f"corrections rewrite {len(replaced)} files of more than {MAX_REWRITTEN_BYTES} bytes"
        )
    together = [table.whole(winners)]
    room = MAX_TABLE_BYTES
    for index, positions in sorted(replaced.items()):
        file = task.files[index]
        rows = table.read(file, room)
        if rows is None:
            raise TooLargeError(
                f"rows beside those that corrections replace take more than {MAX_TABLE_BYTES} bytes"
            )
        result.removed.append(file.path)
        kept = _without(rows, positions)
        if file.is_small or file.partition is None:
            together.append(kept)
            room -= rows.nbytes
        else:
            # A file from before days were kept apart may hold several.
            result.files += table.write(kept, None if task.one_day_a_file else file.partition)
    small = [task.files[n] for n in task.to_compact if n not in replaced]
    for file, rows in _compacted(table, small, room):
        result.removed.append(file.path)
        together.append(rows)
    result.files += table.write(pa.concat_tables(together))
    return result


def _compacted(table: TableFiles, files: Sequence[DataFile], room: int) -> list[tuple[DataFile, pa.Table]]:
    """Returns the small files that fit into `room` bytes of memory, with their rows.

    It returns none when fewer than half fit, because each cycle would then rewrite the same few files.
    """
    found: list[tuple[DataFile, pa.Table]] = []
    for file in sorted(files, key=lambda one: one.size):
        rows = table.read(file, room)
        if rows is None:
            break
        found.append((file, rows))
        room -= rows.nbytes
    return found if 2 * len(found) >= len(files) else []


def _without(rows: pa.Table, positions: Sequence[int]) -> pa.Table:
    return rows.filter(pc.invert(mask_at(positions, rows.num_rows)))


def split_by_cycles(rows: pa.Table, cycles: frozenset[str]) -> tuple[pa.Table, pa.Table]:
    """Returns the rows of these cycles, and the others."""
    inside = pc.is_in(rows.column("cycle_id"), pa.array(cycles, pa.string()))
    if pc.all(inside).as_py():
        return rows, rows.slice(0, 0)
    return rows.filter(inside), rows.filter(pc.invert(inside))
