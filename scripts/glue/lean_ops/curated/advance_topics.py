"""Many topics' new versions into their Curated tables (see `tasks.advance_topics`); a long back-fill goes in
pieces.

Errors go before the commit that counts them, by ids that are hashes, so a killed run leaves nothing twice.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import functions as F

from lean_ops.curated import rows_spark as curated_rows
from lean_ops.curated.advance import Advance, Errors
from lean_ops.curated.advance_by_spark import ERRORS, advance_by_spark
from lean_ops.curated.in_task import curate
from lean_ops.spark.materialized import materialized
from lean_ops.tables.compaction import files_to_compact
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import NotForOneTaskError
from lean_ops.tasks.advance_topics import Done, advance_topics
from lean_ops.tasks.run_tasks import ERROR_COLUMNS, MAX_EVENTS, PRUNED_FROM_ROWS, Results
from lean_ops.tasks.topic_pool import TopicPool
from lean_ops.tasks.topic_task import BackFill, Result, TopicTask
from lean_ops.validation.validator import NULLED, REJECTED


def advance_all(tables: Tables, pool: TopicPool, advances: Sequence[Advance]) -> Done:
    busy = [advance for advance in advances if not advance.is_idle]
    within = {one.topic: one.times for one in busy if _may_prune(one)}
    by_topic = {advance.topic: advance for advance in busy}
    lock = threading.Lock()
    done = advance_topics(
        tables,
        pool,
        busy,
        plan=lambda one: _task(one, within.get(one.topic)),
        work=curate,
        properties=lambda found: _properties(_record(tables, by_topic, found)),
        by_spark=lambda own, one: advance_by_spark(own, one, within.get(one.topic), lock),
    )
    return {advance.topic: advance.commit for advance in advances if advance.is_idle} | done


def _properties(errors: Mapping[str, Errors]) -> Callable[[Advance, Result], dict[str, str]]:
    """errors: by topic, those that were not on record before."""
    return lambda advance, result: advance.properties(
        _with_errors(result.counts, errors.get(result.topic, Errors())), None
    )


def _may_prune(advance: Advance) -> bool:
    is_long = advance.table.rows > PRUNED_FROM_ROWS
    return advance.schema.event_time_stable and advance.standardized is None and is_long


def _task(advance: Advance, within: EventTimes | None) -> TopicTask:
    """Raises NotForOneTaskError."""
    back_fill = None
    if sum(advance.cycles.values()) > MAX_EVENTS:
        raise NotForOneTaskError(f"more than {MAX_EVENTS} versions")
    if advance.standardized is not None:
        if advance.at is not None and advance.at.back_filling is not None:
            raise NotForOneTaskError("a back-fill in pieces is under way")
        source = advance.standardized
        files = source.files(None)
        if sum(file.rows for file in files) > MAX_EVENTS:
            raise NotForOneTaskError(f"more than {MAX_EVENTS} rows to fill from")
        back_fill = BackFill(source.columns, files)
    table = advance.table
    held = table.files(within)
    return TopicTask(
        topic=advance.topic,
        cycles=frozenset(advance.cycles),
        events=sum(advance.cycles.values()),
        columns=table.columns,
        partitioning=table.partitioning(),
        folder=table.folder,
        files=held,
        compacted=files_to_compact(held),
        schema=advance.schema,
        back_fill=back_fill,
        judge_again=back_fill is not None,
    )


def _with_errors(counts: Mapping[str, int], errors: Errors) -> dict[str, int]:
    """A task's counts, of which `rejected` is of all messages: those on record before are copies."""
    return {
        **counts,
        "duplicates": counts["duplicates"] + counts["rejected"] - errors.rejected,
        "rejected": errors.rejected,
        "nulled": errors.nulled,
    }


def _record(tables: Tables, advances: Mapping[str, Advance], found: Results) -> dict[str, Errors]:
    """Puts the tasks' errors on record, in one commit. Topic to what of them is new."""
    if not any(result.counts["rejected"] or result.counts["nulled"] for result in found.done.values()):
        return {}
    table = tables.name("ops", ERRORS)
    errors = found.rows.where(F.col("error_id").isNotNull()).select("topic_name", *ERROR_COLUMNS)
    before = tables.spark.createDataFrame(
        [(topic, advances[topic].known_through) for topic in found.done],
        "topic_name string, known_through string",
    )
    with materialized(
        tables.read(table)
        .select("error_id", F.col("cycle_id").alias("known_in"))
        .join(errors.select("error_id"), on="error_id", how="left_semi")
    ) as known:
        validated = errors.join(F.broadcast(before), on="topic_name").join(known, on="error_id", how="left")
        is_new = F.coalesce(F.col("known_in") > F.col("known_through"), F.lit(True))
        counted = validated.where(is_new).groupBy("topic_name", "disposition").count().collect()
        rows = errors.join(known, on="error_id", how="left_anti").select(
            "error_id",
            "topic_name",
            *ERROR_COLUMNS[1:],
        )
        earliest = min(advance.started for advance in advances.values())
        new = curated_rows.as_errors(rows, earliest)
        tables.append(new.coalesce(1), table, {})
    by_topic: dict[str, dict[str, int]] = {}
    for row in counted:
        by_topic.setdefault(row["topic_name"], {})[row["disposition"]] = row["count"]
    return {
        topic: Errors(counts.get(REJECTED, 0), counts.get(NULLED, 0)) for topic, counts in by_topic.items()
    }
