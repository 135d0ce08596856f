"""One topic's cycle into its Curated table as a task on an executor: the topic's rows of cycle_delta are
validated, and against its table they become new data files, counts and errors.

advance_by_spark.py does the same in Spark jobs; tests/glue/versions/test_versions.py holds the decisions of
both ways equal, and tests/glue/validation/test_verdicts.py the verdicts.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns import names
from lean_ops.columns.names import KEY
from lean_ops.columns.resolve_paths import resolved
from lean_ops.spark.file_io import FileStore
from lean_ops.standardized.rows_arrow import versions_of_standardized
from lean_ops.tables.table_files import TableFiles
from lean_ops.tasks.topic_task import (
    MAX_TABLE_BYTES,
    BackfillSource,
    TaskResult,
    TooLargeError,
    TopicTask,
    split_by_cycles,
    table_files,
    write_winners,
)
from lean_ops.validation.time_limit import TimeLimit
from lean_ops.validation.topic_schema import TopicSchema
from lean_ops.validation.validate_batches import validated_batch
from lean_ops.validation.validator import NOTED, NULLED, REJECTED, RowValidator
from lean_ops.versions.merge_arrow import counts_of, decision_of, existing_rows, tails_beside


def curate(task: TopicTask, rows: pa.Table, file_store: FileStore) -> tuple[TaskResult, pa.Table]:
    """Does the work of a task; see run_tasks.Work. It returns an error for each bad message.

    rows: the topic's readable rows of cycle_delta, including those of `tie_cycles`. The counts `rejected`,
    `nulled` and `noted` are of all messages; the driver finds out which of them were on record before. Raises
    UnsettledTiesError, TooLargeError and TopicTooSlowError.
    """
    assert task.schema is not None
    new, other = split_by_cycles(resolved(rows, task.column_paths), task.cycles)
    if task.backfill is not None:
        older = _rows_to_backfill(task, task.backfill, file_store)
        new = pa.concat_tables([new, *(part.cast(new.schema) for part in older)])
    validator = RowValidator(task.schema)
    limit = TimeLimit(task.max_seconds)
    validated = validated_batch(new, validator, limit)
    valid = _valid(validated)
    table = table_files(task, file_store)
    existing = existing_rows(table, task.files, valid.column(KEY), times_are_text=False)
    tails = None
    if task.tie_cycles is not None:
        tails = tails_beside(_valid(validated_batch(other, validator, limit)), valid)
    decision = decision_of(valid, existing, tails, replace_same=task.replace_same)
    winners = valid.take(pa.array(decision.winners, pa.int64()))
    result = write_winners(task, table, decision, curated_table(winners, task.schema))
    found = pc.value_counts(validated.column("disposition").drop_null()).to_pylist()
    bad = {one["values"]: one["counts"] for one in found}
    result.counts = counts_of(decision) | {
        "records_in": new.num_rows,
        "rejected": bad.get(REJECTED, 0),
        "nulled": bad.get(NULLED, 0),
        "noted": bad.get(NOTED, 0),
    }
    return result, _errors(validated, task.schema)


def curated_table(winners: pa.Table, schema: TopicSchema) -> pa.Table:
    """Returns winners, which are valid versions with their values, as rows of the Curated table.

    rows_spark.curated_rows does the same for DataFrames.
    """
    value = winners.column("value").combine_chunks()
    columns = {field.column: value.field(field.column) for field in schema.fields}
    envelope = {name: winners.column(name) for name in names.ENVELOPE_COLUMNS}
    version = pa.repeat(pa.scalar(schema.version, pa.int32()), winners.num_rows)
    return pa.table({**columns, **envelope, names.SCHEMA_VERSION: version})


def _valid(validated: pa.Table) -> pa.Table:
    rejected = pc.fill_null(pc.equal(validated.column("disposition"), REJECTED), False)
    return validated.filter(pc.invert(rejected))


def _errors(validated: pa.Table, schema: TopicSchema) -> pa.Table:
    """Returns one error for each bad message. Copies of a message share its error_id, and the first of them
    counts.

    rows_spark.error_rows does the same for DataFrames.
    """
    bad = validated.filter(pc.is_valid(validated.column("error_id")))
    bad = bad.sort_by([(name, "ascending") for name in ("error_id", "cycle_id", "record")])
    ids = bad.column("error_id").to_pylist()
    first = [n for n, one in enumerate(ids) if n == 0 or ids[n - 1] != one]
    kept = ("error_id", "message_id", "idempotency_key", "disposition", "violations", "record", "cycle_id")
    rows = bad.select(kept).take(pa.array(first, pa.int64()))
    version = pa.repeat(pa.scalar(schema.version, pa.int32()), rows.num_rows)
    return rows.append_column(names.SCHEMA_VERSION, version)


def _rows_to_backfill(task: TopicTask, source: BackfillSource, file_store: FileStore) -> Iterator[pa.Table]:
    """Yields Standardized's rows in the columns of cycle_delta. Rows of the task's cycles are left out:
    cycle_delta has every version of those."""
    table = TableFiles(file_store, location=task.location, columns=source.columns, partitioning=None)
    room = MAX_TABLE_BYTES
    for file in source.files:
        rows = table.read(file, room)
        if rows is None:
            raise TooLargeError(f"rows to validate again take more than {MAX_TABLE_BYTES} bytes")
        room -= rows.nbytes
        taken = pc.is_in(rows.column("cycle_id"), pa.array(task.cycles, pa.string()))
        yield versions_of_standardized(rows.filter(pc.invert(taken)), task.topic)
