"""What one topic's cycle does on an executor: its rows of cycle_delta against its table, to new data files
and counts. Nothing is committed here, so a task may run twice; the files of the run that is not used are
orphans.

For topics whose batch fits into one task. The decisions are those of merge, standardize and curate.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops import names
from lean_ops.data_files import DataFile, NewFile
from lean_ops.judge import NULLED, REJECTED, Judge
from lean_ops.judge_batches import judged_batch
from lean_ops.places import flags_at
from lean_ops.schemas import TopicSchema
from lean_ops.standardized_arrow import standardized_table, versions_of_standardized
from lean_ops.store import Store
from lean_ops.table_files import Column, Partitioning, TableFiles
from lean_ops.versions import Decision
from lean_ops.versions_arrow import KEY, counts_of, decision_of, held_rows, tails_beside

MAX_REWRITTEN_BYTES = 32 << 20
"""A correction rewrites the files it changes. Larger ones are left to Spark, which splits them."""
MAX_BYTES = 128 << 20
"""Of a table's rows that a task holds, in Arrow's memory."""


class TooLarge(Exception):
    """More than one task should do: Spark has to spread it."""


@dataclass(frozen=True)
class BackFill:
    """The Standardized table whose rows a new schema has to judge."""

    columns: tuple[Column, ...]
    files: tuple[DataFile, ...]


@dataclass(frozen=True)
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
    folded: tuple[int, ...] = ()
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


def standardize(task: TopicTask, rows: pa.Table, store: Store) -> Result:
    """rows: the topic's readable rows of cycle_delta, those of `settling` too.

    Raises versions.TiesUnsettled and TooLarge.
    """
    new, other = _split(rows, task.cycles)
    table = _table(task, store)
    held = held_rows(table, task.files, new.column(KEY), texts=True)
    decision = decision_of(new, held, tails_beside(other, new) if task.settling is not None else None)
    written = standardized_table(
        new.take(pa.array(decision.winners, pa.int64())), task.columns, task.overflow
    )
    result = write(task, table, decision, written)
    rescued = written.num_rows - written.column(names.RESCUED).null_count
    result.counts = counts_of(decision) | {"rescued": rescued}
    return result


def curate(task: TopicTask, rows: pa.Table, store: Store) -> tuple[Result, pa.Table]:
    """rows: as for standardize. Gives the errors too, one row for each bad message: ERROR_COLUMNS.

    counts `rejected` and `nulled` are of messages here; which of them are known from before the driver finds
    out. Raises as standardize does.
    """
    assert task.schema is not None
    new, other = _split(rows, task.cycles)
    if task.back_fill is not None:
        new = pa.concat_tables([new, *(part.cast(new.schema) for part in _back_fill(task, store))])
    judge = Judge(task.schema)
    judged = judged_batch(new, judge)
    valid = _valid(judged)
    table = _table(task, store)
    tails = tails_beside(_valid(judged_batch(other, judge)), valid) if task.settling is not None else None
    held = held_rows(table, task.files, valid.column(KEY), texts=False)
    decision = decision_of(valid, held, tails, task.judge_again)
    winners = valid.take(pa.array(decision.winners, pa.int64()))
    result = write(task, table, decision, curated_table(winners, task.schema))
    found = pc.value_counts(judged.column("disposition").drop_null()).to_pylist()
    bad = {one["values"]: one["counts"] for one in found}
    result.counts = counts_of(decision) | {
        "records_in": new.num_rows,
        "rejected": bad.get(REJECTED, 0),
        "nulled": bad.get(NULLED, 0),
    }
    return result, _errors(judged, task.schema)


def curated_table(winners: pa.Table, schema: TopicSchema) -> pa.Table:
    """winners: valid versions, judged. Gives rows of the Curated table."""
    value = winners.column("value").combine_chunks()
    columns = {field.column: value.field(field.column) for field in schema.fields}
    envelope = {name: winners.column(name) for name in names.ENVELOPE_COLUMNS}
    version = pa.repeat(pa.scalar(schema.version, pa.int32()), winners.num_rows)
    return pa.table({**columns, **envelope, names.SCHEMA_VERSION: version})


def _valid(judged: pa.Table) -> pa.Table:
    return judged.filter(pc.invert(pc.fill_null(pc.equal(judged.column("disposition"), REJECTED), False)))


def _errors(judged: pa.Table, schema: TopicSchema) -> pa.Table:
    """Copies of a bad message share its error_id: of them the first counts."""
    bad = judged.filter(pc.is_valid(judged.column("error_id")))
    bad = bad.sort_by([(name, "ascending") for name in ("error_id", "cycle_id", "record")])
    ids = bad.column("error_id").to_pylist()
    first = [n for n, one in enumerate(ids) if n == 0 or ids[n - 1] != one]
    kept = ("error_id", "message_id", "idempotency_key", "disposition", "violations", "record", "cycle_id")
    rows = bad.select(kept).take(pa.array(first, pa.int64()))
    version = pa.repeat(pa.scalar(schema.version, pa.int32()), rows.num_rows)
    return rows.append_column(names.SCHEMA_VERSION, version)


def _back_fill(task: TopicTask, store: Store) -> Iterator[pa.Table]:
    """Standardized's rows as cycle_delta would have them. Those of the task's cycles come from there."""
    source = task.back_fill
    assert source is not None
    table = TableFiles(store, task.folder, source.columns, None)
    room = MAX_BYTES
    for file in source.files:
        rows = table.read(file, room)
        if rows is None:
            raise TooLarge(f"rows to fill from take more than {MAX_BYTES} bytes")
        room -= rows.nbytes
        taken = pc.is_in(rows.column("cycle_id"), pa.array(task.cycles, pa.string()))
        yield versions_of_standardized(rows.filter(pc.invert(taken)), task.topic)


def _table(task: TopicTask, store: Store) -> TableFiles:
    return TableFiles(store, task.folder, task.columns, task.partitioning, task.one_day_a_file)


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
        raise TooLarge(f"corrections rewrite {len(replaced)} files of more than {MAX_REWRITTEN_BYTES} bytes")
    together = [table.whole(written)]
    room = MAX_BYTES
    for index, positions in sorted(replaced.items()):
        file = task.files[index]
        rows = table.read(file, room)
        if rows is None:
            raise TooLarge(f"rows beside those that corrections replace take more than {MAX_BYTES} bytes")
        result.removed.append(file.path)
        kept = _without(rows, positions)
        if file.is_small or file.partition is None:
            together.append(kept)
            room -= rows.nbytes
        else:
            # Days may be mixed in a file of the time before they were kept apart.
            result.files += table.write(kept, None if task.one_day_a_file else file.partition)
    for file, rows in _folded(table, [task.files[n] for n in task.folded if n not in replaced], room):
        result.removed.append(file.path)
        together.append(rows)
    result.files += table.write(pa.concat_tables(together))
    return result


def _folded(table: TableFiles, files: Sequence[DataFile], room: int) -> list[tuple[DataFile, pa.Table]]:
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
    return rows.filter(pc.invert(flags_at(positions, rows.num_rows)))


def _split(rows: pa.Table, cycles: frozenset[str]) -> tuple[pa.Table, pa.Table]:
    """(rows of these cycles, the others)."""
    inside = pc.is_in(rows.column("cycle_id"), pa.array(cycles, pa.string()))
    if pc.all(inside).as_py():
        return rows, rows.slice(0, 0)
    return rows.filter(inside), rows.filter(pc.invert(inside))
