"""Many topics' new versions into their Curated tables. Topics whose batch fits into one task share one Spark
job; the others go through Spark one by one, and a long back-fill in pieces.

Errors go before the commit that counts them, by ids that are hashes, so a killed run leaves nothing twice.
"""

import threading
from collections.abc import Mapping, Sequence

from pyspark.sql import functions as F

from lean_ops import curate, delta
from lean_ops.commits import Commit
from lean_ops.curated_advance import Advance, Errors
from lean_ops.curated_by_spark import ERRORS, advance_by_spark
from lean_ops.folding import to_fold
from lean_ops.frozen import frozen
from lean_ops.iceberg import NotPlainFiles
from lean_ops.judge import NULLED, REJECTED
from lean_ops.tables import Tables
from lean_ops.topic_pool import TopicPool
from lean_ops.topic_table import NotForOneTask
from lean_ops.topic_task import BackFill, Result, TopicTask
from lean_ops.topic_task import curate as curate_in_task
from lean_ops.topic_tasks import ERROR_COLUMNS, MAX_EVENTS, PRUNED_FROM_ROWS, Results, TaskFailed, results

Done = dict[str, Commit | Exception | None]
"""Topic to its commit, or to what went wrong."""


def advance_all(tables: Tables, pool: TopicPool, advances: Sequence[Advance]) -> Done:
    done: Done = {advance.topic: advance.commit for advance in advances if advance.is_idle}
    tasks: list[TopicTask] = []
    large: list[Advance] = []
    busy = [advance for advance in advances if not advance.is_idle]
    within = {one.topic: one.times for one in busy if _may_prune(one)}
    for advance, task in pool.each(busy, lambda _, one: _task(one, within.get(one.topic))):
        if isinstance(task, NotForOneTask):
            large.append(advance)
        elif isinstance(task, Exception):
            done[advance.topic] = task
        else:
            tasks.append(task)
    by_topic = {advance.topic: advance for advance in busy}
    large += [by_topic[topic] for topic in _in_tasks(tables, pool, by_topic, tasks, done)]
    lock = threading.Lock()
    for advance, commit in pool.each(
        large, lambda own, one: advance_by_spark(own, one, within.get(one.topic), lock)
    ):
        done[advance.topic] = commit
    return done


def _may_prune(advance: Advance) -> bool:
    is_long = advance.table.rows > PRUNED_FROM_ROWS
    return advance.schema.event_time_stable and advance.standardized is None and is_long


def _task(advance: Advance, within: delta.EventTimes | None) -> TopicTask:
    """Raises NotForOneTask."""
    back_fill = None
    if sum(advance.cycles.values()) > MAX_EVENTS:
        raise NotForOneTask(f"more than {MAX_EVENTS} versions")
    if advance.standardized is not None:
        if advance.at is not None and advance.at.back_filling is not None:
            raise NotForOneTask("a back-fill in pieces is under way")
        source = advance.standardized
        files = source.files(None)
        if sum(file.rows for file in files) > MAX_EVENTS:
            raise NotForOneTask(f"more than {MAX_EVENTS} rows to fill from")
        back_fill = BackFill(source.columns, files)
    table = advance.table
    held = table.files(within)
    return TopicTask(
        advance.topic,
        frozenset(advance.cycles),
        sum(advance.cycles.values()),
        table.columns,
        table.partitioning(),
        table.folder,
        held,
        to_fold(held),
        schema=advance.schema,
        back_fill=back_fill,
        judge_again=back_fill is not None,
    )


def _in_tasks(
    tables: Tables, pool: TopicPool, advances: Mapping[str, Advance], tasks: Sequence[TopicTask], done: Done
) -> list[str]:
    """Runs the tasks and commits what they wrote. Gives the topics that Spark has to do after all."""
    if not tasks:
        return []
    try:
        with results(tables.spark, tables.name("ops", delta.TABLE), tasks, curate_in_task) as found:
            errors = _record(tables, advances, found)
    except NotPlainFiles:
        return [task.topic for task in tasks]
    done |= {topic: TaskFailed(why) for topic, why in found.failed.items()}

    def commit(_: Tables, result: Result) -> Commit:
        advance = advances[result.topic]
        counts = _with_errors(result.counts, errors.get(result.topic, Errors()))
        return advance.table.commit(result.files, result.removed, advance.properties(counts, None))

    for result, committed in pool.each(found.done.values(), commit):
        done[result.topic] = committed
    return found.too_large


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
    with frozen(
        tables.read(table)
        .select("error_id", F.col("cycle_id").alias("known_in"))
        .join(errors.select("error_id"), on="error_id", how="left_semi")
    ) as known:
        judged = errors.join(F.broadcast(before), on="topic_name").join(known, on="error_id", how="left")
        is_new = F.coalesce(F.col("known_in") > F.col("known_through"), F.lit(True))
        counted = judged.where(is_new).groupBy("topic_name", "disposition").count().collect()
        rows = errors.join(known, on="error_id", how="left_anti").select(
            "error_id",
            "topic_name",
            *ERROR_COLUMNS[1:],
        )
        earliest = min(advance.started for advance in advances.values())
        new = curate.as_errors(rows, earliest)
        tables.append(new.coalesce(1), table, {})
    by_topic: dict[str, dict[str, int]] = {}
    for row in counted:
        by_topic.setdefault(row["topic_name"], {})[row["disposition"]] = row["count"]
    return {
        topic: Errors(counts.get(REJECTED, 0), counts.get(NULLED, 0)) for topic, counts in by_topic.items()
    }
