"""One topic's cycle into its Curated table, on an executor: its rows of cycle_delta, validated, against its
table, to new data files, counts and rows of errors. The decisions are those of `versions.merge_spark` and
`curated.rows_spark`."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns import names
from lean_ops.columns.names import KEY
from lean_ops.spark.file_io import FileStore
from lean_ops.standardized.rows_arrow import versions_of_standardized
from lean_ops.tables.table_files import TableFiles
from lean_ops.tasks.topic_task import (
    MAX_TABLE_BYTES,
    Result,
    TooLargeError,
    TopicTask,
    split_by_cycles,
    table_files,
    write,
)
from lean_ops.validation.topic_schema import TopicSchema
from lean_ops.validation.validate_batches import validated_batch
from lean_ops.validation.validator import NULLED, REJECTED, RowValidator
from lean_ops.versions.merge_arrow import counts_of, decision_of, existing_rows, tails_beside


def curate(task: TopicTask, rows: pa.Table, file_store: FileStore) -> tuple[Result, pa.Table]:
    """rows: as for standardize. Gives the errors too, one row for each bad message: ERROR_COLUMNS.

    counts `rejected` and `nulled` are of messages here; which of them are known from before the driver finds
    out. Raises as standardize does.
    """
    assert task.schema is not None
    new, other = split_by_cycles(rows, task.cycles)
    if task.back_fill is not None:
        new = pa.concat_tables([new, *(part.cast(new.schema) for part in _back_fill(task, file_store))])
    validator = RowValidator(task.schema)
    validated = validated_batch(new, validator)
    valid = _valid(validated)
    table = table_files(task, file_store)
    tails = (
        tails_beside(_valid(validated_batch(other, validator)), valid) if task.settling is not None else None
    )
    held = existing_rows(table, task.files, valid.column(KEY), times_are_text=False)
    decision = decision_of(valid, held, tails, replace_same=task.judge_again)
    winners = valid.take(pa.array(decision.winners, pa.int64()))
    result = write(task, table, decision, curated_table(winners, task.schema))
    found = pc.value_counts(validated.column("disposition").drop_null()).to_pylist()
    bad = {one["values"]: one["counts"] for one in found}
    result.counts = counts_of(decision) | {
        "records_in": new.num_rows,
        "rejected": bad.get(REJECTED, 0),
        "nulled": bad.get(NULLED, 0),
    }
    return result, _errors(validated, task.schema)


def curated_table(winners: pa.Table, schema: TopicSchema) -> pa.Table:
    """winners: valid versions, validated. Gives rows of the Curated table."""
    value = winners.column("value").combine_chunks()
    columns = {field.column: value.field(field.column) for field in schema.fields}
    envelope = {name: winners.column(name) for name in names.ENVELOPE_COLUMNS}
    version = pa.repeat(pa.scalar(schema.version, pa.int32()), winners.num_rows)
    return pa.table({**columns, **envelope, names.SCHEMA_VERSION: version})


def _valid(validated: pa.Table) -> pa.Table:
    return validated.filter(
        pc.invert(pc.fill_null(pc.equal(validated.column("disposition"), REJECTED), False))
    )


def _errors(validated: pa.Table, schema: TopicSchema) -> pa.Table:
    """Copies of a bad message share its error_id: of them the first counts."""
    bad = validated.filter(pc.is_valid(validated.column("error_id")))
    bad = bad.sort_by([(name, "ascending") for name in ("error_id", "cycle_id", "record")])
    ids = bad.column("error_id").to_pylist()
    first = [n for n, one in enumerate(ids) if n == 0 or ids[n - 1] != one]
    kept = ("error_id", "message_id", "idempotency_key", "disposition", "violations", "record", "cycle_id")
    rows = bad.select(kept).take(pa.array(first, pa.int64()))
    version = pa.repeat(pa.scalar(schema.version, pa.int32()), rows.num_rows)
    return rows.append_column(names.SCHEMA_VERSION, version)


def _back_fill(task: TopicTask, file_store: FileStore) -> Iterator[pa.Table]:
    """Standardized's rows as cycle_delta would have them. Those of the task's cycles come from there."""
    source = task.back_fill
    assert source is not None
    table = TableFiles(file_store, folder=task.folder, columns=source.columns, partitioning=None)
    room = MAX_TABLE_BYTES
    for file in source.files:
        rows = table.read(file, room)
        if rows is None:
            raise TooLargeError(f"rows to fill from take more than {MAX_TABLE_BYTES} bytes")
        room -= rows.nbytes
        taken = pc.is_in(rows.column("cycle_id"), pa.array(task.cycles, pa.string()))
        yield versions_of_standardized(rows.filter(pc.invert(taken)), task.topic)
