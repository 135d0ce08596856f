"""Parse errors, replayed: the messages' rows of RAW are flattened by the flattener as it is now, and taken
into both tables as a cycle would be, from a shadow of cycle_delta that has them alone.

Each table gets one commit, which moves no checkpoint. A run that was killed finds the shadow and the commits
that are there, and goes on behind them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lean_ops.bookkeeping import drift_log, ledger
from lean_ops.bookkeeping.ledger_corrections import commits_of, correction_of, correction_properties
from lean_ops.bookkeeping.operation import Operation, OperationError
from lean_ops.curated import advance as curated
from lean_ops.curated.advance_topics import advance_all as advance_curated
from lean_ops.curated.planning import table_for
from lean_ops.cycle_delta import parse_errors
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.cycle_delta.summary import Limits, times_of, topic_cycles
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.maintenance.shadows import OPERATION as OF_OPERATION
from lean_ops.maintenance.shadows import shadows_of
from lean_ops.payload.flatten_batches import flatten_events
from lean_ops.payload.opaque import NONE_OPAQUE
from lean_ops.ports.interfaces import OperationJob
from lean_ops.rebuild.begin import DELTA, remove_strangers, remove_topic_shadow
from lean_ops.rebuild.errors import REJUDGED, REPLAYED
from lean_ops.rebuild.position import LiveTable, live_table
from lean_ops.rebuild.shadow_catalog import ShadowTables, make_shadow, shadow_name
from lean_ops.replay.selection import Wish, check_planned, closed_by, open_parse_errors
from lean_ops.spark.materialized import materialized
from lean_ops.standardized import advance as standardized
from lean_ops.standardized import schema_evolution
from lean_ops.standardized.advance_topics import advance_all as advance_standardized
from lean_ops.standardized.planning import TopicPlan
from lean_ops.standardized.recording import record_drift
from lean_ops.standardized.schema_evolution import max_paths
from lean_ops.tables.commits import CYCLE_ID, Commit
from lean_ops.tables.ops_rows import timestamp
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable
from lean_ops.tasks.topic_pool import TopicPool
from lean_ops.validation.topic_schema import TopicSchema

_RAW_TABLE = "events"
_MESSAGE = ["of_message", "of_payload"]
_FAILING, _GONE = "FAILING", "GONE"


@dataclass(frozen=True, kw_only=True)
class _IntoStandardized(standardized.Advance):
    """Messages that come into Standardized by an operation. reached: the cycle of the table's last commit."""

    operation_id: str
    reached: str

    def properties(self, counts: Mapping[str, int]) -> dict[str, str]:
        own = {**counts, "records_in": 0, "replayed": self.work.readable, "new_columns": self.new_columns}
        return {CYCLE_ID: self.reached, **correction_properties(ledger.REPLAYED, self.operation_id, own)}


@dataclass(frozen=True, kw_only=True)
class _IntoCurated(curated.Advance):
    """Messages that come into Curated by an operation, which has not judged them before."""

    operation_id: str
    reached: str

    def properties(self, counts: Mapping[str, int], earlier: Commit | None = None) -> dict[str, str]:
        assert self.checkpoint is not None
        correction = correction_properties(ledger.REPLAYED, self.operation_id, counts)
        return {CYCLE_ID: self.reached, **self.checkpoint.properties(), **correction}


