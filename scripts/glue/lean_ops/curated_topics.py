"""Many topics' new versions into their Curated tables. Topics whose batch fits into one task share one Spark
job; the others go through Spark one by one, and a long back-fill in pieces.

Errors go before the commit that counts them, by ids that are hashes, so a killed run leaves nothing twice.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops import curate, delta, ledger, merge, names
from lean_ops.back_fill import MAX_ROWS, Piece, pieces_of
from lean_ops.commits import CYCLE_ID, Commit
from lean_ops.frozen import frozen
from lean_ops.judge import NULLED, REJECTED
from lean_ops.schemas import TopicSchema
from lean_ops.tables import Tables
from lean_ops.topic_pool import TopicPool
from lean_ops.topic_table import NotForOneTask, TopicTable
from lean_ops.topic_task import BackFill, Result, TopicTask
from lean_ops.topic_task import curate as curate_in_task
from lean_ops.topic_tasks import ERROR_COLUMNS, MAX_EVENTS, PRUNED_FROM_ROWS, Results, TaskFailed, results

LAYER = "curated"
_ERRORS = "errors"
_SCHEMA_VERSION = "lean-ops.schema-version"
_THROUGH = "lean-ops.delta-through"
"""The last cycle of cycle_delta that the table has taken. The commit's own cycle is the run's: a new schema
is judged in a run that may have no new rows."""
_BACK_FILLING = "lean-ops.back-filling-version"
_BACK_FILLED = "lean-ops.back-filled-through"
"""Up to which of Standardized's cycles the version named by _BACK_FILLING has judged the older rows."""
NONE_TAKEN = "0"

Done = dict[str, Commit | Exception | None]


@dataclass(frozen=True)
class Checkpoint:
    """schema_version: whose judgement the whole table is. back_filling: (version, last cycle done) of a
    back-fill that is not through."""

    through: str
    schema_version: int
    back_filling: tuple[int, str] | None = None

    @classmethod
    def of(cls, commit: Commit) -> "Checkpoint":
        properties = commit.properties
        version = properties.get(_BACK_FILLING)
        under_way = None if version is None else (int(version), properties[_BACK_FILLED])
        return cls(properties[_THROUGH], int(properties[_SCHEMA_VERSION]), under_way)


@dataclass(frozen=True)
class Advance:
    """A topic, its schema, its table as planned, and what there is to judge.

    at: None before the first time. commit: the table's last one. cycles: those of cycle_delta that are new,
    with their numbers of versions.
    through: the cycle up to which that is all. standardized: the table to back-fill from; None when nothing
    is to be filled. cycle_id: the run's.
    """

    topic: str
    schema: TopicSchema
    table: TopicTable
    at: Checkpoint | None
    commit: Commit | None
    cycle_id: str
    cycles: Mapping[str, int]
    through: str
    standardized: TopicTable | None
    started: datetime

    @property
    def new_schema(self) -> bool:
        return self.at is None or self.at.schema_version != self.schema.version

    @property
    def is_idle(self) -> bool:
        return not self.cycles and not self.new_schema

    @property
    def known_through(self) -> str:
        """Errors of cycles up to this were known before this batch."""
        return NONE_TAKEN if self.at is None or self.standardized is not None else self.at.through

    def properties(self, counts: Mapping[str, int], so_far: Commit | None) -> dict[str, str]:
        """counts: of this batch. so_far: a commit of this very run, whose counts are part of the cycle's."""
        earlier = self.commit if so_far is None else so_far
        entry = None
        if earlier is not None and earlier.cycle_id == self.cycle_id:
            entry = ledger.entry_of(self.topic, LAYER, earlier)
        known = entry.counts if entry else {}
        total = {name: known.get(name, 0) + n for name, n in counts.items()}
        return {
            CYCLE_ID: self.cycle_id,
            _THROUGH: self.through,
            _SCHEMA_VERSION: str(self.schema.version),
        } | ledger.commit_properties(total, self.started)

    def underway(self, properties: Mapping[str, str], piece: Piece) -> dict[str, str]:
        """The properties of a back-fill's piece that is not the last: what the table was judged by stays."""
        at = self.at or Checkpoint(NONE_TAKEN, 0)
        return {
            **properties,
            _THROUGH: at.through,
            _SCHEMA_VERSION: str(at.schema_version),
            _BACK_FILLING: str(self.schema.version),
            _BACK_FILLED: piece.through,
        }


@dataclass(frozen=True)
class Errors:
    """Of one batch. rejected, nulled: messages that were not on record. copies: rejected ones that were."""

    rejected: int = 0
    nulled: int = 0
    copies: int = 0


def advance_all(tables: Tables, pool: TopicPool, advances: Sequence[Advance]) -> Done:
    done: Done = {advance.topic: advance.commit for advance in advances if advance.is_idle}
    tasks: list[TopicTask] = []
    large: list[Advance] = []
    busy = [advance for advance in advances if not advance.is_idle]
    within = _event_times(tables, busy)
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
        large, lambda own, one: _advance_by_spark(own, one, within.get(one.topic), lock)
    ):
        done[advance.topic] = commit
    return done


def _event_times(tables: Tables, advances: Sequence[Advance]) -> dict[str, delta.EventTimes]:
    cycles = {
        one.topic: one.cycles
        for one in advances
        if one.schema.event_time_stable and one.standardized is None and one.table.rows > PRUNED_FROM_ROWS
    }
    return delta.event_times(tables.read(tables.name("ops", delta.TABLE)), cycles)


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
    return TopicTask(
        advance.topic,
        frozenset(advance.cycles),
        table.columns,
        table.partitioning(),
        table.folder,
        table.files(within),
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
    cycles = tables.read(tables.name("ops", delta.TABLE))
    with results(cycles, tasks, curate_in_task) as found:
        errors = _record(tables, advances, found)
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
    table = tables.name("ops", _ERRORS)
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


def _advance_by_spark(
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
    table = tables.name("ops", _ERRORS)
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
