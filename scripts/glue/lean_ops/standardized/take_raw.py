"""RAW's new rows to cycle_delta, flattened once for all topics, in one commit that carries the range."""

from collections.abc import Collection, Mapping

from py4j.protocol import Py4JJavaError
from pyspark.sql import functions as F

from lean_ops.bookkeeping.table_ownership import TableOwnership
from lean_ops.columns import names
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.errors import reason
from lean_ops.payload.flatten_batches import flatten_events
from lean_ops.payload.opaque import OpaqueColumns
from lean_ops.ports.interfaces import ALL_TOPICS, Job
from lean_ops.raw import snapshot_range
from lean_ops.raw.flatten_files import flatten_files, raw_splits
from lean_ops.spark.iceberg_classes import NotPlainFilesError
from lean_ops.standardized.topic_tables import ensure_on_record
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

_RAW_TABLE = "events"


def take_raw(
    job: Job,
    tables: Tables,
    owners: Mapping[str, str],
    opaque: OpaqueColumns,
    held: Collection[str] = (),
) -> TableOwnership:
    """Takes RAW's new rows. Returns who of their topics owns a table.

    That is settled first, because the messages of a topic that is refused keep their payload in the same
    commit.
    owners: table name to topic. held: the topics whose tables are left alone. Their rows are taken as all
    others, so that cycle_delta has them when the topics are released. opaque: what is kept as sent. The rows
    show it from here on, so whoever reads the cycle later finds the same, whatever the schemas say then.
    Raises OvertakenError.
    """
    arguments = job.arguments
    source = tables.name("raw", _RAW_TABLE)
    target = tables.name("ops", cycle_delta.TABLE)
    last = snapshot_range.last_taken(tables, target, job.checkpoints)
    if last is not None and snapshot_range.is_moved_back(last, job.checkpoints.get(ALL_TOPICS, "raw")):
        why = (
            "somebody moved cycle_delta back: RAW's rows since then are taken again, and tables count copies"
        )
        job.log("cycle_delta moved", level="WARN", to_cycle_id=last.cycle_id, reason=why)
    taken = snapshot_range.range_to_take(tables, source, last, arguments.cycle_id, arguments.to_snapshot_id)
    if taken is None:
        return TableOwnership()
    events = tables.read_between(source, taken.after, taken.upto)
    if taken.compare:
        others = tables.read(target).where(F.col("cycle_id") != arguments.cycle_id)
        events = snapshot_range.not_taken(events, others)
        why = "no way leads from the last cycle's snapshot to this one's: RAW is compared with cycle_delta"
        job.log("RAW history gone", level="WARN", last_snapshot_id=last and last.snapshot_id, reason=why)
    topics = [row["topic_name"] for row in events.select("topic_name").distinct().collect()]
    valid = [topic for topic in topics if names.is_topic(topic)]
    ownership = ensure_on_record(job, tables, valid, owners, held)
    properties = snapshot_range.properties(arguments.cycle_id, taken)
    after = None if last is None else last.delta_snapshot_id
    if not _taken_by_tasks(job, source, target, taken, ownership, opaque, properties, after):
        flat = flatten_events(events, arguments.cycle_id, ownership.refused, opaque)
        # A topic's rows lie side by side, so that reading one topic back skips the others.
        flat = flat.sortWithinPartitions("topic_name")
        tables.keep_small_row_groups(target)
        table = TopicTable(job.spark, target)
        table.replace_rows_where("cycle_id", arguments.cycle_id, flat, properties, after=after)
    _keep_few_metadata_files(job, tables, source)
    job.log("took RAW", after_snapshot_id=taken.after, to_snapshot_id=taken.upto, topics=len(topics))
    return ownership


def _keep_few_metadata_files(job: Job, tables: Tables, source: str) -> None:
    """Has RAW delete old metadata files, which none of its other writers would ask for.

    Firehose commits meanwhile, and may win each of Iceberg's tries. No cycle fails for that: the next one
    tries again.
    """
    try:
        tables.keep_few_metadata_files(source)
    except Py4JJavaError as error:
        job.log("RAW keeps its old metadata files for now", level="WARN", reason=reason(error))


def _taken_by_tasks(
    job: Job,
    source: str,
    target: str,
    taken: snapshot_range.RawRange,
    ownership: TableOwnership,
    opaque: OpaqueColumns,
    properties: Mapping[str, str],
    after: str | None,
) -> bool:
    """Has tasks flatten RAW's new files and commits what they wrote. Returns False where only Spark can say
    which rows are new, or read them. after: cycle_delta's last commit, as in replace_where."""
    if taken.compare:
        return False
    cycle_id = job.arguments.cycle_id
    try:
        files = raw_splits(job.spark, source, taken.after, taken.upto)
        table = TopicTable(job.spark, target)
        written = flatten_files(job.spark, files, table, cycle_id, ownership.refused, opaque)
    except NotPlainFilesError as error:
        job.log("RAW goes by Spark", level="WARN", reason=str(error))
        return False
    table.replace_where("cycle_id", cycle_id, written, properties, after=after)
    return True
