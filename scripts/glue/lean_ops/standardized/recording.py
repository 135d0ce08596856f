"""The records that a cycle of Standardized writes before its topics advance: unreadable messages and drift.

Both can be written again by a run that was killed: the ids of the rows are hashes, and rows that exist are
left out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pyspark.sql import functions as F

from lean_ops.bookkeeping import drift_log
from lean_ops.cycle_delta import parse_errors
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.ports.interfaces import Job
from lean_ops.standardized import schema_evolution
from lean_ops.standardized.advance import ParseErrors
from lean_ops.standardized.planning import TopicPlan
from lean_ops.tables.ops_rows import to_frame
from lean_ops.tables.spark_tables import Tables


def record_parse_errors(
    job: Job, tables: Tables, cycle_id: str, works: Sequence[TopicCycle], at: datetime
) -> dict[str, ParseErrors]:
    """Writes the cycle's unreadable messages to parse_errors. Returns topic to their numbers.

    Copies of a message are no errors of their own.
    """
    refused = {work.topic: work.refused for work in works if work.refused}
    if not refused:
        return {}
    table = tables.name("ops", parse_errors.TABLE)
    cycle = tables.read(tables.name("ops", cycle_delta.TABLE)).where(F.col("cycle_id") == cycle_id)
    tables.append_new(parse_errors.parse_error_rows(cycle, at), table, "error_id")
    recorded = parse_errors.recorded_in(tables.read(table), cycle_id)
    job.log("recorded parse errors", of_cycle_id=cycle_id, messages=sum(refused.values()))
    return {
        topic: ParseErrors(recorded.get(topic, 0), n - recorded.get(topic, 0)) for topic, n in refused.items()
    }


def record_drift(tables: Tables, cycle_id: str, plans: Iterable[TopicPlan], at: datetime) -> dict[str, int]:
    """Writes the plans' drift to drift_log. Must be called before any table is altered; see
    schema_evolution.drift_of.

    Returns topic to the number of columns that it gets in this cycle. That is read from drift_log, because a
    run that was killed after the ALTER has added some of them already.
    """
    log = tables.name("ops", drift_log.TABLE)
    found = {
        one.drift_id: one
        for plan in plans
        if plan.evolution is not None
        for one in schema_evolution.drift_of(
            plan.work.topic,
            plan.work.cycle_id,
            plan.evolution,
            plan.work.rescued_paths,
        )
    }
    if found:
        rows = to_frame(tables.spark, [drift_log.row_of(one, at) for one in found.values()], drift_log.SCHEMA)
        tables.append_new(rows.coalesce(1), log, "drift_id")
    this_cycle = (F.col("cycle_id") == cycle_id) & (F.col("change_type") == drift_log.COLUMN_ADDED)
    counts = tables.read(log).where(this_cycle).groupBy("topic_name").count().collect()
    return {row["topic_name"]: row["count"] for row in counts}
