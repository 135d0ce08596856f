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
from lean_ops.judge import NULLED, REJECTED, Judge
from lean_ops.judge_batches import judged_batch
from lean_ops.schemas import TopicSchema
from lean_ops.standardized_arrow import micros_of_text, standardized_table, versions_of_standardized
from lean_ops.table_files import Column, DataFile, NewFile, Partitioning, Store, TableFiles
from lean_ops.versions import Decision, Held, Place, Stamp, decide, tails_of

MAX_REWRITTEN_BYTES = 32 << 20
"""A correction rewrites the files it changes. Larger ones are left to Spark, which splits them."""

_TIMES = ("produced_at", "ingested_at", "received_at", "event_time")
_HELD = ("idempotency_key", "message_id", "produced_at", "ingested_at", "cycle_id")


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

    files: those that may hold one of the batch's keys. folded: indexes of those that are written anew in any
    case. folder: where new ones go. knows_ties: the rows of other cycles are there that settle ties.
    overflow: see standardized_table. one_day_a_file: see TableFiles. Curated's: schema, back_fill, and
    judge_again for a new schema, which reads the versions that are there anew.
    """

    topic: str
    cycles: frozenset[str]
    columns: tuple[Column, ...]
    partitioning: Partitioning | None
    folder: str
    files: tuple[DataFile, ...]
    folded: tuple[int, ...] = ()
    overflow: bool = False
    one_day_a_file: bool = False
    knows_ties: bool = False
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
    """rows: the topic's readable rows of cycle_delta; with knows_ties those of other cycles too.

    Raises versions.TiesUnsettled and TooLarge.
    """
    new, other = _split(rows, task.cycles)
    stamps = stamps_of(new)
    table = _table(task, store)
    held = held_rows(table, task.files, stamps, texts=True)
    tails = _tails(other) if task.knows_ties else None
    decision = decide(stamps, held, tails)
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
    stamps = stamps_of(valid)
    tails = _tails(_valid(judged_batch(other, judge))) if task.knows_ties else None
    decision = decide(stamps, held_rows(table, task.files, stamps, texts=False), tails, task.judge_again)
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
    for file in source.files:
        rows = table.read(file)
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
    """The winners in new files, together with what is left of the files that hold rows they replace, and with
    small ones."""
    result = Result(task.topic)
    if not decision.winners:
        return result
    parts = [table.whole(written)]
    by_file: dict[int, list[int]] = {}
    for place in decision.replaced:
        by_file.setdefault(place.file, []).append(place.position)
    if sum(task.files[index].size for index in by_file) > MAX_REWRITTEN_BYTES:
        raise TooLarge(f"corrections rewrite {len(by_file)} files of more than {MAX_REWRITTEN_BYTES} bytes")
    for index in task.folded:
        by_file.setdefault(index, [])
    for index, positions in by_file.items():
        file = task.files[index]
        result.removed.append(file.path)
        rows = table.read(file)
        gone = pc.is_in(pa.array(range(rows.num_rows), pa.int64()), pa.array(positions, pa.int64()))
        parts.append(rows.filter(pc.invert(gone)))
    result.files = list(table.write(pa.concat_tables(parts)))
    return result


def held_rows(
    table: TableFiles, files: Sequence[DataFile], stamps: Sequence[Stamp], texts: bool
) -> dict[str, Held]:
    """The table's rows of the stamps' keys. texts: its times are text, as in Standardized.

    Reads the columns that versions are compared by, no others.
    """
    held: dict[str, Held] = {}
    if not files:
        return held
    keys = pa.array({stamp.key for stamp in stamps}, pa.string())
    for index, file in enumerate(files):
        rows = table.read(file, _HELD)
        found = pc.indices_nonzero(pc.is_in(rows.column("idempotency_key"), keys))
        for position, row in zip(found.to_pylist(), _stamps_held(rows.take(found), texts), strict=True):
            stamp, cycle_id = row
            known = held.get(stamp.key)
            places = known.places if known else []
            if known is None or stamp.head > known.head:
                held[stamp.key] = Held(stamp.message_id, stamp.head, cycle_id, places)
            places.append(Place(index, position))
    return held


def _stamps_held(rows: pa.Table, texts: bool) -> Iterator[tuple[Stamp, str | None]]:
    times = (
        ([micros_of_text(one) for one in rows.column(name).to_pylist()] if texts else _micros(rows, name))
        for name in ("produced_at", "ingested_at")
    )
    columns = (rows.column("idempotency_key").to_pylist(), rows.column("message_id").to_pylist(), *times)
    cycles = rows.column("cycle_id").to_pylist()
    for key, message_id, produced_at, ingested_at, cycle_id in zip(*columns, cycles, strict=True):
        yield Stamp(key, message_id, produced_at, ingested_at), cycle_id


def stamps_of(rows: pa.Table) -> list[Stamp]:
    """rows: of cycle_delta."""
    names_ = ("idempotency_key", "message_id", "payload_sha256")
    key, message, digest = (rows.column(name).to_pylist() for name in names_)
    produced, ingested, received, event = (_micros(rows, name) for name in _TIMES)
    return [
        Stamp(*row) for row in zip(key, message, produced, ingested, digest, received, event, strict=True)
    ]


def _micros(rows: pa.Table, name: str) -> list[int | None]:
    found: list[int | None] = rows.column(name).cast(pa.int64()).to_pylist()
    return found


def _tails(other: pa.Table) -> dict[Any, Any]:
    return tails_of(zip(stamps_of(other), other.column("cycle_id").to_pylist(), strict=True))


def _split(rows: pa.Table, cycles: frozenset[str]) -> tuple[pa.Table, pa.Table]:
    """(rows of these cycles, the others)."""
    inside = pc.is_in(rows.column("cycle_id"), pa.array(cycles, pa.string()))
    return rows.filter(inside), rows.filter(pc.invert(inside))
