"""One topic's cycle as the work of one of Spark's tasks: what the task is given, what it answers, and how
both layers write files. Each layer's own work is in its `in_task`.

Nothing is committed on an executor, so a task may run twice; the files of the run that is not used are
orphans.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.row_indices import mask_at
from lean_ops.errors import LeanOpsError
from lean_ops.spark.file_io import FileStore
from lean_ops.tables.data_files import DataFile, NewFile
from lean_ops.tables.table_files import Column, Partitioning, TableFiles
from lean_ops.validation.topic_schema import TopicSchema
from lean_ops.versions.merge_python import Decision

MAX_REWRITTEN_BYTES = 32 << 20
"""A correction rewrites the files it changes. Larger ones are left to Spark, which splits them."""
MAX_TABLE_BYTES = 128 << 20
"""Of a table's rows that a task holds, in Arrow's memory."""


class TooLargeError(LeanOpsError):
    """More than one task should do: Spark has to spread it."""


@dataclass(frozen=True)
class BackFill:
    """The Standardized table whose rows a new schema has to judge."""

    columns: tuple[Column, ...]
    files: tuple[DataFile, ...]


@dataclass(frozen=True, kw_only=True)
class TopicTask:
    """A topic, the cycles of cycle_delta that it takes, and its table as the driver planned it.

    events: about how many messages those are. files: those that may hold one of the batch's keys. folded:
    indexes of those that are written anew in any case. folder: where new ones go. overflow: see
    standardized_table. one_day_a_file: see TableFiles. settling: the cycles whose rows settle ties; None
    before any are known. Curated's: schema, back_fill, and judge_again for a new schema, which reads the
    versions that are there anew.
    """

    topic: str
    cycles: frozenset[str]
    events: int
    columns: tuple[Column, ...]
    partitioning: Partitioning | None
    folder: str
    files: tuple[DataFile, ...]
    compacted: tuple[int, ...] = ()
    overflow: bool = False
    one_day_a_file: bool = False
    settling: frozenset[str] | None = None
    schema: TopicSchema | None = None
    back_fill: "BackFill | None" = None
    judge_again: bool = False


@dataclass
class Result:
    """counts: by names of ledger.COUNTS. removed: paths of the files that the new ones replace, in part or
    whole."""

    topic: str
    counts: dict[str, int] = field(default_factory=dict)
    files: list[NewFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        files = [{**vars(one.file), "footer": base64.b64encode(one.footer).decode()} for one in self.files]
        return {"topic": self.topic, "counts": self.counts, "files": files, "removed": self.removed}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Result":
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
        folder=task.folder,
        columns=task.columns,
        partitioning=task.partitioning,
        one_day_a_file=task.one_day_a_file,
    )


def write(task: TopicTask, table: TableFiles, decision: Decision, written: pa.Table) -> Result:
    """The winners in new files. Files that hold rows they replace are written anew without those: large ones
    each for itself, small ones together with the winners."""
    result = Result(task.topic)
    if not decision.winners:
        return result
    replaced: dict[int, list[int]] = {}
    for place in decision.replaced:
        replaced.setdefault(place.file, []).append(place.position)
    if sum(task.files[index].size for index in replaced) > MAX_REWRITTEN_BYTES:
        raise TooLargeError(
            f"corrections rewrite {len(replaced)} files of more than {MAX_REWRITTEN_BYTES} bytes"
        )
    together = [table.whole(written)]
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
            # Days may be mixed in a file of the time before they were kept apart.
            result.files += table.write(kept, None if task.one_day_a_file else file.partition)
    for file, rows in _compacted(table, [task.files[n] for n in task.compacted if n not in replaced], room):
        result.removed.append(file.path)
        together.append(rows)
    result.files += table.write(pa.concat_tables(together))
    return result


def _compacted(table: TableFiles, files: Sequence[DataFile], room: int) -> list[tuple[DataFile, pa.Table]]:
    """The small files that fit, with their rows. None if they are few of those that there are: it would be
    the same ones in each cycle."""
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
    """(rows of these cycles, the others)."""
    inside = pc.is_in(rows.column("cycle_id"), pa.array(cycles, pa.string()))
    if pc.all(inside).as_py():
        return rows, rows.slice(0, 0)
    return rows.filter(inside), rows.filter(pc.invert(inside))
