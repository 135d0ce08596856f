"""One topic's cycle into its Standardized table as a task on an executor: the topic's rows of cycle_delta
against its table become new data files and counts.

advance_by_spark.py does the same in Spark jobs; tests/glue/versions/test_versions.py holds the decisions of
both ways equal.
"""

import pyarrow as pa

from lean_ops.columns.names import KEY, RESCUED
from lean_ops.columns.resolve_paths import resolved
from lean_ops.spark.file_io import FileStore
from lean_ops.standardized.rows_arrow import standardized_table
from lean_ops.tasks.topic_task import TaskResult, TopicTask, split_by_cycles, table_files, write_winners
from lean_ops.versions.merge_arrow import counts_of, decision_of, existing_rows, tails_beside


def standardize(task: TopicTask, rows: pa.Table, file_store: FileStore) -> tuple[TaskResult, None]:
    """Does the work of a task; see run_tasks.Work. This layer rejects no row, so it returns no errors.

    rows: the topic's readable rows of cycle_delta, including those of `tie_cycles`. Raises UnsettledTiesError
    and TooLargeError.
    """
    new, other = split_by_cycles(rows, task.cycles)
    table = table_files(task, file_store)
    existing = existing_rows(table, task.files, new.column(KEY), times_are_text=True)
    tails = None if task.tie_cycles is None else tails_beside(other, new)
    decision = decision_of(new, existing, tails)
    winners = resolved(new.take(pa.array(decision.winners, pa.int64())), task.column_paths)
    written = standardized_table(winners, task.columns, task.overflow)
    result = write_winners(task, table, decision, written)
    rescued = written.num_rows - written.column(RESCUED).null_count
    result.counts = counts_of(decision) | {"rescued": rescued}
    return result, None
