"""Entries of the ledger for cycles whose runs were killed before they could make them. An operation that
commits to a table enters them first: behind its own commit nobody finds theirs."""

from lean_ops.bookkeeping import ledger
from lean_ops.columns import names
from lean_ops.ports.interfaces import Checkpoints
from lean_ops.tables.spark_tables import Tables
from lean_ops.tables.topic_table import TopicTable


def enter_unrecorded(tables: Tables, checkpoints: Checkpoints, topic: str, layer: str) -> None:
    """Enters what the commits of a topic's table say that its mirror does not remember. It can be
    repeated."""
    own = names.table_name(topic)
    if own not in tables.listed(layer):
        return
    mirror = checkpoints.get(topic, layer) or {}
    commits = TopicTable(tables.spark, tables.name(layer, own)).commits_since(mirror.get("snapshot_id"))
    entries = [ledger.entry_of(topic, layer, commit) for commit in commits]
    ledger.write(tables, [entry for entry in entries if entry is not None])
