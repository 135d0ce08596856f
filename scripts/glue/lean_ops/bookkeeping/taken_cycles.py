"""Which cycles a topic's Standardized table has taken rows of, as the ledger has it, which keeps more cycles
than cycle_delta does.

With it one can say whether cycle_delta still has all that a table needs that was moved back.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pyspark.sql import functions as F

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.table_position import TABLE_ROLLED_BACK
from lean_ops.cycle_delta.table import TopicCycle
from lean_ops.tables.spark_tables import Tables


class TakenCycle(NamedTuple):
    """A cycle that changed a topic's table, and its number of messages."""

    topic: str
    cycle_id: str
    messages: int


def taken_cycles(tables: Tables, topics: Iterable[str]) -> list[TakenCycle]:
    """Returns the cycles of these topics without which their Standardized tables would lack rows.

    A cycle of which every message was a copy or unreadable changes no table. One that failed does when it is
    taken at last, so it counts with one message.
    """
    changed = F.col("written") + F.col("superseded") > 0
    failed = ~F.col("status").isin(ledger.DONE, ledger.UNBALANCED)
    # Where the failure is that the table was moved back, the entry is of the run, and not of rows.
    is_own = F.coalesce(F.col("error").startswith(f"{TABLE_ROLLED_BACK}:"), F.lit(False))
    rows = (
        tables.read(tables.name("ops", ledger.TABLE))
        .where((F.col("layer") == "standardized") & F.col("topic_name").isin(*topics))
        .where(~F.col("status").isin(*ledger.CORRECTIONS))
        .where(changed | (failed & ~is_own))
        .select("topic_name", "cycle_id", F.greatest("records_in", F.lit(1)).alias("messages"))
        .collect()
    )
    # cycle_delta has lost messages of these cycles to an erasure, and nobody knows how many of which: perhaps
    # all of one.
    erased = _last_erasures(tables, topics)
    return [
        TakenCycle(
            row["topic_name"],
            row["cycle_id"],
            0 if row["cycle_id"] < erased.get(row["topic_name"], "") else row["messages"],
        )
        for row in rows
    ]


def _last_erasures(tables: Tables, topics: Iterable[str]) -> dict[str, str]:
    """Topic to the last operation that has erased keys of it. Its id begins with its time, as a cycle's
    does."""
    rows = (
        tables.read(tables.name("ops", ledger.TABLE))
        .where((F.col("layer") == "standardized") & F.col("topic_name").isin(*topics))
        .where(F.col("cycle_id").contains("-forget-"))
        .groupBy("topic_name")
        .agg(F.max("cycle_id").alias("last"))
        .collect()
    )
    return {row["topic_name"]: row["last"] for row in rows}


def gone_cycles(
    taken: Iterable[TakenCycle],
    present: Iterable[TopicCycle],
    after: Mapping[str, str | None],
    through: Mapping[str, str],
) -> dict[str, str]:
    """Returns topic to the first cycle that its table lacks and cycle_delta does not have as a whole any
    more.

    present: what cycle_delta has of the topics. after, through: topic to the last cycle that its table has,
    None for none, and to the last one that it had.
    """
    messages = {(one.topic, one.cycle_id): one.readable + one.refused for one in present}
    gone: dict[str, str] = {}
    for topic, cycle_id, needed in taken:
        is_lacking = (after[topic] or "") < cycle_id <= through[topic]
        if is_lacking and messages.get((topic, cycle_id), 0) < needed:
            gone[topic] = min(cycle_id, gone.get(topic, cycle_id))
    return gone
