"""One topic into its Curated table in Spark jobs of its own: for a batch that is too large for one task, and
for a long backfill, which goes in batches of its own.

in_task.py does the same within one task; tests/glue/versions/test_versions.py holds the decisions of both
ways equal.
"""

import threading

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.columns import names
from lean_ops.curated import rows_spark as curated_rows
from lean_ops.curated.advance import LAYER, Advance
from lean_ops.curated.backfill import MAX_ROWS, BackfillBatch, backfill_batches
from lean_ops.curated.recording import Errors, record_batch_errors
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.spark.materialized import materialized
from lean_ops.standardized.rows_spark import with_columns
from lean_ops.tables.commits import Commit
from lean_ops.tables.event_times import EventTimes, is_within
from lean_ops.tables.spark_tables import Tables
from lean_ops.versions import merge_spark


def advance_by_spark(
    tables: Tables, advance: Advance, event_times: EventTimes | None, lock: threading.Lock
) -> Commit | None:
    """Takes a topic further. Each batch of a backfill is a commit, and a backfill resumes after its last one.

    event_times: those of the new cycles, where the table may be pruned by them. lock: for the errors table.
    """
    commit = advance.last_commit
    if advance.backfill_from is not None:
        standardized = tables.read(tables.name("standardized", names.table_name(advance.topic)))
        cycle = F.coalesce("cycle_id", F.lit(""))
        for batch in _backfill_batches(advance, standardized.groupBy(cycle.alias("cycle")).count()):
            rows = standardized.where(cycle.isin(*batch.cycles))
            versions = curated_rows.versions_of_standardized(rows, advance.topic)
            commit = _take(tables, advance, versions, None, lock, commit, batch)
    if not advance.cycles:
        return advance.table.commit([], [], advance.properties({}, commit))
    rows = cycle_delta.readable(tables.read(tables.name("ops", cycle_delta.TABLE)))
    new = cycle_delta.of_topic(rows, advance.topic, advance.cycles)
    return _take(tables, advance, with_columns(new, advance.column_paths), event_times, lock, commit, None)


def _backfill_batches(advance: Advance, counted: DataFrame) -> list[BackfillBatch]:
    """Returns the batches that are left to do. Rows of the advance's cycles are left out: cycle_delta has
    every version of those."""
    progress = None if advance.checkpoint is None else advance.checkpoint.backfill
    is_same = progress is not None and progress.schema_version == advance.schema.version
    after = progress.through if progress is not None and is_same else None
    rows = ((row["cycle"], row["count"]) for row in counted.collect())
    return backfill_batches(((cycle, n) for cycle, n in rows if cycle not in advance.cycles), after, MAX_ROWS)


def _take(
    tables: Tables,
    advance: Advance,
    versions: DataFrame,
    event_times: EventTimes | None,
    lock: threading.Lock,
    earlier: Commit | None,
    batch: BackfillBatch | None,
) -> Commit | None:
    """Validates a batch of versions and merges the valid ones. `batch` is None for the new cycles."""
    with materialized(curated_rows.validate(versions, advance.schema)) as validated:
        errors = record_batch_errors(tables, advance, validated, lock)
        return _merge(tables, advance, validated, errors, event_times, earlier, batch)


def _merge(
    tables: Tables,
    advance: Advance,
    validated: DataFrame,
    errors: Errors,
    event_times: EventTimes | None,
    earlier: Commit | None,
    batch: BackfillBatch | None,
) -> Commit | None:
    table = tables.name(LAYER, names.table_name(advance.topic))
    existing = None
    if not tables.is_empty(table):
        rows = tables.read(table)
        known = rows if event_times is None else rows.where(is_within(event_times))
        existing = known.select(names.KEY, "message_id", "produced_at", "ingested_at", "cycle_id")
    with materialized(
        merge_spark.latest_versions(curated_rows.valid_versions(validated), existing)
    ) as winners:
        counts = merge_spark.count(winners)
        verdicts: tuple[str, ...] = (merge_spark.NEW, merge_spark.NEWER)
        updated = counts.updated
        if advance.backfill_from is not None:
            # A version that the table has already was validated by the new schema, so it replaces itself.
            verdicts, updated = (
                (merge_spark.NEW, merge_spark.NEWER, merge_spark.SAME),
                counts.updated + counts.ties,
            )
        elif counts.ties:
            # The version in the table was valid, so only valid versions can be it.
            rows = cycle_delta.readable(tables.read(tables.name("ops", cycle_delta.TABLE)))
            topic_rows = rows.where(F.col("topic_name") == advance.topic)
            known = with_columns(topic_rows, advance.column_paths)
            valid = curated_rows.valid_versions(curated_rows.validate(known, advance.schema))
            winners = merge_spark.settle_ties(winners, valid)
            counts = merge_spark.count(winners)
            updated = counts.updated
        changed = curated_rows.curated_rows(merge_spark.rows_to_write(winners, verdicts), advance.schema)
        written = counts.inserted + updated
        own = {
            "records_in": counts.versions + errors.rejected + errors.copies,
            "duplicates": counts.duplicates + errors.copies,
            "superseded": counts.superseded,
            "written": written,
            "rejected": errors.rejected,
            "nulled": errors.nulled,
            "noted": errors.noted,
        }
        properties = advance.properties(own, earlier)
        if batch is not None:
            properties = advance.backfill_properties(properties, batch)
        if written == 0:
            return advance.table.commit([], [], properties)
        if updated == 0:
            return advance.table.append_rows(changed, properties)
        return advance.table.upsert_rows(changed, names.KEY, properties)
