"""One topic into its Curated table in Spark jobs of its own: for batches that are too large for one task, and
for long back-fills, which go in pieces."""

import threading

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.columns import names
from lean_ops.curated import rows_spark as curated_rows
from lean_ops.curated.advance import LAYER, Advance, Errors
from lean_ops.curated.backfill import MAX_ROWS, Piece, pieces_of
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.spark.materialized import materialized
from lean_ops.tables.commits import Commit
from lean_ops.tables.event_times import EventTimes, is_within
from lean_ops.tables.spark_tables import Tables
from lean_ops.validation.validator import NULLED, REJECTED
from lean_ops.versions import merge_spark

ERRORS = "errors"


def advance_by_spark(
    tables: Tables, advance: Advance, within: EventTimes | None, lock: threading.Lock
) -> Commit | None:
    """One topic in Spark jobs of its own. A back-fill goes in pieces, each a commit, and resumes after the
    last one. lock: for the errors table."""
    commit = advance.commit
    if advance.standardized is not None:
        held = tables.read(tables.name("standardized", names.table_name(advance.topic)))
        cycle = F.coalesce("cycle_id", F.lit(""))
        for piece in _pieces(advance, held.groupBy(cycle.alias("cycle")).count()):
            rows = held.where(cycle.isin(*piece.cycles))
            versions = curated_rows.versions_of_standardized(rows, advance.topic)
            commit = _take(tables, advance, versions, None, lock, commit, piece)
    if not advance.cycles:
        name = tables.name(LAYER, names.table_name(advance.topic))
        return tables.commit_checkpoint(name, advance.properties({}, commit))
    rows = cycle_delta.readable(tables.read(tables.name("ops", cycle_delta.TABLE)))
    fresh = cycle_delta.of_topic(rows, advance.topic, advance.cycles)
    return _take(tables, advance, curated_rows.versions_of_delta(fresh), within, lock, commit, None)


def _pieces(advance: Advance, counted: DataFrame) -> list[Piece]:
    """Those of the advance's cycles come from cycle_delta, which has every version."""
    under_way = None if advance.at is None else advance.at.back_filling
    after = under_way[1] if under_way is not None and under_way[0] == advance.schema.version else None
    rows = ((row["cycle"], row["count"]) for row in counted.collect())
    return pieces_of(((cycle, n) for cycle, n in rows if cycle not in advance.cycles), after, MAX_ROWS)


def _take(
    tables: Tables,
    advance: Advance,
    versions: DataFrame,
    within: EventTimes | None,
    lock: threading.Lock,
    so_far: Commit | None,
    piece: Piece | None,
) -> Commit | None:
    with materialized(curated_rows.validate(versions, advance.schema)) as validated:
        errors = _record_by_spark(tables, advance, validated, lock)
        return _merge(tables, advance, validated, errors, within, so_far, piece)


def _record_by_spark(tables: Tables, advance: Advance, validated: DataFrame, lock: threading.Lock) -> Errors:
    table = tables.name("ops", ERRORS)
    # What a killed run of the same batch wrote counts as new.
    known = tables.read(table).where(F.col("cycle_id") <= advance.known_through)
    known = known.select("error_id", F.lit(1).alias("known"))
    bad = validated.where(F.col("disposition").isNotNull())
    found = (
        bad.groupBy("error_id", "disposition")
        .agg(F.count(F.lit(1)).alias("n"))
        .join(known, on="error_id", how="left")
        .groupBy("disposition")
        .agg(F.sum("n").alias("n"), F.sum(F.isnull("known").cast("int")).alias("new"))
        .collect()
    )
    if not found:
        return Errors()
    messages = {row["disposition"]: row["n"] for row in found}
    new = {row["disposition"]: row["new"] for row in found}
    with lock:
        tables.append_new(
            curated_rows.error_rows(validated, advance.schema, advance.started), table, "error_id"
        )
    rejected = new.get(REJECTED, 0)
    return Errors(rejected, new.get(NULLED, 0), messages.get(REJECTED, 0) - rejected)


def _merge(
    tables: Tables,
    advance: Advance,
    validated: DataFrame,
    errors: Errors,
    within: EventTimes | None,
    so_far: Commit | None,
    piece: Piece | None,
) -> Commit | None:
    table = tables.name(LAYER, names.table_name(advance.topic))
    held = None
    if not tables.is_empty(table):
        rows = tables.read(table)
        known = rows if within is None else rows.where(is_within(within))
        held = known.select(names.KEY, "message_id", "produced_at", "ingested_at", "cycle_id")
    with materialized(merge_spark.latest_versions(curated_rows.valid_versions(validated), held)) as winners:
        counts = merge_spark.count(winners)
        verdicts: tuple[str, ...] = (merge_spark.NEW, merge_spark.NEWER)
        updated = counts.updated
        if advance.standardized is not None:
            # The version that is there, validated by the new schema: it replaces itself.
            verdicts, updated = (
                (merge_spark.NEW, merge_spark.NEWER, merge_spark.SAME),
                counts.updated + counts.ties,
            )
        elif counts.ties:
            # Only a valid version can be the one that is there.
            rows = cycle_delta.readable(tables.read(tables.name("ops", cycle_delta.TABLE)))
            known = curated_rows.versions_of_delta(rows.where(F.col("topic_name") == advance.topic))
            validated_again = curated_rows.valid_versions(curated_rows.validate(known, advance.schema))
            winners = merge_spark.settle_ties(winners, validated_again)
            counts = merge_spark.count(winners)
            updated = counts.updated
        changed = curated_rows.curated_rows(merge_spark.rows_to_write(winners, verdicts), advance.schema)
        written = counts.inserted + updated
        batch = {
            "records_in": counts.versions + errors.rejected + errors.copies,
            "duplicates": counts.duplicates + errors.copies,
            "superseded": counts.superseded,
            "written": written,
            "rejected": errors.rejected,
            "nulled": errors.nulled,
        }
        properties = advance.properties(batch, so_far)
        if piece is not None:
            properties = advance.underway(properties, piece)
        if written == 0:
            return tables.commit_checkpoint(table, properties)
        if updated == 0:
            return tables.append(changed, table, properties)
        return tables.upsert(changed, table, [names.KEY], properties)
