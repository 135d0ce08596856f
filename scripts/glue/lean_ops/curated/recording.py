"""The records that Curated writes of messages which a schema rejects, of which it makes a value NULL, or of
which it only says that they are not as they should be: the table errors.

Errors are written before the commit that counts them. Their ids are hashes, so a run that was killed in
between leaves none twice.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.curated.advance import Advance
from lean_ops.curated.rows_spark import as_errors, error_rows
from lean_ops.spark.materialized import materialized
from lean_ops.tables.known_ids import listed_ids
from lean_ops.tables.spark_tables import Tables
from lean_ops.tasks.run_tasks import ERROR_COLUMNS, TaskResults
from lean_ops.validation.validator import NOTED, NULLED, REJECTED

_TABLE = "errors"


@dataclass(frozen=True)
class Errors:
    """The numbers of bad messages in a batch.

    rejected, nulled, noted: messages that were not on record before. copies: rejected messages that were.
    """

    rejected: int = 0
    nulled: int = 0
    copies: int = 0
    noted: int = 0


def record_task_errors(
    tables: Tables, advances: Mapping[str, Advance], results: TaskResults
) -> dict[str, Errors]:
    """Writes the errors of all tasks, in one commit. Returns topic to the numbers of those that are new.

    advances: by topic. The copies are left to the caller, who has the numbers of all messages.
    """
    dispositions = (REJECTED, NULLED, NOTED)
    if not any(result.counts[name] for result in results.done.values() for name in dispositions):
        return {}
    table = tables.name("ops", _TABLE)
    errors = results.rows.where(F.col("error_id").isNotNull()).select("topic_name", *ERROR_COLUMNS)
    before = tables.spark.createDataFrame(
        [(topic, advances[topic].known_through) for topic in results.done],
        "topic_name string, known_through string",
    )
    with materialized(
        tables.read_listed(table, listed_ids(errors, "error_id"))
        .select("error_id", F.col("cycle_id").alias("known_in"))
        .join(errors.select("error_id"), on="error_id", how="left_semi")
    ) as known:
        compared = errors.join(F.broadcast(before), on="topic_name").join(known, on="error_id", how="left")
        # Errors that a killed run of the same batch wrote count as new.
        is_new = F.coalesce(F.col("known_in") > F.col("known_through"), F.lit(True))
        counted = compared.where(is_new).groupBy("topic_name", "disposition").count().collect()
        rows = errors.join(known, on="error_id", how="left_anti").select(
            "error_id",
            "topic_name",
            *ERROR_COLUMNS[1:],
        )
        earliest = min(advance.started for advance in advances.values())
        tables.append(as_errors(rows, earliest).coalesce(1), table, {})
    by_topic: dict[str, dict[str, int]] = {}
    for row in counted:
        by_topic.setdefault(row["topic_name"], {})[row["disposition"]] = row["count"]
    return {
        topic: Errors(
            rejected=counts.get(REJECTED, 0), nulled=counts.get(NULLED, 0), noted=counts.get(NOTED, 0)
        )
        for topic, counts in by_topic.items()
    }


def record_batch_errors(
    tables: Tables, advance: Advance, validated: DataFrame, lock: threading.Lock
) -> Errors:
    """Writes the errors of one topic's batch. `lock` keeps topics from writing the table at the same time."""
    table = tables.name("ops", _TABLE)
    bad = validated.where(F.col("disposition").isNotNull())
    listed = listed_ids(bad, "error_id")
    if listed is not None and not listed.ids:
        return Errors()
    # Errors that a killed run of the same batch wrote count as new.
    known = tables.read_listed(table, listed).where(F.col("cycle_id") <= advance.known_through)
    known = known.select("error_id", F.lit(1).alias("known"))
    counted = (
        bad.groupBy("error_id", "disposition")
        .agg(F.count(F.lit(1)).alias("n"))
        .join(known, on="error_id", how="left")
        .groupBy("disposition")
        .agg(F.sum("n").alias("n"), F.sum(F.isnull("known").cast("int")).alias("new"))
        .collect()
    )
    messages = {row["disposition"]: row["n"] for row in counted}
    new = {row["disposition"]: row["new"] for row in counted}
    with lock:
        tables.append_new(error_rows(validated, advance.schema, advance.started), table, "error_id")
    rejected = new.get(REJECTED, 0)
    return Errors(
        rejected=rejected,
        nulled=new.get(NULLED, 0),
        copies=messages.get(REJECTED, 0) - rejected,
        noted=new.get(NOTED, 0),
    )
