"""The tables errors and parse_errors after a rebuild: they have the errors that the rebuild found, and those
that it did not find again are closed."""

from collections.abc import Collection
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lean_ops.bookkeeping.operation import Operation
from lean_ops.rebuild.begin import ERRORS, PARSE_ERRORS, Rebuild
from lean_ops.rebuild.position import LiveTable
from lean_ops.spark.materialized import materialized
from lean_ops.tables.ops_rows import timestamp
from lean_ops.tables.spark_tables import Tables

RESOLUTION, _REOPENED, _UNDONE = "REBUILT", "REOPENED", "UNDONE"
"""What the resolution of an error begins with that a rebuild has closed, that is open again since the rebuild
was undone, and that only an undone rebuild had found. The id of the rebuild follows."""
REPLAYED, SUPERSEDED, REJUDGED = "REPLAYED", "SUPERSEDED", "REJUDGED"
"""What the resolution of an error begins with that a replay has closed: its version is in the table now, a
newer one of its key is, or it is wrong in another way, of which a new error tells. The id of the replay
follows."""
REPLAYS = (REPLAYED, SUPERSEDED, REJUDGED)
_REPLAY = "replay"


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
    # What a replay has put on record has the id of its operation in the place of a cycle's.
    is_taken = (F.col("cycle_id") <= through) | F.col("cycle_id").contains(f"-{_REPLAY}-")
    outdated = (
        known.where(is_open & is_taken)
        .join(found.select("error_id"), on="error_id", how="left_anti")
        .withColumn("resolved_at", timestamp(at))
    )
    if "resolution" in known.columns:
        outdated = outdated.withColumn("resolution", F.lit(resolution_of(rebuild.operation)))
    new = found.join(known.where(is_open).select("error_id"), on="error_id", how="left_anti")
    changed = _ordered(outdated, known).unionByName(_ordered(new, known))
    if layer == "standardized" and "resolution" in known.columns:
        changed = changed.unionByName(_foreign(rebuild, rebuild.live.read(name)))
    with materialized(changed.coalesce(1)) as rows:
        if not rows.isEmpty():
            rebuild.live.upsert(rows, name, ["error_id"], {})


def _foreign(rebuild: Rebuild, errors: DataFrame) -> DataFrame:
    """The parse errors of topics with another name whose messages a replay has brought into this one's
    tables, open again: RAW has them under that name, so the rebuilt tables lack them."""
    foreign = errors.where(
        (F.col("topic_name") != rebuild.topic) & F.col("resolution").startswith(f"{REPLAYED}:")
    )
    of_operation = F.substring_index("resolution", ":", -1)
    found = foreign.select(of_operation.alias("operation_id")).distinct().collect()
    items = {row["operation_id"]: rebuild.job.operations.get(row["operation_id"]) for row in found}
    own = [name for name, item in items.items() if item is not None and item.get("topic") == rebuild.topic]
    again = foreign.where(of_operation.isin(*own))
    marked = again.withColumn("resolution", F.concat(F.lit(f"{_REOPENED}:"), "resolution"))
    kept = errors.schema["resolved_at"].dataType
    return marked.withColumn("resolved_at", F.lit(None).cast(kept)).select(*errors.columns)


def resolution_of(operation: Operation) -> str:
    """The resolution of the errors that an operation has closed."""
    return f"{RESOLUTION}:{operation.operation_id}"


def closed_errors(live: Tables, operation: Operation) -> int:
    """How many errors an operation has closed."""
    rows = live.read(live.name(*ERRORS)).where(F.col("topic_name") == operation.topic)
    return rows.where(F.col("resolution") == resolution_of(operation)).count()


def settle_errors(
    live: Tables,
    layer: str,
    by: Operation,
    undone: Collection[str],
    redone: Collection[str],
    version: int | None = None,
) -> None:
    """Brings the errors of a layer in line with a table that an operation has moved behind the commits of
    rebuilds and replays, or upon them again. A second time it changes nothing.

    What an undone one has closed is open again, with a mark by which it is closed when the commit is in force
    again. What only an undone rebuild's schema has found is closed, until then.

    by: the operation. undone, redone: rebuilds and replays whose commits are not in force any more, and are
    again. version: that of the schema in the checkpoint of Curated; None where it has none.
    """
    if not undone and not redone:
        return
    rebuilds = [one for one in undone if not is_replay(one)]
    table = live.name(*(ERRORS if layer == "curated" else PARSE_ERRORS))
    known = live.read(table)
    if "resolution" not in known.columns:
        return
    if layer == "curated":
        # Parse errors may be those of a topic with another name, whose messages this one has taken.
        known = known.where(F.col("topic_name") == by.topic)
    at = timestamp(datetime.fromisoformat(by.requested_at))
    changed = [
        *(_resolved(known, f"{RESOLUTION}:{one}", f"{_REOPENED}:{one}", None) for one in undone),
        *(_resolved(known, f"{_REOPENED}:{one}", f"{RESOLUTION}:{one}", at) for one in redone),
        *(
            _resolved(known, f"{how}:{one}", f"{_REOPENED}:{how}:{one}", None)
            for one in undone
            for how in REPLAYS
        ),
        *(
            _resolved(known, f"{_REOPENED}:{how}:{one}", f"{how}:{one}", at)
            for one in redone
            for how in REPLAYS
        ),
        *(_resolved(known, f"{_UNDONE}:{one}", None, None) for one in redone),
    ]
    if rebuilds and version is not None:
        later = F.col("resolved_at").isNull() & (F.col("schema_version") > version)
        changed.append(_with(known.where(later), f"{_UNDONE}:{max(rebuilds)}", at))
    with materialized(reduce(DataFrame.unionByName, changed).coalesce(1)) as rows:
        if not rows.isEmpty():
            live.upsert(rows.dropDuplicates(["error_id"]), table, ["error_id"], {})


def is_replay(operation_id: str) -> bool:
    return f"-{_REPLAY}-" in operation_id


def _resolved(known: DataFrame, before: str, after: str | None, at: Column | None) -> DataFrame:
    """The errors with one resolution, with another one. at: when they were resolved; None for open ones."""
    return _with(known.where(F.col("resolution") == before), after, at)


def _with(rows: DataFrame, resolution: str | None, at: Column | None) -> DataFrame:
    kept = rows.schema["resolved_at"].dataType
    when = F.lit(None) if at is None else at
    found = rows.withColumn("resolution", F.lit(resolution).cast("string"))
    return found.withColumn("resolved_at", when.cast(kept)).select(*rows.columns)


def _ordered(rows: DataFrame, like: DataFrame) -> DataFrame:
    """The rows with the columns of another frame, in its order."""
    return rows.select(*like.columns)
