"""The tables errors and parse_errors after a rebuild: they have the errors that the rebuild found, and those
that it did not find again are closed."""

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lean_ops.bookkeeping.operation import Operation
from lean_ops.rebuild.begin import ERRORS, PARSE_ERRORS, Rebuild
from lean_ops.rebuild.position import LiveTable
from lean_ops.spark.materialized import materialized
from lean_ops.tables.ops_rows import timestamp
from lean_ops.tables.spark_tables import Tables

RESOLUTION = "REBUILT"
"""What the resolution of an error begins with that a rebuild has closed; the operation's id follows it."""


def replace_errors(rebuild: Rebuild, layer: str, one: LiveTable, at: datetime) -> None:
    """Puts the errors of a layer's rebuild on record, and closes those of the topic that it did not find
    again. A second time it changes nothing.

    one: the live table of the layer. Errors of later cycles than it has taken are not the rebuild's business.
    """
    table = ERRORS if layer == "curated" else PARSE_ERRORS
    name = rebuild.live.name(*table)
    checkpoint = one.checkpoint if layer == "curated" else None
    through = one.reached if checkpoint is None else checkpoint.through
    known = rebuild.live.read(name).where(F.col("topic_name") == rebuild.topic)
    found = rebuild.live.read(rebuild.shadow.name(*table))
    is_open = F.col("resolved_at").isNull()
    outdated = (
        known.where(is_open & (F.col("cycle_id") <= through))
        .join(found.select("error_id"), on="error_id", how="left_anti")
        .withColumn("resolved_at", timestamp(at))
    )
    if "resolution" in known.columns:
        outdated = outdated.withColumn("resolution", F.lit(resolution_of(rebuild.operation)))
    new = found.join(known.where(is_open).select("error_id"), on="error_id", how="left_anti")
    changed = _ordered(outdated, known).unionByName(_ordered(new, known))
    with materialized(changed.coalesce(1)) as rows:
        if not rows.isEmpty():
            rebuild.live.upsert(rows, name, ["error_id"], {})


def resolution_of(operation: Operation) -> str:
    """The resolution of the errors that an operation has closed."""
    return f"{RESOLUTION}:{operation.operation_id}"


def closed_errors(live: Tables, operation: Operation) -> int:
    """How many errors an operation has closed."""
    rows = live.read(live.name(*ERRORS)).where(F.col("topic_name") == operation.topic)
    return rows.where(F.col("resolution") == resolution_of(operation)).count()


def restore_errors(live: Tables, undo: Operation, undone: str, schema_version: int | None) -> None:
    """Opens the errors again that a rebuild has closed, as its swap was undone, and closes those of later
    versions of the schema than the table has now. A second time it changes nothing.

    undone: the operation that was undone. schema_version: that of Curated's checkpoint; None where it has
    none.
    """
    table = live.name(*ERRORS)
    known = live.read(table).where(F.col("topic_name") == undo.topic)
    open_again = {name: F.lit(None).alias(name) for name in ("resolved_at", "resolution")}
    again = known.where(F.col("resolution") == f"{RESOLUTION}:{undone}").select(
        *(open_again.get(name, F.col(name)) for name in known.columns)
    )
    later = known.where(F.col("resolved_at").isNull() & (F.col("schema_version") > F.lit(schema_version)))
    closed = later.withColumn("resolution", F.lit(f"UNDONE:{undone}")).withColumn(
        "resolved_at", timestamp(datetime.fromisoformat(undo.requested_at))
    )
    changed = again.unionByName(closed.select(*known.columns))
    with materialized(changed.coalesce(1)) as rows:
        if not rows.isEmpty():
            live.upsert(rows, table, ["error_id"], {})


def _ordered(rows: DataFrame, like: DataFrame) -> DataFrame:
    """The rows with the columns of another frame, in its order."""
    return rows.select(*like.columns)
