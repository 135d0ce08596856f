"""The topics' Standardized tables: made where they are missing, and put on record in drift_log."""

from collections.abc import Collection, Iterable, Mapping

from lean_ops.bookkeeping import drift_log, table_ownership
from lean_ops.bookkeeping.drift_log import Drift
from lean_ops.bookkeeping.table_ownership import TableOwnership
from lean_ops.columns import names
from lean_ops.ports.interfaces import Job
from lean_ops.standardized.advance import LAYER
from lean_ops.tables.ops_rows import to_frame
from lean_ops.tables.spark_tables import Tables


def ensure_on_record(
    job: Job, tables: Tables, topics: Iterable[str], owners: Mapping[str, str], held: Collection[str]
) -> TableOwnership:
    """Makes the topics' tables, as table_ownership.ensure_tables does, and puts those that are new on record.

    Must be called before the run commits anything by which the next run would no longer meet these topics.
    """
    ownership = table_ownership.ensure_tables(topics, owners, tables.listed(LAYER), job.provisioner, held)
    _record_new(job, tables, ownership.ready)
    return ownership


def _record_new(job: Job, tables: Tables, topics: Iterable[str]) -> None:
    """Records TABLE_CREATED for the topics whose table has taken nothing yet.

    Whether this run made a table does not count: one that was killed right after has made it, and
    schema-validator makes tables too. What is on record already has the same id and is left out, and a topic
    with a checkpoint is not looked at.
    """
    ready = sorted(topics)
    known = job.checkpoints.of_topics(ready, LAYER)
    new = [topic for topic in ready if topic not in known and _has_taken_nothing(tables, topic)]
    if not new:
        return
    created = (
        Drift(
            topic=topic,
            change_type=drift_log.TABLE_CREATED,
            column_name=None,
            cycle_id=job.arguments.cycle_id,
        )
        for topic in new
    )
    rows = [drift_log.row_of(one, job.clock()) for one in created]
    frame = to_frame(tables.spark, rows, drift_log.SCHEMA).coalesce(1)
    tables.append_new(frame, tables.name("ops", drift_log.TABLE), "drift_id")


def _has_taken_nothing(tables: Tables, topic: str) -> bool:
    table = tables.name(LAYER, names.table_name(topic))
    try:
        return tables.has_taken_nothing(table)
    except Exception:
        # A table that cannot be loaded fails its own topic when that is planned, and must not stop the
        # others here.
        return False
