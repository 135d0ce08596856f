"""One topic into its Curated table in Spark jobs of its own: for batches that are too large for one task, and
for long back-fills, which go in pieces."""

import threading

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops import curate, delta, merge, names
from lean_ops.back_fill import MAX_ROWS, Piece, pieces_of
from lean_ops.commits import Commit
from lean_ops.curated_advance import LAYER, Advance, Errors
from lean_ops.frozen import frozen
from lean_ops.judge import NULLED, REJECTED
from lean_ops.tables import Tables

ERRORS = "errors"


def advance_by_spark(
    tables: Tables, advance: Advance, within: delta.EventTimes | None, lock: threading.Lock
) -> Commit | None:
    """One topic in Spark jobs of its own. A back-fill goes in pieces, each a commit, and resumes after the
    last one. lock: for the errors table."""
    commit = advance.commit
    if advance.standardized is not None:
        held = tables.read(tables.name("standardized", names.table_name(advance.topic)))
        cycle = F.coalesce("cycle_id", F.lit(""))
        for piece in _pieces(advance, held.groupBy(cycle.alias("cycle")).count()):
            rows = held.where(cycle.isin(*piece.cycles))
            versions = curate.versions_of_standardized(rows, advance.topic)
            commit = _take(tables, advance, versions, None, lock, commit, piece)
    if not advance.cycles:
        name = tables.name(LAYER, names.table_name(advance.topic))
        return tables.mark(name, advance.properties({}, commit))
    rows = delta.readable(tables.read(tables.name("ops", delta.TABLE)))
    fresh = delta.of_topic(rows, advance.topic, advance.cycles)
    return _take(tables, advance, curate.versions_of_delta(fresh), within, lock, commit, None)


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
    within: delta.EventTimes | None,
    lock: threading.Lock,
    so_far: Commit | None,
    piece: Piece | None,
) -> Commit | None:
    with frozen(curate.judge(versions, advance.schema)) as judged:
        errors = _record_by_spark(tables, advance, judged, lock)
        return _merge(tables, advance, judged, errors, within, so_far, piece)


def _record_by_spark(tables: Tables, advance: Advance, judged: DataFrame, lock: threading.Lock) -> Errors:
    table = tables.name("ops", ERRORS)
    # What a killed run of the same batch wrote counts as new.
    known = tables.read(table).where(F.col("cycle_id") <= advance.known_through)
    known = known.select("error_id", F.lit(1).alias("known"))
    bad = judged.where(F.col("disposition").isNotNull())
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
        tables.append_new(curate.error_rows(judged, advance.schema, advance.started), table, "error_id")
    rejected = new.get(REJECTED, 0)
    return Errors(rejected, new.get(NULLED, 0), messages.get(REJECTED, 0) - rejected)


def _merge(
    tables: Tables,
    advance: Advance,
    judged: DataFrame,
    errors: Errors,
    within: delta.EventTimes | None,
    so_far: Commit | None,
    piece: Piece | None,
) -> Commit | None:
    table = tables.name(LAYER, names.table_name(advance.topic))
    held = None
    if not tables.is_empty(table):
        rows = tables.read(table)
        known = rows if within is None else rows.where(delta.is_within(within))
        held = known.select(merge.KEY, "message_id", "produced_at", "ingested_at", "cycle_id")
    with frozen(merge.latest_versions(curate.valid_versions(judged), held)) as winners:
        counts = merge.count(winners)
        verdicts: tuple[str, ...] = (merge.NEW, merge.NEWER)
        updated = counts.updated
        if advance.standardized is not None:
            # The version that is there, judged by the new schema: it replaces itself.
            verdicts, updated = (merge.NEW, merge.NEWER, merge.SAME), counts.updated + counts.ties
        elif counts.ties:
            # Only a valid version can be the one that is there.
            rows = delta.readable(tables.read(tables.name("ops", delta.TABLE)))
            known = curate.versions_of_delta(rows.where(F.col("topic_name") == advance.topic))
            judged_again = curate.valid_versions(curate.judge(known, advance.schema))
            winners = merge.settle_ties(winners, judged_again)
            counts = merge.count(winners)
            updated = counts.updated
        changed = curate.curated_rows(merge.rows_to_write(winners, verdicts), advance.schema)
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
            return tables.mark(table, properties)
        if updated == 0:
            return tables.append(changed, table, properties)
        return tables.upsert(changed, table, [merge.KEY], properties)
