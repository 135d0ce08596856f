"""The corrections of the ledger by which rebuilds and replays have changed a table, and what becomes of them
when the table is moved to another of its snapshots.

A rebuild's swap carries by how much its counts differ from all that the ledger had of the table, and the
commit of a replay what it has brought into the table. So the correction can be made from the commit at any
time, and it counts only while that commit is in force.
"""

import json
from collections.abc import Mapping

from pyspark.sql import functions as F

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.ledger import Entry
from lean_ops.tables.commits import Commit
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.swap import OPERATION
from lean_ops.tables.topic_table import TopicTable

_DIFFERENCES = {"lean-ops.rebuilt-counts": ledger.REBUILT, "lean-ops.replayed-counts": ledger.REPLAYED}
"""The properties of commits that have the counts of a correction, with its status."""
CORRECTION_PROPERTIES = (OPERATION, *_DIFFERENCES)
"""The properties of a commit that make it a correction."""


def differences(tables: Tables, topic: str, layer: str, totals: Mapping[str, int]) -> dict[str, int]:
    """By how much the counts of a rebuilt table differ from all that the ledger has of the table.

    totals: those of the rebuilt table, by names of ledger.COUNTS.
    """
    rows = tables.read(tables.name("ops", ledger.TABLE))
    own = rows.where((F.col("topic_name") == topic) & (F.col("layer") == layer))
    sums = own.agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ledger.COUNTS)).collect()[0]
    # Nobody has lost the columns that cycles have added.
    return {name: totals[name] - sums[name] for name in ledger.COUNTS if name != "new_columns"}


def correction_properties(status: str, operation_id: str, counts: Mapping[str, int]) -> dict[str, str]:
    """Returns what the commit of an operation carries, so that its correction can be made from it. status:
    one of ledger.CORRECTIONS."""
    name = next(name for name, one in _DIFFERENCES.items() if one == status)
    return {OPERATION: operation_id, name: json.dumps(dict(counts), sort_keys=True)}


def correction_of(topic: str, layer: str, commit: Commit) -> Entry | None:
    """The correction of the commit of a rebuild or a replay; None for any other commit."""
    name = next((one for one in _DIFFERENCES if one in commit.properties), None)
    if name is None:
        return None
    return Entry(
        topic=topic,
        layer=layer,
        cycle_id=commit.properties[OPERATION],
        started_at=commit.committed_at,
        finished_at=commit.committed_at,
        counts=json.loads(commit.properties[name]),
        correction=_DIFFERENCES[name],
    )


def commits_of(table: TopicTable, operation_id: str) -> list[Commit]:
    """The commits in force that a rebuild or a replay has made, newest first."""
    return [one for one in table.commits_in_force() if one.properties.get(OPERATION) == operation_id]


def corrections_in_force(tables: Tables, topic: str, layer: str, table: TopicTable) -> list[Entry]:
    """The entries of all corrections that the ledger has of a table which was moved: with their counts where
    the commit is in force, and without where it is not.

    table: as it is after it was moved. What is older than the snapshots that it keeps is left as it is.
    """
    # Two rebuilds in a row are of one cycle, and both count: the second knew of the first one's correction.
    # Of two commits of one operation the newer one has the counts of both.
    commits = table.commits_in_force()
    found: dict[str, Entry] = {}
    for one in commits:
        if (entry := correction_of(topic, layer, one)) is not None:
            found.setdefault(entry.cycle_id, entry)
    rows = tables.read(tables.name("ops", ledger.TABLE))
    own = rows.where((F.col("topic_name") == topic) & (F.col("layer") == layer))
    corrections = own.where(F.col("status").isin(*ledger.CORRECTIONS))
    known = corrections.select("cycle_id", "finished_at", "status").collect()
    oldest = min((one.committed_at for one in commits), default=None)
    entries = []
    for row in known:
        entry = found.get(row["cycle_id"])
        if entry is not None:
            entries.append(entry)
        elif oldest is not None and row["finished_at"].replace(tzinfo=oldest.tzinfo) >= oldest:
            at = row["finished_at"].replace(tzinfo=oldest.tzinfo)
            entries.append(
                Entry(
                    topic=topic,
                    layer=layer,
                    cycle_id=row["cycle_id"],
                    started_at=at,
                    finished_at=at,
                    correction=row["status"],
                )
            )
    return entries
