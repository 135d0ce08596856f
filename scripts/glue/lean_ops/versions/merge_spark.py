"""Merges the versions of one topic in DataFrames: the greatest version of each key with the existing row.

merge_python.py and merge_arrow.py do the same in a task; tests/glue/versions/test_versions.py holds them
equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.columns.names import KEY
from lean_ops.versions import total_order

NEW = "new"
"""The verdict on a winner whose key the table does not have."""
NEWER = "newer"
"""The verdict on a winner that is greater than the existing row."""
SAME = "same"
"""The verdict on a winner with the same head as the existing row."""
OLDER = "older"
"""The verdict on a winner that is smaller than the existing row."""


@dataclass(frozen=True, kw_only=True)
class MergeCounts:
    """The counts of a merge, by what became of the versions that came in: `versions = inserted + duplicates +
    superseded`.

    duplicates: copies of a message that was there already, in the table or in the batch. superseded: the
    other versions that lost, and existing rows that lost to a version. ties: winners with the same head as
    the existing row; see total_order.py.
    """

    versions: int
    keys: int
    inserted: int
    updated: int
    duplicates: int
    ties: int

    @property
    def superseded(self) -> int:
        return self.versions - self.inserted - self.duplicates

    @property
    def written(self) -> int:
        return self.inserted + self.updated


def latest_versions(versions: DataFrame, existing: DataFrame | None) -> DataFrame:
    """The winner among the versions of each key, and the verdict on it.

    Gives one row for each key: `row` (the winner as a struct), `rank` (see total_order.total), `n` (how many
    versions), `messages` (how many different messages), `seen` (whether that of the existing row is among
    them) and `verdict`.

    versions: KEY, the columns of total_order.total, and more. existing: the rows of the table, with unique
    KEY and with the same names and types; only KEY, cycle_id and the columns of total_order.head are read.
    None when the table is empty.
    """
    # Distribute the rows by key once. Grouping by key and message, the join and grouping by key all use that.
    rows = versions.select(
        KEY, "message_id", F.struct(*versions.columns).alias("row"), total_order.total().alias("rank")
    )
    rows = rows.repartition(KEY)
    messages = rows.groupBy(KEY, "message_id").agg(
        F.count(F.lit(1)).alias("n"), F.max_by("row", "rank").alias("row"), F.max("rank").alias("rank")
    )
    if existing is None:
        nothing = F.lit(None).cast("string")
        no_head = F.when(F.lit(False), F.col("rank.head"))
        compared = messages.select(
            "*",
            nothing.alias("existing_message"),
            no_head.alias("existing_head"),
            nothing.alias("existing_cycle"),
        )
    else:
        compared = messages.join(
            existing.select(
                KEY,
                F.col("message_id").alias("existing_message"),
                total_order.head().alias("existing_head"),
                F.col("cycle_id").alias("existing_cycle"),
            ),
            on=KEY,
            how="left",
        )
    winners = compared.groupBy(KEY).agg(
        F.sum("n").alias("n"),
        F.count(F.lit(1)).alias("messages"),
        F.coalesce(F.max(F.col("message_id") == F.col("existing_message")), F.lit(False)).alias("seen"),
        F.max_by("row", "rank").alias("row"),
        F.max("rank").alias("rank"),
        F.first("existing_head").alias("existing_head"),
        F.first("existing_cycle").alias("existing_cycle"),
    )
    head = F.col("rank.head")
    verdict = F.lit(NEW)
    if existing is not None:
        verdict = (
            F.when(F.col("existing_head").isNull(), NEW)
            .when(head > F.col("existing_head"), NEWER)
            .when(head == F.col("existing_head"), SAME)
            .otherwise(OLDER)
        )
    return winners.withColumn("verdict", verdict)


def settle_ties(winners: DataFrame, delta: DataFrame) -> DataFrame:
    """Turns the verdict SAME into NEWER or OLDER by the tails of the versions.

    delta: the topic's rows of cycle_delta, where the tail of an existing row is looked up. A row whose cycle
    is gone from there stays. It is needed only for batches with ties.
    """
    known = delta.groupBy(
        F.col(KEY).alias("tie_key"),
        F.col("cycle_id").alias("tie_cycle"),
        total_order.head().alias("tie_head"),
    ).agg(F.max(total_order.tail()).alias("existing_tail"))
    matched = winners.join(
        known,
        on=(F.col(KEY) == F.col("tie_key"))
        & (F.col("existing_cycle") == F.col("tie_cycle"))
        & (F.col("existing_head") == F.col("tie_head")),
        how="left",
    )
    wins = F.coalesce(F.col("rank.tail") > F.col("existing_tail"), F.lit(False))
    settled = F.when(F.col("verdict") == SAME, F.when(wins, NEWER).otherwise(OLDER)).otherwise(
        F.col("verdict")
    )
    return matched.withColumn("verdict", settled).drop("tie_key", "tie_cycle", "tie_head", "existing_tail")


def count(winners: DataFrame) -> MergeCounts:
    """Counts the result of latest_versions, in one Spark job."""

    def having(verdict: str) -> str:
        return f"coalesce(sum(int(verdict = '{verdict}')), 0)"

    found = winners.selectExpr(
        "coalesce(sum(n), 0) versions",
        "count(*) keys",
        f"{having(NEW)} inserted",
        f"{having(NEWER)} updated",
        "coalesce(sum(n - messages + int(seen)), 0) duplicates",
        f"{having(SAME)} ties",
    ).first()
    assert found is not None
    return MergeCounts(**found.asDict())


def rows_to_write(winners: DataFrame, verdicts: Sequence[str]) -> DataFrame:
    """The winners with one of these verdicts, with the columns that `versions` had."""
    return winners.where(F.col("verdict").isin(*verdicts)).select("row.*")
