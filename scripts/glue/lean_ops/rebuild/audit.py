"""What a rebuild has come to: whether its counts add up, what the schema rejects, and which rows differ from
those that people read."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lean_ops.bookkeeping import ledger
from lean_ops.bookkeeping.operation import OperationError
from lean_ops.columns import names
from lean_ops.columns.names import KEY
from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.rebuild.begin import DELTA, PARSE_ERRORS, Rebuild
from lean_ops.tables.commits import Commit
from lean_ops.tables.topic_table import TopicTable

_NOT_COMPARED = ("cycle_id", names.SCHEMA_VERSION)
"""These say how a row came into its table, and not what it is."""
_LOST = ("duplicates", "superseded", "parse_errors", "rejected")


@dataclass(frozen=True)
class Difference:
    """How the keys of a shadow compare with those of the live table. changed: keys of both whose rows differ
    in any column that either has."""

    new: int
    gone: int
    changed: int

    def counts(self, layer: str) -> dict[str, int]:
        return {f"{layer}_keys_{name}": count for name, count in vars(self).items()}


def totals_of(rebuild: Rebuild, layer: str) -> dict[str, int]:
    """Where the messages went that the shadow of a layer has taken, by names of ledger.COUNTS.

    Raises OperationError where the counts do not add up to the rows that the shadow has.
    """
    table = TopicTable(rebuild.job.spark, rebuild.shadow_name(layer))
    total = dict.fromkeys(ledger.COUNTS, 0)
    for commit in table.commits_since(None):
        for name, count in _counts(rebuild.topic, layer, commit).items():
            total[name] += count
    if layer == "standardized":
        _add_unreadable(rebuild, total)
    wanted = total["records_in"] - sum(total[name] for name in _LOST)
    if table.rows != wanted:
        raise OperationError(
            f"UNBALANCED: the rebuilt {layer} table has {table.rows} rows and should have {wanted}: nothing "
            "that people read has changed. Cancel the operation (lean-ops op cancel), and report it"
        )
    return total


def _counts(topic: str, layer: str, commit: Commit) -> Mapping[str, int]:
    entry = ledger.entry_of(topic, layer, commit)
    return {} if entry is None else entry.counts


def _add_unreadable(rebuild: Rebuild, total: dict[str, int]) -> None:
    """Adds the messages of cycles in which none could be read: Standardized has no commit of those."""
    shadow = rebuild.shadow
    refused = cycle_delta.refused(shadow.read(shadow.name(*DELTA))).count()
    messages = shadow.read(shadow.name(*PARSE_ERRORS)).count()
    everything = shadow.read(shadow.name(*DELTA)).count()
    lacking = everything - total["records_in"]
    if lacking:
        total["records_in"] += lacking
        total["duplicates"] += lacking - (messages - total["parse_errors"])
        total["parse_errors"] = messages
    assert total["parse_errors"] <= refused


def check_rejected(rebuild: Rebuild, totals: Mapping[str, int]) -> None:
    """Raises OperationError where the schema rejects more than the plan allows. totals: those of Curated."""
    why = rebuild.wish.refuses(totals["rejected"], totals["records_in"])
    if why is not None:
        raise OperationError(why)


def difference_of(rebuild: Rebuild, layer: str) -> Difference:
    """Compares the rows of a shadow with those of the live table, by their keys."""
    live = rebuild.live.read(rebuild.live_name(layer))
    shadow = rebuild.live.read(rebuild.shadow_name(layer))
    columns = sorted({*live.columns, *shadow.columns} - {KEY, *_NOT_COMPARED})
    both = _hashed(live, columns, "live").join(_hashed(shadow, columns, "shadow"), on=KEY, how="full")
    row = both.agg(
        _count(F.col("live").isNull()).alias("new"),
        _count(F.col("shadow").isNull()).alias("gone"),
        _count(F.col("live") != F.col("shadow")).alias("changed"),
    ).collect()[0]
    return Difference(row["new"], row["gone"], row["changed"])


def _hashed(rows: DataFrame, columns: list[str], name: str) -> DataFrame:
    """The key and a hash of the columns, as texts. Those that the rows lack are null, as others may be."""
    texts = [F.col(f"`{one}`").cast("string") if one in rows.columns else F.lit(None) for one in columns]
    parts = [part for text in texts for part in (F.coalesce(text, F.lit("")), F.isnull(text).cast("string"))]
    return rows.select(KEY, F.sha2(F.concat_ws("\u0001", *parts), 256).alias(name))


def _count(condition: Column) -> Column:
    return F.coalesce(F.sum(condition.cast("long")), F.lit(0))
