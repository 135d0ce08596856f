"""One topic's cycle into its Standardized table in Spark jobs of its own, for a batch that is too large for
one task.

in_task.py does the same within one task; tests/glue/versions/test_versions.py holds the decisions of both
ways equal.
"""

from pyspark.sql import functions as F

from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.spark.materialized import materialized
from lean_ops.standardized import schema_evolution
from lean_ops.standardized.advance import LAYER, Advance
from lean_ops.standardized.rows_spark import (
    existing_rows,
    has_event_time_of,
    standardized_rows,
    with_columns,
)
from lean_ops.tables.commits import Commit
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables
from lean_ops.versions import merge_spark


def advance_by_spark(tables: Tables, advance: Advance, event_times: EventTimes | None) -> Commit | None:
    """Takes a topic through one cycle. `event_times` are the batch's, where the table may be pruned by
    them."""
    work, evolution = advance.work, advance.evolution
    table = tables.name(LAYER, names.table_name(work.topic))
    cycles = tables.read(tables.name("ops", cycle_delta.TABLE))
    versions = cycle_delta.of_topic(cycle_delta.readable(cycles), work.topic, [work.cycle_id])
    existing = None
    if not tables.is_empty(table):
        rows = tables.read(table)
        existing = existing_rows(rows if event_times is None else rows.where(has_event_time_of(event_times)))
    with materialized(merge_spark.latest_versions(versions, existing)) as winners:
        counts = merge_spark.count(winners)
        if counts.ties:
            winners = merge_spark.settle_ties(
                winners, cycle_delta.readable(cycles.where(F.col("topic_name") == work.topic))
            )
            counts = merge_spark.count(winners)
        columns = schema_evolution.payload_columns(tables.columns(table))
        overflow = evolution.may_overflow
        changed = merge_spark.rows_to_write(winners, (merge_spark.NEW, merge_spark.NEWER))
        rows = standardized_rows(with_columns(changed, evolution.column_paths), columns, overflow)
        may_be_rescued = overflow or work.rescued_paths or evolution.collisions
        properties = advance.properties(
            {
                "duplicates": counts.duplicates,
                "superseded": counts.superseded,
                "written": counts.written,
                "rescued": rows.where(F.col(names.RESCUED).isNotNull()).count() if may_be_rescued else 0,
            }
        )
        if counts.written == 0:
            return advance.table.commit([], [], properties)
        # Every key was looked up in the table, which nobody else writes. So where no row is replaced, a plain
        # append is exact and saves the rewriting of files.
        if counts.updated == 0:
            return advance.table.append_rows(rows, properties)
        return advance.table.upsert_rows(rows, names.KEY, properties)
