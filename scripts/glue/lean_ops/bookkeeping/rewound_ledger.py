"""Brings a topic's entries of Curated in the ledger in line with its table, which an operation has moved.

In Standardized a cycle keeps its name when it is taken again, so its entry is replaced. In Curated a later
cycle takes the messages of several undone ones, and they would count twice.
"""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from pyspark.sql import functions as F

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.ledger import Entry
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable

LAYER = "curated"


def rewound_entries(tables: Tables, topic: str, table: TopicTable, operation_id: str) -> list[Entry]:
    """The entries that are to be written: those of commits that are not in force any more, without counts,
    and those of commits that are in force again, as they were.

    table: the topic's Curated table, after it was moved. What is older than the snapshots that it keeps is
    left as it is.
    """
    in_force = _by_cycle(table)
    oldest = min(in_force, default="")
    rows = (
        tables.read(tables.name("ops", ledger.TABLE))
        .where((F.col("layer") == LAYER) & (F.col("topic_name") == topic) & (F.col("cycle_id") >= oldest))
        # The correction of a rebuild or a replay is no cycle's.
        .where(~F.col("status").isin(*ledger.CORRECTIONS))
        .where((F.col("records_in") > 0) | (F.col("status") == ledger.REWOUND))
        .select("cycle_id", "status", "started_at", "finished_at")
        .collect()
    )
    entries = []
    for row in rows:
        commit = in_force.get(row["cycle_id"])
        if commit is None and row["status"] != ledger.REWOUND:
            times = row["started_at"], row["finished_at"]
            entries.append(_undone(topic, row["cycle_id"], times, operation_id))
        elif commit is not None and row["status"] == ledger.REWOUND:
            entries += _again(topic, commit)
    return entries


def _by_cycle(table: TopicTable) -> dict[str, Commit]:
    """Cycle to its commit that is in force, with its rows_before. Of several commits of a cycle that is the
    newest one with counts: maintenance and rebuilds add some without, after which it counts all the same."""
    found: dict[str, Commit] = {}
    newest: list[Commit] = []
    for commit in table.commits_in_force():
        known = found.get(commit.cycle_id)
        if known is None:
            newest.append(commit)
        if known is None or (not ledger.has_entry(known) and ledger.has_entry(commit)):
            found[commit.cycle_id] = commit
    rows = {one.cycle_id: before.rows for one, before in pairwise(newest)}
    return {cycle: replace(one, rows_before=rows.get(cycle)) for cycle, one in found.items()}


def _undone(topic: str, cycle_id: str, times: tuple[datetime, datetime], operation_id: str) -> Entry:
    started, finished = (one.replace(tzinfo=UTC) for one in times)
    return Entry(
        topic=topic,
        layer=LAYER,
        cycle_id=cycle_id,
        started_at=started,
        finished_at=finished,
        error=f"REWOUND:{operation_id}: an operation has moved the table behind this cycle's commit. A later "
        "cycle has its messages",
        rewound=True,
    )


def _again(topic: str, commit: Commit) -> list[Entry]:
    entry = ledger.entry_of(topic, LAYER, commit)
    return [] if entry is None else [entry]
