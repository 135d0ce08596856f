"""Many topics' new versions into their Curated tables. A long backfill goes in batches.

tasks/advance_topics.py has the flow that Curated shares with Standardized.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lean_ops.columns.column_paths import new_column_paths
from lean_ops.curated.advance import Advance
from lean_ops.curated.advance_by_spark import advance_by_spark
from lean_ops.curated.in_task import curate
from lean_ops.curated.recording import Errors, record_task_errors
from lean_ops.errors import LeanOpsError
from lean_ops.tables.event_times import EventTimes
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import NotForOneTaskError, TopicTable
from lean_ops.tasks.advance_topics import TopicCommits, advance_topics, plan_task
from lean_ops.tasks.run_tasks import MAX_EVENTS
from lean_ops.tasks.topic_pool import TopicPool
from lean_ops.tasks.topic_task import BackfillSource, TaskResult, TopicTask
from lean_ops.validation import time_limit


class StandardizedBehindError(LeanOpsError):
    """The topic's Standardized table lacks a cycle, so which paths have its columns is not decided yet."""


def advance_all(
    tables: Tables, pool: TopicPool, advances: Sequence[Advance], log: Callable[..., None]
) -> TopicCommits:
    """Takes all topics up to the cycles that cycle_delta has. Topics without anything to do keep their last
    commit."""
    failed: TopicCommits = {}
    busy: list[Advance] = []
    for advance, ready in pool.each([one for one in advances if not one.is_idle], _with_column_paths):
        if isinstance(ready, Exception):
            failed[advance.topic] = ready
        else:
            busy.append(ready)
    by_topic = {advance.topic: advance for advance in busy}
    lock = threading.Lock()
    done = advance_topics(
        tables,
        pool,
        busy,
        log=log,
        event_times={one.topic: one.event_times for one in busy if _may_prune(one)},
        plan=_plan_task,
        work=curate,
        properties=lambda results: _properties(record_task_errors(tables, by_topic, results)),
        by_spark=lambda own, one, event_times: advance_by_spark(own, one, event_times, lock),
    )
    return {advance.topic: advance.last_commit for advance in advances if advance.is_idle} | failed | done


def _with_column_paths(tables: Tables, advance: Advance) -> Advance:
    """Finds out which paths have Standardized's columns, as Curated has to read the same ones.

    Raises StandardizedBehindError where Standardized has not taken the cycles yet and may still decide.
    """
    if not advance.cycles or advance.standardized is None:
        return advance
    table = TopicTable(tables.spark, advance.standardized)
    last = table.last_commit()
    # Where maintenance has expired the commits of a table with rows, it has taken those cycles long ago.
    behind = [cycle for cycle in sorted(advance.cycles) if last is not None and cycle > last.cycle_id]
    if behind or (last is None and table.is_empty):
        raise StandardizedBehindError(
            f"Standardized has not taken the cycle {min(behind, default=min(advance.cycles))} of this topic: "
            "see its own failure"
        )
    known = table.column_paths()
    for paths in advance.paths:
        known |= new_column_paths(known, paths)
    return replace(advance, column_paths=known)


def _may_prune(advance: Advance) -> bool:
    return advance.schema.event_time_stable and advance.backfill_from is None and advance.has_long_table


def _plan_task(advance: Advance, event_times: EventTimes | None) -> TopicTask:
    """Returns the topic's task. Raises as plan_task does."""
    backfill = _backfill_source(advance)
    return replace(
        plan_task(advance, event_times),
        column_paths=advance.column_paths,
        schema=advance.schema,
        backfill=backfill,
        replace_same=backfill is not None,
        max_seconds=time_limit.MAX_SECONDS,
    )


def _backfill_source(advance: Advance) -> BackfillSource | None:
    """Returns the rows to validate again, if any. Raises NotForOneTaskError when one task should not do
    that."""
    source = advance.backfill_from
    if source is None:
        return None
    if advance.checkpoint is not None and advance.checkpoint.backfill is not None:
        raise NotForOneTaskError("a backfill in batches is under way")
    files = source.files(None)
    if sum(file.rows for file in files) > MAX_EVENTS:
        raise NotForOneTaskError(f"more than {MAX_EVENTS} rows to validate again")
    return BackfillSource(source.columns, files)


def _properties(errors: Mapping[str, Errors]) -> Callable[[Advance, TaskResult], dict[str, str]]:
    """Returns what makes the properties of a topic's commit. `errors` are by topic, those that are new."""
    return lambda advance, result: advance.properties(
        _with_errors(result.counts, errors.get(result.topic, Errors()))
    )


def _with_errors(counts: Mapping[str, int], errors: Errors) -> dict[str, int]:
    """Returns a task's counts for the ledger, where rejected messages that were on record before are
    copies."""
    return {
        **counts,
        "duplicates": counts["duplicates"] + counts["rejected"] - errors.rejected,
        "rejected": errors.rejected,
        "nulled": errors.nulled,
        "noted": errors.noted,
    }
