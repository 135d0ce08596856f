"""Makes the rows of parse_errors, the table of every message that could not be flattened.

cycle_delta has these messages; see cycle_delta.table.refused.
"""

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.cycle_delta import table as cycle_delta
from lean_ops.tables.ops_rows import timestamp

TABLE = "parse_errors"
_REFUSAL = "error_code string, error_message string, payload string"
"""The members of the JSON that payload/flatten_batches.py writes into rescued_data of such a message."""


def parse_error_rows(cycle: DataFrame, detected_at: datetime) -> DataFrame:
    """The rows of parse_errors for the rows of one cycle in cycle_delta. Copies of a message make one row.

    error_id is the hash of topic, message, code and payload. The cycle in which the message came is not part
    of it.
    """
    refusal = F.from_json("rescued_data", _REFUSAL).alias("refusal")
    rows = cycle_delta.refused(cycle).select(
        "topic_name", "message_id", "received_at", "cycle_id", "payload_sha256", refusal
    )
    described = F.to_json(
        F.array(
            *(F.coalesce(F.col(name), F.lit("")) for name in ("topic_name", "message_id")),
            F.col("refusal.error_code"),
            F.sha2(F.coalesce(F.col("refusal.payload"), F.lit("")), 256),
        )
    )
    first = (
        rows.withColumn("error_id", F.sha2(described, 256))
        .groupBy("error_id")
        .agg(
            *(F.first(name).alias(name) for name in ("topic_name", "message_id", "cycle_id", "refusal")),
            F.min("received_at").alias("received_at"),
        )
    )
    return first.select(
        "error_id",
        "topic_name",
        "message_id",
        "refusal.error_code",
        "refusal.error_message",
        "refusal.payload",
        "received_at",
        "cycle_id",
        timestamp(detected_at).alias("detected_at"),
        F.lit(None).cast("timestamp_ntz").alias("resolved_at"),
    )


def recorded_in(parse_errors: DataFrame, cycle_id: str) -> dict[str, int]:
    """How many messages of each topic first came in this cycle. A run that is repeated finds the same."""
    rows = parse_errors.where(F.col("cycle_id") == F.lit(cycle_id)).groupBy("topic_name").count().collect()
    return {row["topic_name"]: row["count"] for row in rows}
