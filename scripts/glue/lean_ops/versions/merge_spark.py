"""FIFO and LIFO for one topic: the latest version of each key against what the table holds. DataFrames in and
out."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.columns.names import KEY
from lean_ops.versions import total_order

NEW = "new"
NEWER = "newer"
SAME = "same"
OLDER = "older"


@dataclass(frozen=True)
class MergeCounts:
    """Of the versions that came in: `versions = inserted + duplicates + superseded`.

    duplicates: copies of a message that was there already, in the table or in the batch. superseded: the
    others that lost, and rows of the table that lost to one of them. ties: of equal head with the table's row
    (see order).
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
    """One row a key: `row` (struct of the winner), n, messages, seen (the table's message is among them),
    verdict.

    versions: KEY, the columns of order.total, and more. existing: the table's rows in the same names and
    types (only the columns of order.head, KEY and cycle_id are read), KEY unique; None when the table is
    empty.
    """
    # Spread by key once: grouping by key and message, the join and grouping by key all keep to that.
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
        held = messages.select(
            "*", nothing.alias("held_message"), no_head.alias("held_head"), nothing.alias("held_cycle")
        )
    else:
        held = messages.join(
            existing.select(
                KEY,
                F.col("message_id").alias("held_message"),
                total_order.head().alias("held_head"),
                F.col("cycle_id").alias("held_cycle"),
            ),
            on=KEY,
            how="left",
        )
    winners = held.groupBy(KEY).agg(
        F.sum("n").alias("n"),
        F.count(F.lit(1)).alias("messages"),
        F.coalesce(F.max(F.col("message_id") == F.col("held_message")), F.lit(False)).alias("seen"),
        F.max_by("row", "rank").alias("row"),
        F.max("rank").alias("rank"),
        F.first("held_head").alias("held_head"),
        F.first("held_cycle").alias("held_cycle"),
    )
    head = F.col("rank.head")
    verdict = F.lit(NEW)
    if existing is not None:
        verdict = (
            F.when(F.col("held_head").isNull(), NEW)
            .when(head > F.col("held_head"), NEWER)
            .when(head == F.col("held_head"), SAME)
            .otherwise(OLDER)
        )
    return winners.withColumn("verdict", verdict)


def settle_ties(winners: DataFrame, delta: DataFrame) -> DataFrame:
    """Turns verdict SAME into NEWER or OLDER by order.tail, which the cycle that the table's row came in
    still knows.

    delta: the topic's rows of cycle_delta. A row whose cycle is gone from there stays. Only for batches with
    ties.
    """
    known = delta.groupBy(
        F.col(KEY).alias("tie_key"),
        F.col("cycle_id").alias("tie_cycle"),
        total_order.head().alias("tie_head"),
    ).agg(F.max(total_order.tail()).alias("held_tail"))
    matched = winners.join(
        known,
        on=(F.col(KEY) == F.col("tie_key"))
        & (F.col("held_cycle") == F.col("tie_cycle"))
        & (F.col("held_head") == F.col("tie_head")),
        how="left",
    )
    wins = F.coalesce(F.col("rank.tail") > F.col("held_tail"), F.lit(False))
    settled = F.when(F.col("verdict") == SAME, F.when(wins, NEWER).otherwise(OLDER)).otherwise(
        F.col("verdict")
    )
    return matched.withColumn("verdict", settled).drop("tie_key", "tie_cycle", "tie_head", "held_tail")


def count(winners: DataFrame) -> MergeCounts:
    """One Spark job over latest_versions' result."""

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
    """The winning rows themselves, in the columns that `versions` had."""
    return winners.where(F.col("verdict").isin(*verdicts)).select("row.*")
