"""Building the shadows: the topic's chunks of RAW and its cycles are played again, by the very functions that
the layers' jobs have, on a cycle_delta, on tables and on errors that are shadows.

Each chunk and each cycle is one commit in each shadow. So a run that is killed goes on where the shadows are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.bookkeeping import drift_log
from lean_ops.bookkeeping.opaque_columns import opaque_columns
from lean_ops.bookkeeping.operation import OperationError
from lean_ops.bookkeeping.taken_cycles import taken_cycles
from lean_ops.curated import advance as curated
from lean_ops.curated.advance_topics import advance_all as advance_curated
from lean_ops.cycle_delta.parse_errors import parse_error_rows, recorded_in
from lean_ops.cycle_delta.summary import Limits, times_of, topic_cycles
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.rebuild.begin import DELTA, PARSE_ERRORS, Rebuild
from lean_ops.rebuild.plan import RAW, Chunk
from lean_ops.rebuild.position import live_table, standardized_of
from lean_ops.rebuild.source import (
    cycle_rows,
    flattened,
    flattened_anew,
    raw_rows,
    raw_snapshot_of,
)
from lean_ops.standardized import advance as standardized
from lean_ops.standardized import schema_evolution
from lean_ops.standardized.advance_topics import advance_all as advance_standardized
from lean_ops.standardized.schema_evolution import max_paths
from lean_ops.tables.commits import CYCLE_ID, Commit
from lean_ops.tables.topic_table import TopicTable
from lean_ops.tasks.advance_topics import TopicCommits
from lean_ops.tasks.topic_pool import TopicPool


@dataclass(frozen=True)
class Bounds:
    """Up to which cycle the shadows take cycles of cycle_delta: where the live tables are.

    curated: None where Curated is not rebuilt.
    """

    standardized: str
    curated: str | None


def live_bounds(rebuild: Rebuild) -> Bounds:
    """Where the live tables are now. Raises OperationError."""
    checkpoints = rebuild.job.checkpoints
    through = standardized_of(rebuild.live, checkpoints, rebuild.topic).reached
    if rebuild.schema is None:
        return Bounds(through, None)
    found = live_table(rebuild.live, checkpoints, "curated", rebuild.topic)
    if found is None or found.checkpoint is None:
        raise OperationError(f"NOTHING_TO_REBUILD: Curated has taken nothing of {rebuild.topic} yet")
    return Bounds(through, found.checkpoint.through)


def build(rebuild: Rebuild) -> dict[str, int]:
    """Takes the chunks and then the cycles that have come meanwhile, until none is left. Returns the counts
    of the progress."""
    with _pool(rebuild) as pool:
        player = _Player(rebuild, pool)
        player.take_chunks()
        # A cycle may end while others are taken. What ends after the last look, the swap takes.
        while player.take_cycles(live_bounds(rebuild)):
            pass
    return player.progress


def catch_up(rebuild: Rebuild) -> None:
    """Takes the cycles that are left, for a topic that is held."""
    with _pool(rebuild) as pool:
        player = _Player(rebuild, pool)
        player.take_chunks()
        player.take_cycles(live_bounds(rebuild))


def _pool(rebuild: Rebuild) -> TopicPool:
    arguments, shadow = rebuild.job.arguments, rebuild.shadow
    return TopicPool(rebuild.job.spark, arguments.database_prefix, 2, lambda: shadow.again())


class _Player:
    """Plays chunks and cycles."""

    def __init__(self, rebuild: Rebuild, pool: TopicPool) -> None:
        self._rebuild = rebuild
        self._pool = pool
        self._rows_done = self._chunks_done = self._cycles_done = 0
        self._rows_total = sum(chunk.rows for chunk in rebuild.plan.chunks)

    @property
    def progress(self) -> dict[str, int]:
        chunks = self._rebuild.plan.chunks
        return {
            "rows_done": self._rows_done,
            "rows_total": self._rows_total,
            "chunks_done": self._chunks_done,
            "chunks_total": len(chunks),
            "cycles_done": self._cycles_done,
        }

    def take_chunks(self) -> None:
        """Takes what there was when the rebuild began: the chunks of RAW, or the rows of Standardized."""
        rebuild = self._rebuild
        if rebuild.wish.source != RAW:
            self._validate_standardized()
            return
        for chunk in rebuild.plan.chunks:
            self._take_chunk(chunk)
            self._rows_done += chunk.rows
            self._chunks_done += 1
            self._note()

    def _take_chunk(self, chunk: Chunk) -> None:
        rebuild = self._rebuild
        if not self._has_taken(chunk.cycle_id):
            plan = rebuild.plan
            snapshot = raw_snapshot_of(rebuild.live, rebuild.job.checkpoints, plan.raw_snapshot)
            rows = raw_rows(rebuild.live, rebuild.topic, snapshot, plan.after, rebuild.wish.since)
            self._to_delta(chunk.cycle_id, flattened(rows, chunk, rebuild.opaque))
        self._play(chunk.cycle_id, Bounds(chunk.cycle_id, None if rebuild.schema is None else chunk.cycle_id))

    def take_cycles(self, bounds: Bounds) -> bool:
        """Takes the cycles of cycle_delta that the live tables have taken since. Returns whether there was
        any that the shadows lacked."""
        rebuild = self._rebuild
        rows = cycle_rows(rebuild.live, rebuild.topic, rebuild.plan.after)
        upto = max(bounds.standardized, bounds.curated or "")
        found = rows.where(F.col("cycle_id") <= upto).groupBy("cycle_id").count().collect()
        messages = {row["cycle_id"]: row["count"] for row in found}
        self._check_whole(messages, upto)
        cycles = sorted(messages)
        is_new = False
        self._cycles_done = 0
        for cycle in cycles:
            if not self._has_taken(cycle):
                is_new = True
                self._to_delta(cycle, self._cycle(rows, cycle))
            self._play(cycle, bounds)
            self._cycles_done += 1
        return is_new

    def _cycle(self, rows: DataFrame, cycle_id: str) -> DataFrame:
        """The rows of one cycle. It may have been taken when other columns were opaque than under the schema
        of the rebuild."""
        rebuild = self._rebuild
        if rebuild.wish.source != RAW or not (rebuild.opaque or self._live_opaque()):
            return rows.where(F.col("cycle_id") == cycle_id)
        return flattened_anew(rebuild.live, rows, rebuild.topic, cycle_id, rebuild.opaque)

    def _live_opaque(self) -> bool:
        """Whether cycles keep anything of the topic as sent."""
        job = self._rebuild.job
        own = [item for item in job.registry.items() if item["topic_name"] == self._rebuild.topic]
        return bool(opaque_columns(own, job.schemas))

    def _check_whole(self, messages: Mapping[str, int], upto: str) -> None:
        """Raises OperationError where cycle_delta has lost a cycle that the shadows have to take.

        messages: the cycles that it has, with their numbers of rows. The ledger knows what there was.
        """
        last = self._last_delta()
        after = max(self._rebuild.plan.after, "" if last is None else last.cycle_id)
        for _, cycle, needed in taken_cycles(self._rebuild.live, [self._rebuild.topic]):
            if after < cycle <= upto and messages.get(cycle, 0) < needed:
                raise OperationError(
                    f"DELTA_GONE: cycle_delta has lost the cycle {cycle}, which came while the rebuild was "
                    "under way: cancel the operation (lean-ops op cancel) and begin anew"
                )

    def _to_delta(self, cycle_id: str, rows: Any) -> None:
        """Writes rows of one cycle to the shadow of cycle_delta, in one commit."""
        last = self._last_delta()
        table = TopicTable(self._rebuild.job.spark, self._rebuild.shadow.name(*DELTA))
        after = None if last is None else last.snapshot_id
        table.replace_rows_where("cycle_id", cycle_id, rows, {CYCLE_ID: cycle_id}, after=after)

    def _last_delta(self) -> Commit | None:
        return self._rebuild.shadow.last_commit(self._rebuild.shadow.name(*DELTA))

    def _has_taken(self, cycle_id: str) -> bool:
        last = self._last_delta()
        return last is not None and last.cycle_id >= cycle_id

    def _play(self, cycle_id: str, bounds: Bounds) -> None:
        """Takes one cycle of the shadow of cycle_delta into the shadows of the tables."""
        rebuild, started = self._rebuild, self._rebuild.job.clock()
        lacking = {
            layer
            for layer, upto in (("standardized", bounds.standardized), ("curated", bounds.curated))
            if layer in rebuild.layers and cycle_id <= (upto or "") and self._reached(layer) < cycle_id
        }
        if not lacking:
            return
        columns = rebuild.job.arguments.max_columns
        limits = Limits(max_paths(columns), drift_log.MAX_RESCUED_LISTED, drift_log.MAX_PATH)
        for work in self._works(cycle_id, limits):
            recorded = self._record_parse_errors(work, started)
            if work.readable and "standardized" in lacking:
                self._standardize(work, recorded, started)
            if work.readable and "curated" in lacking:
                self._curate(work, started)

    def _works(self, cycle_id: str, limits: Limits) -> list[TopicCycle]:
        # A text that sorts right before the cycle, so that only this one and later ones are read.
        before = f"{cycle_id[:-1]}{chr(ord(cycle_id[-1]) - 1)}~"
        return [one for one in topic_cycles(self._rebuild.shadow, before, limits) if one.cycle_id == cycle_id]

    def _reached(self, layer: str) -> str:
        """The last cycle that the shadow of a layer has taken; "" before the first."""
        last = self._rebuild.shadow.last_commit(self._rebuild.shadow_name(layer))
        if last is None:
            return ""
        return last.cycle_id if layer == "standardized" else curated.Checkpoint.of(last).through

    def _record_parse_errors(self, work: TopicCycle, at: datetime) -> standardized.ParseErrors:
        if not work.refused:
            return standardized.ParseErrors()
        shadow = self._rebuild.shadow
        table = shadow.name(*PARSE_ERRORS)
        cycle = shadow.read(shadow.name(*DELTA)).where(F.col("cycle_id") == work.cycle_id)
        shadow.append_new(parse_error_rows(cycle, at), table, "error_id")
        messages = recorded_in(shadow.read(table), work.cycle_id).get(work.topic, 0)
        return standardized.ParseErrors(messages, work.refused - messages)

    def _standardize(self, work: TopicCycle, recorded: standardized.ParseErrors, started: datetime) -> None:
        rebuild = self._rebuild
        table = TopicTable(rebuild.job.spark, rebuild.shadow_name("standardized"))
        columns = {one.name: one.comment for one in table.columns}
        advance = standardized.Advance(
            topic=rebuild.topic,
            table=table,
            cycles={work.cycle_id: work.readable},
            started=started,
            work=work,
            evolution=schema_evolution.plan(columns, work.paths, rebuild.job.arguments.max_columns),
            parse_errors=recorded,
        )
        is_stable = rebuild.schema is not None and rebuild.schema.event_time_stable
        self._done(
            advance_standardized(rebuild.shadow, self._pool, [advance], lambda _: is_stable, self._log)
        )

    def _curate(self, work: TopicCycle, started: datetime) -> None:
        advance = self._advance(work, started)
        self._done(advance_curated(self._rebuild.shadow, self._pool, [advance], self._log))

    def _advance(self, work: TopicCycle | None, started: datetime) -> curated.Advance:
        """What Curated does of a cycle; without one, of the rows of Standardized."""
        rebuild = self._rebuild
        assert rebuild.schema is not None
        table = TopicTable(rebuild.job.spark, rebuild.shadow_name("curated"))
        last = table.last_commit()
        new = [] if work is None else [work]
        cycle = rebuild.plan.after if work is None else work.cycle_id
        # A shadow for Standardized, where there is one, and else the live table.
        source = rebuild.shadow_name("standardized")
        return curated.Advance(
            topic=rebuild.topic,
            table=table,
            cycles={one.cycle_id: one.readable for one in new},
            started=started,
            schema=rebuild.schema,
            checkpoint=None if last is None else curated.Checkpoint.of(last),
            last_commit=last,
            cycle_id=cycle,
            event_times=times_of(new),
            through=cycle,
            paths=[one.paths for one in new],
            standardized=source,
            backfill_from=TopicTable(rebuild.job.spark, source) if work is None else None,
        )

    def _validate_standardized(self) -> None:
        """Validates the rows that Standardized has, as for a topic's first schema."""
        advance = self._advance(None, self._rebuild.job.clock())
        self._rows_total = advance.backfill_from.rows if advance.backfill_from is not None else 0
        self._note()
        checkpoint = advance.checkpoint
        if checkpoint is None or checkpoint.schema_version == 0:
            self._done(advance_curated(self._rebuild.shadow, self._pool, [advance], self._log))
        self._rows_done = self._rows_total
        self._note()

    def _done(self, commits: TopicCommits) -> None:
        for commit in commits.values():
            if isinstance(commit, Exception):
                raise commit

    def _log(self, message: str, **fields: object) -> None:
        self._rebuild.job.log(message, **fields)

    def _note(self) -> None:
        """Puts on record how far the build is, for people who wait. Raises OperationError when the operation
        was cancelled meanwhile."""
        rebuild = self._rebuild
        if rebuild.operation.step != "BUILDING":
            return
        counts: Mapping[str, int] = self.progress
        rebuild.job.log("rebuild goes on", topic_name=rebuild.topic, **counts)
        if not rebuild.job.operations.progress(rebuild.operation.operation_id, counts, rebuild.job.clock()):
            raise OperationError(f"{rebuild.operation.operation_id} was cancelled or taken up by another run")