@dataclass(frozen=True, kw_only=True)
class UnreadReplay:
    """The replay of a topic's parse errors. epoch: that under which the operation has the topic. schema: None
    where the topic has none; then Curated takes nothing."""

    job: OperationJob
    tables: Tables
    operation: Operation
    epoch: int
    schema: TopicSchema | None
    wish: Wish

    @property
    def topic(self) -> str:
        return self.operation.topic

    @property
    def source(self) -> str:
        """The topic that the messages name."""
        return self.wish.from_topic or self.topic

    def check(self) -> None:
        """Raises OperationError where the errors are others than the plan has. Nothing may have been done
        before."""
        known = self.tables.read(self.tables.name("ops", parse_errors.TABLE))
        if not self._has_begun() and not closed_by(known, self.operation.operation_id):
            selected = open_parse_errors(known, self.source, self.wish).count()
            check_planned(parse_errors.TABLE, selected, self.wish.parse_rows)

    def run(self) -> dict[str, int]:
        """Returns how many parse errors were chosen, and what became of them. It can be repeated.

        Raises OperationError where there is no table to take them, and what the tables' commits raise.
        """
        name, own = self.tables.name("ops", parse_errors.TABLE), self.operation.operation_id
        known = self.tables.read(name)
        counts = {"parse_selected": 0, "parse_failing": 0, "parse_gone": 0}
        with materialized(open_parse_errors(known, self.source, self.wish)) as chosen:
            selected = chosen.count()
            counts["parse_selected"] = self.wish.parse_rows or selected
            begun = self._has_begun() or selected > 0
            if begun:
                shadow = self._begin(chosen)
                self._take(shadow)
                counts |= self._close(known, chosen, shadow)
        if begun:
            remove_topic_shadow(self.tables, self.topic, shadow_name(*DELTA, self.topic))
        closed = closed_by(self.tables.read(name), own)
        return counts | {f"parse_{how.lower()}": closed.get(how, 0) for how in (REPLAYED, REJUDGED)}

    # --- the rows of RAW ---

    def _has_begun(self) -> bool:
        """Whether an earlier run has put the rows beside the tables, after it had compared the plan."""
        remove_strangers(self.tables, self.operation)
        shadow = self._shadow()
        name = shadow_name(*DELTA, self.topic)
        return name in self.tables.listed("ops") and shadow.last_commit(shadow.name(*DELTA)) is not None

    def _shadow(self) -> ShadowTables:
        arguments = self.job.arguments
        return ShadowTables(self.job.spark, arguments.database_prefix, self.topic, frozenset({DELTA}))

    def _begin(self, chosen: DataFrame) -> ShadowTables:
        """Puts the messages beside the tables, flattened."""
        shadow, name = self._shadow(), shadow_name(*DELTA, self.topic)
        if name not in self.tables.listed("ops"):
            make_shadow(
                self.tables,
                self.tables.name(*DELTA),
                name,
                properties={OF_OPERATION: self.operation.operation_id},
                beside_live=False,
            )
        table = TopicTable(self.job.spark, shadow.name(*DELTA))
        if table.last_commit() is None:
            own = self.operation.operation_id
            schema = self.schema
            opaque = NONE_OPAQUE if schema is None else {self.topic: schema.opaque_columns}
            rows = flatten_events(self._raw(chosen), own, {}, opaque)
            table.replace_rows_where("cycle_id", own, rows, {CYCLE_ID: own}, after=None)
        return shadow

    def _raw(self, chosen: DataFrame) -> DataFrame:
        """RAW's row of each message, of copies the first. They get the operation's topic."""
        rows = self.tables.read(self.tables.name("raw", _RAW_TABLE))
        rows = rows.where(F.col("topic_name") == self.source)
        # No message comes in before it was received, and RAW is partitioned by the days of that.
        if chosen.where(F.col("received_at").isNull()).isEmpty():
            first = chosen.agg(F.min("received_at").cast("string")).collect()[0][0]
            rows = rows.where(F.col("ingested_at") >= F.lit(first).cast("timestamp_ntz"))
        wanted = _messages(chosen, _digest()).distinct()
        named = rows.withColumn("of_message", F.coalesce("message_id", F.lit("")))
        named = named.withColumn("of_payload", F.col("payload_sha256"))
        copies = Window.partitionBy(*_MESSAGE).orderBy("ingested_at", "received_at")
        found = named.join(wanted, on=_MESSAGE, how="left_semi")
        first_of = found.withColumn("copy", F.row_number().over(copies)).where(F.col("copy") == 1)
        return first_of.select(*rows.columns).withColumn("topic_name", F.lit(self.topic))

    # --- the tables ---

    def _take(self, shadow: ShadowTables) -> None:
        limits = Limits(
            max_paths(self.job.arguments.max_columns), drift_log.MAX_RESCUED_LISTED, drift_log.MAX_PATH
        )
        works = [one for one in topic_cycles(shadow, None, limits) if one.readable]
        if not works:
            return
        (work,) = works
        arguments = self.job.arguments
        pool = TopicPool(self.job.spark, arguments.database_prefix, 2, lambda: shadow.again())
        with pool:
            self._enter("standardized", self._standardize(shadow, pool, work))
            if self.schema is not None:
                self._enter("curated", self._curate(shadow, pool, work, self.schema))

    def _standardize(self, shadow: ShadowTables, pool: TopicPool, work: TopicCycle) -> Commit | None:
        found = self._live("standardized")
        if found is None:
            raise OperationError(
                f"NO_TABLES: {self.topic} has no Standardized table yet: it gets one with its next message. "
                "Resume the operation after that (lean-ops op resume), or cancel it (lean-ops op cancel)"
            )
        done = self._commit_of(found)
        if done is not None:
            return done
        table, at = found.table, self.job.clock()
        columns = {one.name: one.comment for one in table.columns}
        evolution = schema_evolution.plan(columns, work.paths, self.job.arguments.max_columns)
        drift = record_drift(self.tables, work.cycle_id, [TopicPlan(work, table, None, evolution)], at)
        schema = self.schema
        advance = _IntoStandardized(
            topic=self.topic,
            table=table,
            cycles={work.cycle_id: work.readable},
            started=at,
            work=work,
            evolution=evolution,
            parse_errors=standardized.ParseErrors(),
            new_columns=drift.get(self.topic, 0),
            operation_id=self.operation.operation_id,
            reached=found.reached or self._refused_in(),
        )
        is_stable = schema is not None and schema.event_time_stable
        return self._done(
            advance_standardized(shadow, pool, [advance], lambda _: is_stable, self.job.log).get(self.topic)
        )

    def _curate(
        self, shadow: ShadowTables, pool: TopicPool, work: TopicCycle, schema: TopicSchema
    ) -> Commit | None:
        """Where Curated has taken nothing yet, its first run validates all rows of Standardized."""
        if self._live("curated") is None:
            return None
        table_for(self.tables, schema, self.tables.listed("curated"), self.epoch)
        found, source = self._live("curated"), self._live("standardized")
        if found is None or found.checkpoint is None or source is None:
            return None
        done = self._commit_of(found)
        if done is not None:
            return done
        advance = _IntoCurated(
            topic=self.topic,
            table=found.table,
            cycles={work.cycle_id: work.readable},
            started=self.job.clock(),
            schema=schema,
            checkpoint=found.checkpoint,
            last_commit=found.position.last,
            cycle_id=work.cycle_id,
            event_times=times_of([work]),
            through=found.checkpoint.through,
            paths=[work.paths],
            # Which paths have its columns is decided: it has just taken the messages.
            standardized=None,
            column_paths=source.table.column_paths(),
            backfill_from=None,
            operation_id=self.operation.operation_id,
            reached=found.reached,
        )
        return self._done(advance_curated(shadow, pool, [advance], self.job.log).get(self.topic))

    def _live(self, layer: str) -> LiveTable | None:
        return live_table(self.tables, self.job.checkpoints, layer, self.topic, self.epoch)

    def _commit_of(self, found: LiveTable) -> Commit | None:
        return next(iter(commits_of(found.table, self.operation.operation_id)), None)

    def _refused_in(self) -> str:
        """The last cycle that had a message of the topic, for a table that no cycle has written to: all that
        they had was refused."""
        rows = self.tables.read(self.tables.name("ops", parse_errors.TABLE))
        own = rows.where(F.col("topic_name") == self.topic)
        return str(own.agg(F.max("cycle_id")).collect()[0][0] or curated.NONE_TAKEN)

    def _done(self, commit: Any) -> Commit | None:
        if isinstance(commit, Exception):
            raise commit
        assert commit is None or isinstance(commit, Commit)
        return commit

    def _enter(self, layer: str, commit: Commit | None) -> None:
        entry = None if commit is None else correction_of(self.topic, layer, commit)
        ledger.write(self.tables, [] if entry is None else [entry])

    # --- the errors ---

    def _close(self, known: DataFrame, chosen: DataFrame, shadow: ShadowTables) -> dict[str, int]:
        """Closes the errors of messages that were read, and puts on record why others were not, where that
        has changed."""
        rows, now = shadow.read(shadow.name(*DELTA)), self.job.clock()
        name = self.tables.name("ops", parse_errors.TABLE)
        read = _messages(cycle_delta.readable(rows), "payload_sha256").distinct()
        # The rows of RAW have the name of the topic from which the messages came.
        of_source = rows.withColumn("topic_name", F.lit(self.source))
        with materialized(parse_errors.parse_error_rows(of_source, now)) as refused:
            still = _messages(refused, _digest(), F.col("error_id").alias("is_now"))
            own = chosen.withColumn("of_message", F.coalesce("message_id", F.lit("")))
            own = own.withColumn("of_payload", _digest())
            judged = own.join(read.withColumn("is_read", F.lit(True)), on=_MESSAGE, how="left").join(
                still, on=_MESSAGE, how="left"
            )
            became = (
                F.when(F.col("is_read"), REPLAYED)
                .when(F.col("is_now").isNull(), _GONE)
                .when(F.col("is_now") != F.col("error_id"), REJUDGED)
                .otherwise(_FAILING)
            )
            with materialized(judged.withColumn("became", became)) as outcomes:
                groups = outcomes.groupBy("became").count().collect()
                counted = {row["became"]: row["count"] for row in groups}
                closed = (
                    outcomes.where(F.col("became").isin(REPLAYED, REJUDGED))
                    .withColumn("resolved_at", timestamp(now))
                    .withColumn(
                        "resolution",
                        F.concat(F.col("became"), F.lit(f":{self.operation.operation_id}")),
                    )
                )
                # One that somebody has closed is open again.
                is_open = (F.col("topic_name") == self.source) & F.col("resolved_at").isNull()
                new = refused.withColumn("resolution", F.lit(None).cast("string")).join(
                    known.where(is_open).select("error_id"), on="error_id", how="left_anti"
                )
                changed = closed.select(*known.columns).unionByName(new.select(*known.columns))
                with materialized(changed.coalesce(1)) as written:
                    if not written.isEmpty():
                        self.tables.upsert(written, name, ["error_id"], {})
        return {"parse_failing": counted.get(_FAILING, 0), "parse_gone": counted.get(_GONE, 0)}


def remove_beside(tables: Tables, operation: Operation) -> None:
    """Removes the messages that an operation has put beside the tables, where they are still there."""
    name = shadow_name(*DELTA, operation.topic)
    if shadows_of(tables, {name}).get(name) == operation.operation_id:
        remove_topic_shadow(tables, operation.topic, name)


def _messages(rows: DataFrame, payload: str | Column, *more: Column) -> DataFrame:
    digest = F.col(payload) if isinstance(payload, str) else payload
    return rows.select(
        F.coalesce("message_id", F.lit("")).alias("of_message"), digest.alias("of_payload"), *more
    )


def _digest() -> Column:
    """The hash of a parse error's payload: that which RAW has of it."""
    return F.sha2(F.coalesce(F.col("payload"), F.lit("")), 256)
