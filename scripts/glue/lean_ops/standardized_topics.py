"""One cycle of many topics into their Standardized tables. Topics whose batch fits into one task share one
Spark job, which writes their files, and the driver only commits; the others go through Spark one by one.

Both ways look every key up in the table, so that what is written is exact, and end in one commit a topic that
carries the cycle and its counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from pyspark.sql import functions as F

from lean_ops import delta, ledger, merge, names, schema_evolution
from lean_ops.commits import CYCLE_ID, Commit
from lean_ops.delta import EventTimes, TopicCycle
from lean_ops.frozen import frozen
from lean_ops.schema_evolution import Evolution
from lean_ops.standardize import held_rows, in_text_times, standardized_rows
from lean_ops.table_files import Store
from lean_ops.tables import Tables
from lean_ops.topic_pool import TopicPool
from lean_ops.topic_table import NotForOneTask, TopicTable
from lean_ops.topic_task import Result, TopicTask, standardize
from lean_ops.topic_tasks import MAX_EVENTS, PRUNED_FROM_ROWS, TaskFailed, results

LAYER = "standardized"

Done = Mapping[str, Commit | Exception | None]
"""Topic to its commit, or to what went wrong."""


@dataclass(frozen=True)
class Advance:
    """A topic, the cycle it takes, and what is known of both. refused: (messages that could not be read,
    copies of such). new_columns: those on record for the cycle."""

    work: TopicCycle
    table: TopicTable
    evolution: Evolution
    started: datetime
    refused: tuple[int, int] = (0, 0)
    new_columns: int = 0

    def properties(self, counts: Mapping[str, int]) -> dict[str, str]:
        """counts: of the readable messages."""
        whole = {
            **counts,
            "records_in": self.work.readable + self.work.refused,
            "duplicates": counts["duplicates"] + self.refused[1],
            "parse_errors": self.refused[0],
            "new_columns": self.new_columns,
        }
        return {CYCLE_ID: self.work.cycle_id} | ledger.commit_properties(whole, self.started)


def advance_all(
    tables: Tables, pool: TopicPool, advances: Sequence[Advance], is_stable: Callable[[str], bool]
) -> Done:
    """All of one cycle. New columns are added first. is_stable: whether corrections of a topic keep their
    event_time; asked only where the table is so long that it matters."""
    done: dict[str, Commit | Exception | None] = {}
    ready: list[Advance] = []
    for advance, outcome in pool.each(advances, _with_columns):
        if isinstance(outcome, Exception):
            done[advance.work.topic] = outcome
        else:
            ready.append(outcome)
    by_topic = {advance.work.topic: advance for advance in ready}
    tasks: list[TopicTask] = []
    large: list[Advance] = []
    within = _event_times(tables, pool, ready, is_stable)
    for advance, task in pool.each(ready, lambda _, one: _task(one, within.get(one.work.topic))):
        if isinstance(task, NotForOneTask):
            large.append(advance)
        elif isinstance(task, Exception):
            done[advance.work.topic] = task
        else:
            tasks.append(task)
    large += [by_topic[topic] for topic in _small(tables, pool, by_topic, tasks, done)]
    for advance, commit in pool.each(
        large, lambda own, one: _advance_by_spark(own, one, within.get(one.work.topic))
    ):
        done[advance.work.topic] = commit
    return done


def _with_columns(tables: Tables, advance: Advance) -> Advance:
    if not advance.evolution.added:
        return advance
    name = tables.name(LAYER, names.table_name(advance.work.topic))
    tables.add_columns(name, advance.evolution.added)
    table = TopicTable(tables.spark, name)
    return Advance(
        advance.work, table, advance.evolution, advance.started, advance.refused, advance.new_columns
    )


def _event_times(
    tables: Tables, pool: TopicPool, advances: Sequence[Advance], is_stable: Callable[[str], bool]
) -> dict[str, EventTimes]:
    long = [one for one in advances if one.table.rows > PRUNED_FROM_ROWS]
    asked = pool.each(long, lambda _, one: is_stable(one.work.topic))
    # A schema that cannot be read promises nothing; Curated tells of it.
    cycles = {one.work.topic: [one.work.cycle_id] for one, stable in asked if stable is True}
    return delta.event_times(tables.read(tables.name("ops", delta.TABLE)), cycles)


def _task(advance: Advance, within: EventTimes | None) -> TopicTask:
    """Raises NotForOneTask."""
    work, table = advance.work, advance.table
    if work.readable > MAX_EVENTS:
        raise NotForOneTask(f"more than {MAX_EVENTS} messages")
    return TopicTask(
        work.topic,
        frozenset((work.cycle_id,)),
        table.columns,
        table.partitioning(),
        table.folder,
        table.files(within),
        overflow=bool(advance.evolution.overflow),
        one_day_a_file=within is not None,
    )


def _small(
    tables: Tables,
    pool: TopicPool,
    advances: Mapping[str, Advance],
    tasks: Sequence[TopicTask],
    done: dict[str, Commit | Exception | None],
) -> list[str]:
    """Runs the tasks and commits what they wrote. Gives the topics that Spark has to do after all."""
    if not tasks:
        return []
    cycles = tables.read(tables.name("ops", delta.TABLE))
    with results(cycles, tasks, _standardize) as found:
        pass
    done |= {topic: TaskFailed(why) for topic, why in found.failed.items()}

    def commit(_: Tables, result: Result) -> Commit:
        advance = advances[result.topic]
        return advance.table.commit(result.files, result.removed, advance.properties(result.counts))

    for result, committed in pool.each(found.done.values(), commit):
        done[result.topic] = committed
    return found.too_large


def _standardize(task: TopicTask, rows: pa.Table, store: Store) -> tuple[Result, None]:
    return standardize(task, rows, store), None


def _advance_by_spark(tables: Tables, advance: Advance, within: EventTimes | None) -> Commit | None:
    """One topic takes one cycle in Spark jobs of its own."""
    work, evolution = advance.work, advance.evolution
    table = tables.name(LAYER, names.table_name(work.topic))
    cycles = tables.read(tables.name("ops", delta.TABLE))
    versions = delta.of_topic(delta.readable(cycles), work.topic, [work.cycle_id])
    held = None
    if not tables.is_empty(table):
        known = tables.read(table)
        held = held_rows(known if within is None else known.where(in_text_times(within)))
    with frozen(merge.latest_versions(versions, held)) as winners:
        counts = merge.count(winners)
        if counts.ties:
            winners = merge.settle_ties(
                winners, delta.readable(cycles.where(F.col("topic_name") == work.topic))
            )
            counts = merge.count(winners)
        columns = schema_evolution.payload_columns(tables.columns(table))
        overflow = bool(evolution.overflow)
        changed = merge.rows_to_write(winners, (merge.NEW, merge.NEWER))
        rows = standardized_rows(changed, columns, overflow)
        may_be_rescued = overflow or work.rescued_paths
        properties = advance.properties(
            {
                "duplicates": counts.duplicates,
                "superseded": counts.superseded,
                "written": counts.written,
                "rescued": rows.where(F.col(names.RESCUED).isNotNull()).count() if may_be_rescued else 0,
            }
        )
        if counts.written == 0:
            return tables.mark(table, properties)
        # Exact: every key was looked up in the table, which nobody else writes. Nothing to replace, no MERGE
        # to pay for.
        if counts.updated == 0:
            return tables.append(rows, table, properties)
        return tables.upsert(rows, table, [merge.KEY], properties)
