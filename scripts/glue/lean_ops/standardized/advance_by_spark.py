"""One topic's cycle into its Standardized table in Spark jobs of its own: for batches that are too large for
one task."""

from pyspark.sql import functions as F

from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.spark.materialized import materialized
from lean_ops.standardized import schema_evolution
from lean_ops.standardized.advance import LAYER, Advance
from lean_ops.standardized.rows_spark import existing_rows, in_text_times, standardized_rows
from lean_ops.tables.commits import Commit
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables
from lean_ops.versions import merge_spark


def advance_by_spark(tables: Tables, advance: Advance, within: EventTimes | None) -> Commit | None:
    """One topic takes one cycle in Spark jobs of its own."""
    work, evolution = advance.work, advance.evolution
    table = tables.name(LAYER, names.table_name(work.topic))
    cycles = tables.read(tables.name("ops", cycle_delta.TABLE))
    versions = cycle_delta.of_topic(cycle_delta.readable(cycles), work.topic, [work.cycle_id])
    held = None
    if not tables.is_empty(table):
        known = tables.read(table)
        held = existing_rows(known if within is None else known.where(in_text_times(within)))
    with materialized(merge_spark.latest_versions(versions, held)) as winners:
        counts = merge_spark.count(winners)
        if counts.ties:
            winners = merge_spark.settle_ties(
                winners, cycle_delta.readable(cycles.where(F.col("topic_name") == work.topic))
            )
            counts = merge_spark.count(winners)
        columns = schema_evolution.payload_columns(tables.columns(table))
        overflow = bool(evolution.overflow)
        changed = merge_spark.rows_to_write(winners, (merge_spark.NEW, merge_spark.NEWER))
        rows = standardized_rows(changed, columns, overflow)
        may_be_rescued = overflow or work.rescued_paths
        properties = advance.properties(
            {
                "duplicates": counts.duplicates,
                "superseded": counts.superseded,
                "written": counts.written,
                "rescued": rows.where(F.col(names.RESCUED).isNotNull()).count() if may_be_rescued else 0,
            }
        )
        if counts.written == 0:
            return tables.commit_checkpoint(table, properties)
        # Exact: every key was looked up in the table, which nobody else writes. Nothing to replace, no MERGE
        # to pay for.
        if counts.updated == 0:
            return tables.append(rows, table, properties)
        return tables.upsert(rows, table, [names.KEY], properties)
