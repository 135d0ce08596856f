"""One topic's cycle into its Standardized table in Spark jobs of its own: for batches that are too large for
one task."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import functions as F

from lean_ops import delta, ledger, merge, names, schema_evolution
from lean_ops.commits import CYCLE_ID, Commit
from lean_ops.delta import EventTimes, TopicCycle
from lean_ops.frozen import frozen
from lean_ops.schema_evolution import Evolution
from lean_ops.standardize import held_rows, in_text_times, standardized_rows
from lean_ops.tables import Tables
from lean_ops.topic_table import TopicTable

LAYER = "standardized"


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


def advance_by_spark(tables: Tables, advance: Advance, within: EventTimes | None) -> Commit | None:
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
