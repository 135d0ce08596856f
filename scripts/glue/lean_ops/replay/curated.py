"""Errors of a schema, replayed: the records of messages that it refused, made a value NULL of, or noted
are judged under the schema that is active now, and merged into Curated in the total order of versions.

There is one commit, which moves no checkpoint; then the errors are closed by what the table has by then. So a
run that was killed in between finds the commit, and closes the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.ledger_corrections import commits_of, correction_of, correction_properties
from lean_ops.bookkeeping.operation import Operation, OperationError
from lean_ops.columns.names import KEY
from lean_ops.curated.advance import LAYER
from lean_ops.curated.planning import table_for
from lean_ops.curated.rows_spark import curated_rows, error_rows, valid_versions, validate
from lean_ops.ports.interfaces import OperationJob
from lean_ops.rebuild.errors import REJUDGED, REPLAYED, REPLAYS, SUPERSEDED
from lean_ops.rebuild.position import LiveTable, live_table
from lean_ops.replay.records import OF_ERROR, WAS, versions_of_errors
from lean_ops.replay.selection import Wish, check_planned, closed_by, open_errors, rows_of_messages
from lean_ops.spark.materialized import materialized
from lean_ops.tables.commits import CYCLE_ID, Commit
from lean_ops.tables.ops_rows import timestamp
from lean_ops.tables.spark_tables import Tables
from lean_ops.validation.topic_schema import TopicSchema
from lean_ops.validation.validator import NOTED, NULLED, REJECTED
from lean_ops.versions import merge_spark, total_order

_ERRORS = "errors"
_BECAME, _NEW_ID = "became", "new_id"
_MERGED = "lean-ops.replayed-errors"
"""A property of the commit by which errors were merged: the operation may have made another one, with what
nobody could read before."""


@dataclass(frozen=True, kw_only=True)
class CuratedReplay:
    """The replay of a topic's errors in Curated. epoch: that under which the operation has the topic."""

    job: OperationJob
    tables: Tables
    operation: Operation
    epoch: int
    schema: TopicSchema
    wish: Wish

    @property
    def topic(self) -> str:
        return self.operation.topic

    def check(self) -> None:
        """Raises OperationError where the errors are others than the plan has, or no table is there yet to
        take them. Nothing may have been done before."""
        found = self._table()
        if found is not None and _merged_by(found, self.operation) is not None:
            return
        known = self.tables.read(self.tables.name("ops", _ERRORS))
        selected = open_errors(known, self.topic, self.wish).count()
        check_planned(_ERRORS, selected, self.wish.rows)
        if found is None and selected:
            raise OperationError(
                f"NOTHING_TO_REPLAY: no cycle has taken anything of {self.topic} into Curated yet: the next "
                "one judges all of it (lean-ops op cancel)"
            )

    def run(self) -> dict[str, int]:
        """Returns how many errors were chosen, and what became of them. It can be repeated.

        Raises what the table's commit raises.
        """
        found = self._table()
        if found is None:
            return dict.fromkeys(("selected", "failing", "gone", *(how.lower() for how in REPLAYS)), 0)
        name = self.tables.name("ops", _ERRORS)
        known = self.tables.read(name)
        commits = commits_of(found.table, self.operation.operation_id)
        done = _merged_by(found, self.operation)
        with (
            materialized(open_errors(known, self.topic, self.wish)) as chosen,
            materialized(rows_of_messages(known, self.topic, chosen)) as rows,
        ):
            counts = {"selected": chosen.count() if self.wish.rows is None else self.wish.rows}
            versions = versions_of_errors(rows, self.topic)
            with materialized(validate(versions, self.schema)) as validated:
                counts["gone"] = rows.count() - validated.count()
                if done is None:
                    done = self._merge(found, validated, commits)
                self._enter(done)
                counts["failing"] = self._close(name, known, rows, validated)
        closed = closed_by(self.tables.read(name), self.operation.operation_id)
        return counts | {how.lower(): closed.get(how, 0) for how in REPLAYS}

    def _table(self) -> LiveTable | None:
        """The table, with all columns of the schema; None where no cycle has taken anything into it yet."""
        table_for(self.tables, self.schema, self.tables.listed(LAYER), self.epoch)
        found = live_table(self.tables, self.job.checkpoints, LAYER, self.topic, self.epoch)
        return None if found is None or found.checkpoint is None else found

    # --- the table ---

    def _merge(self, found: LiveTable, validated: DataFrame, commits: Sequence[Commit]) -> Commit:
        """Merges the versions that are valid, of which the table has nothing newer.

        commits: those of the operation until now. The table's entry in the ledger is made from the newest
        one, which therefore has the counts of all.
        """
        heads = self._heads(found)
        # One that is as wrong as before has nothing to bring.
        is_better = F.col("disposition").isNull() | (F.col(WAS) == REJECTED)
        is_better |= F.col("error_id") != F.col(OF_ERROR)
        valid = valid_versions(validated.where(is_better))
        if heads is None:
            candidates = valid.where(F.col(WAS) == REJECTED)
        else:
            joined = valid.join(heads.select(KEY, F.col("head").alias("existing_head")), on=KEY, how="left")
            head, existing = total_order.head(), F.col("existing_head")
            # What was nulled or noted is a version that was in the table; where that has gone, another one
            # came.
            is_wanted = F.when(F.col(WAS) == REJECTED, existing.isNull() | (head > existing)).otherwise(
                head == existing
            )
            candidates = joined.where(is_wanted).select(*valid.columns)
        with materialized(merge_spark.latest_versions(candidates, self._existing(found))) as winners:
            counts = merge_spark.count(winners)
            verdicts = (merge_spark.NEW, merge_spark.NEWER, merge_spark.SAME)
            rows = curated_rows(merge_spark.rows_to_write(winners, verdicts), self.schema)
            own = {
                "replayed": counts.inserted + counts.superseded,
                "superseded": counts.superseded,
                "written": counts.inserted + counts.updated + counts.ties,
            }
            before = correction_of(self.topic, LAYER, commits[0]) if commits else None
            if before is not None:
                own = {name: own.get(name, 0) + before.counts.get(name, 0) for name in {*own, *before.counts}}
            checkpoint = found.checkpoint
            assert checkpoint is not None
            properties = {
                CYCLE_ID: found.reached,
                **checkpoint.properties(),
                **correction_properties(ledger.REPLAYED, self.operation.operation_id, own),
                _MERGED: "true",
            }
            if not counts.written + counts.ties:
                return found.table.commit([], [], properties)
            if not counts.updated + counts.ties:
                return found.table.append_rows(rows, properties)
            return found.table.upsert_rows(rows, KEY, properties)

    def _existing(self, found: LiveTable) -> DataFrame | None:
        if found.table.is_empty:
            return None
        self.tables.spark.catalog.refreshTable(found.name)
        rows = self.tables.read(found.name)
        return rows.select(KEY, "message_id", "produced_at", "ingested_at", "cycle_id")

    def _heads(self, found: LiveTable) -> DataFrame | None:
        """The key and the head of each row that the table has; None for an empty table."""
        existing = self._existing(found)
        return None if existing is None else existing.select(KEY, total_order.head().alias("head"))

    def _enter(self, commit: Commit) -> None:
        entry = correction_of(self.topic, LAYER, commit)
        ledger.write(self.tables, [] if entry is None else [entry])

    # --- the errors ---

    def _close(self, name: str, known: DataFrame, rows: DataFrame, validated: DataFrame) -> int:
        """Closes the errors of which the table has the version, or a newer one, and those in whose place
        others come, all in one commit. Returns how many stay as they are."""
        found, now = self._table(), self.job.clock()
        assert found is not None
        judged = validated.select(
            OF_ERROR,
            KEY,
            total_order.head().alias("head"),
            "disposition",
            F.col("error_id").alias(_NEW_ID),
            WAS,
        )
        heads = self._heads(found)
        if heads is None:
            compared = judged.withColumn("existing", F.lit(None).cast(judged.schema["head"].dataType))
        else:
            compared = judged.join(heads.select(KEY, F.col("head").alias("existing")), on=KEY, how="left")
        with materialized(compared.withColumn(_BECAME, _became())) as outcomes:
            failing = outcomes.where(F.col(_BECAME).isNull()).count()
            closed = rows.join(
                outcomes.where(F.col(_BECAME).isNotNull()).select(F.col(OF_ERROR).alias("error_id"), _BECAME),
                on="error_id",
            )
            closed = closed.withColumn("resolved_at", timestamp(now)).withColumn(
                "resolution", F.concat(F.col(_BECAME), F.lit(f":{self.operation.operation_id}"))
            )
            again = outcomes.where(F.coalesce(F.col(_BECAME) != SUPERSEDED, F.lit(True)))
            # One that somebody has closed is open again.
            is_open = (F.col("topic_name") == self.topic) & F.col("resolved_at").isNull()
            new = self._new_errors(validated, again, now).join(
                known.where(is_open).select("error_id"), on="error_id", how="left_anti"
            )
            changed = closed.select(*known.columns).unionByName(new.select(*known.columns))
            with materialized(changed.coalesce(1)) as written:
                if not written.isEmpty():
                    self.tables.upsert(written, name, ["error_id"], {})
            return failing

    def _new_errors(self, validated: DataFrame, again: DataFrame, now: datetime) -> DataFrame:
        wrong = validated.where(F.col("disposition").isNotNull())
        kept = again.select(F.col(OF_ERROR)).distinct()
        return error_rows(wrong.join(kept, on=OF_ERROR, how="left_semi"), self.schema, now)


def _became() -> Column:
    """What became of an error, by its verdict now and the head of the table's row; NULL where it stays as it
    is."""
    newer = F.coalesce(F.col("existing") > F.col("head"), F.lit(False))
    there = F.coalesce(F.col("existing") == F.col("head"), F.lit(False))
    is_other = ~F.col(_NEW_ID).eqNullSafe(F.col(OF_ERROR))
    is_valid = F.col("disposition").isNull()
    came_in = (F.col("disposition").isin(NULLED, NOTED)) & (F.col(WAS) == REJECTED)
    came_in |= (F.col("disposition") == NOTED) & (F.col(WAS) == NULLED)
    return (
        F.when(newer, SUPERSEDED)
        .when(there & (is_valid | F.coalesce(came_in, F.lit(False))), REPLAYED)
        .when(~is_valid & is_other, REJUDGED)
        .otherwise(F.lit(None).cast("string"))
    )


def _merged_by(found: LiveTable, operation: Operation) -> Commit | None:
    """The commit by which an earlier run of the operation has merged the errors."""
    return next(
        (one for one in commits_of(found.table, operation.operation_id) if _MERGED in one.properties), None
    )
