"""What one topic's cycle does on an executor: its rows of cycle_delta against its table, to new data files
and counts. Nothing is committed here, so a task may run twice; the files of the run that is not used are
orphans.

For topics whose batch fits into one task. The decisions are those of merge, standardize and curate.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops import names
from lean_ops.data_files import DataFile, NewFile
from lean_ops.judge import NULLED, REJECTED, Judge
from lean_ops.judge_batches import judged_batch
from lean_ops.places import flags_at
from lean_ops.schemas import TopicSchema
from lean_ops.standardized_arrow import micros_of_text, standardized_table, versions_of_standardized
from lean_ops.store import Store
from lean_ops.table_files import Column, Partitioning, TableFiles
from lean_ops.versions import Decision, Held, Place, Stamp, Tails, decide, tails_of

MAX_REWRITTEN_BYTES = 32 << 20
"""A correction rewrites the files it changes. Larger ones are left to Spark, which splits them."""
MAX_BYTES = 128 << 20
"""Of a table's rows that a task holds, in Arrow's memory."""

_TIMES = ("produced_at", "ingested_at", "received_at", "event_time")
_KEY = "idempotency_key"
_HELD = (_KEY, "message_id", "produced_at", "ingested_at", "cycle_id")


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
    held = held_rows(table, task.files, new.column(_KEY), texts=True)
    decision = decision_of(new, held, _tails(other, new) if task.settling is not None else None)
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
    tails = _tails(_valid(judged_batch(other, judge)), valid) if task.settling is not None else None
    held = held_rows(table, task.files, valid.column(_KEY), texts=False)
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


def counts_of(decision: Decision) -> dict[str, int]:
    return {
        "records_in": decision.versions,
        "duplicates": decision.duplicates,
        "superseded": decision.superseded,
        "written": decision.written,
    }


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


def held_rows(
    table: TableFiles, files: Sequence[DataFile], keys: pa.ChunkedArray, texts: bool
) -> dict[str, Held]:
    """The table's rows of these keys. texts: its times are text, as in Standardized.

    Reads the column of keys, and where one is found those that versions are compared by, no others.
    """
    held: dict[str, Held] = {}
    for index, file in enumerate(files):
        with table.opened(file) as read:
            found = pc.indices_nonzero(pc.is_in(read([_KEY]).column(_KEY), value_set=keys))
            if not len(found):
                continue
            rows = read(_HELD).take(found)
        for position, row in zip(found.to_pylist(), _stamps_held(rows, texts), strict=True):
            stamp, cycle_id = row
            known = held.get(stamp.key)
            places = known.places if known else []
            if known is None or stamp.head > known.head:
                held[stamp.key] = Held(stamp.message_id, stamp.head, cycle_id, places)
            places.append(Place(index, position))
    return held


def decision_of(
    new: pa.Table, held: Mapping[str, Held], tails: Tails | None, replace_same: bool = False
) -> Decision:
    """versions.decide for rows of cycle_delta. Most are the only ones of their key, here and in the table:
    they win, and take no deciding."""
    keys = new.column(_KEY).combine_chunks()
    counted = pc.value_counts(keys)
    several = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    contested = pa.concat_arrays([several, pa.array(held.keys(), pa.string())])
    is_contested = pc.is_in(keys, value_set=contested)
    places = pc.indices_nonzero(is_contested)
    alone = pc.indices_nonzero(pc.invert(is_contested)).to_pylist()
    decided = decide(stamps_of(new.take(places)), held, tails, replace_same)
    winners = places.take(pa.array(decided.winners, pa.int64())).to_pylist()
    return replace(
        decided,
        winners=sorted(alone + winners),
        versions=decided.versions + len(alone),
        inserted=decided.inserted + len(alone),
    )


def _stamps_held(rows: pa.Table, texts: bool) -> Iterator[tuple[Stamp, str | None]]:
    times = (
        ([micros_of_text(one) for one in rows.column(name).to_pylist()] if texts else _micros(rows, name))
        for name in ("produced_at", "ingested_at")
    )
    columns = (rows.column(_KEY).to_pylist(), rows.column("message_id").to_pylist(), *times)
    cycles = rows.column("cycle_id").to_pylist()
    for key, message_id, produced_at, ingested_at, cycle_id in zip(*columns, cycles, strict=True):
        yield Stamp(key, message_id, produced_at, ingested_at), cycle_id


def stamps_of(rows: pa.Table) -> list[Stamp]:
    """rows: of cycle_delta."""
    names_ = (_KEY, "message_id", "payload_sha256")
    key, message, digest = (rows.column(name).to_pylist() for name in names_)
    produced, ingested, received, event = (_micros(rows, name) for name in _TIMES)
    return [
        Stamp(*row) for row in zip(key, message, produced, ingested, digest, received, event, strict=True)
    ]


def _micros(rows: pa.Table, name: str) -> list[int | None]:
    found: list[int | None] = rows.column(name).cast(pa.int64()).to_pylist()
    return found


def _tails(other: pa.Table, new: pa.Table) -> dict[Any, Any]:
    """Of the other cycles' rows that share a key with a new one."""
    shared = other.filter(pc.is_in(other.column(_KEY), value_set=new.column(_KEY)))
    return tails_of(zip(stamps_of(shared), shared.column("cycle_id").to_pylist(), strict=True))


def _split(rows: pa.Table, cycles: frozenset[str]) -> tuple[pa.Table, pa.Table]:
    """(rows of these cycles, the others)."""
    inside = pc.is_in(rows.column("cycle_id"), pa.array(cycles, pa.string()))
    if pc.all(inside).as_py():
        return rows, rows.slice(0, 0)
    return rows.filter(inside), rows.filter(pc.invert(inside))
