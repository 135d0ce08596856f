"""One topic's cycle into its Standardized table, on an executor: its rows of cycle_delta against its table,
to new data files and counts. The decisions are those of `versions.merge_spark` and
`standardized.rows_spark`."""

import pyarrow as pa

from lean_ops.columns.names import KEY, RESCUED
from lean_ops.spark.file_io import FileStore
from lean_ops.standardized.rows_arrow import standardized_table
from lean_ops.tasks.topic_task import Result, TopicTask, split_by_cycles, table_files, write
from lean_ops.versions.merge_arrow import counts_of, decision_of, existing_rows, tails_beside


def standardize(task: TopicTask, rows: pa.Table, file_store: FileStore) -> tuple[Result, None]:
    """rows: the topic's readable rows of cycle_delta, those of `settling` too. This layer rejects no row, so
    there are no errors beside the result.

    Raises merge_python.UnsettledTiesError and topic_task.TooLargeError.
    """
    new, other = split_by_cycles(rows, task.cycles)
    table = table_files(task, file_store)
    held = existing_rows(table, task.files, new.column(KEY), times_are_text=True)
    decision = decision_of(new, held, tails_beside(other, new) if task.settling is not None else None)
    written = standardized_table(
        new.take(pa.array(decision.winners, pa.int64())), task.columns, task.overflow
    )
    result = write(task, table, decision, written)
    rescued = written.num_rows - written.column(RESCUED).null_count
    result.counts = counts_of(decision) | {"rescued": rescued}
    return result, None
