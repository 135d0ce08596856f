"""Which errors a replay takes: the open rows that its plan has counted, and with them all rows of the same
messages that nobody has closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lean_ops.bookkeeping.operation import Operation, OperationError
from lean_ops.columns.names import KEY
from lean_ops.tables.ops_rows import timestamp

CURATED, STANDARDIZED = "curated", "standardized"
IS_CHOSEN = "is_chosen"
"""A column beside those of `errors`."""
_VIOLATIONS = "array<struct<column: string, rule: string>>"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the plan of a replay says.

    causes: layer to signatures, as fingerprint.ts writes them; None for all. error_ids: None for all.
    since, until: aware times of when errors were found. rows, parse_rows: how many open rows the plan has
    counted in errors and in parse_errors; None where it has not. schema_version: None for a topic without a
    schema. from_topic: the topic of the parse errors, where the operation's topic takes the messages of
    another name; None for its own.
    """

    operation_id: str
    causes: Mapping[str, Sequence[str]] | None
    error_ids: Sequence[str] | None
    since: datetime | None
    until: datetime
    rows: int | None
    parse_rows: int | None
    schema_version: int | None
    from_topic: str | None = None

    @classmethod
    def of(cls, operation: Operation) -> "Wish":
        """Raises OperationError where the plan cannot be read."""
        plan = operation.plan
        try:
            until = _time(plan.get("until") or operation.requested_at)
            assert until is not None
            causes = plan.get("causes")
            by_layer: dict[str, list[str]] | None = None if causes is None else {}
            for one in causes or ():
                assert by_layer is not None
                by_layer.setdefault(str(one["layer"]), []).append(str(one["signature"]))
            ids = plan.get("error_ids")
            return cls(
                operation_id=operation.operation_id,
                causes=by_layer,
                error_ids=None if ids is None else [str(one) for one in ids],
                since=_time(plan.get("since")),
                until=until,
                rows=_whole(plan.get("rows")),
                parse_rows=_whole(plan.get("parse_rows")),
                schema_version=_whole(plan.get("schema_version")),
                from_topic=plan.get("from_topic"),
            )
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise OperationError(
                f"the plan of {operation.operation_id} does not say which errors it replays"
            ) from error


def open_errors(errors: DataFrame, topic: str, wish: Wish) -> DataFrame:
    """The open rows of `errors` that a wish names, in the table's columns.

    A row is open while nobody has closed it, and no unresolved row of the same message has a later version of
    the schema. packages/common/src/core/recorded-errors/fingerprint-sql.ts says the same for Athena.
    """
    return _marked(errors, topic, wish).where(IS_CHOSEN).drop(IS_CHOSEN)


def rows_of_messages(errors: DataFrame, topic: str, wish: Wish) -> DataFrame:
    """All rows of `errors` that nobody has closed, of the messages of the open rows that a wish names. Those
    rows themselves have IS_CHOSEN."""
    marked = _marked(errors, topic, wish).withColumn("of_chosen", F.max(IS_CHOSEN).over(_message()))
    return marked.where("of_chosen").drop("of_chosen")


def _marked(errors: DataFrame, topic: str, wish: Wish) -> DataFrame:
    """The rows of a topic that nobody has closed, with IS_CHOSEN on the open ones that a wish names."""
    unresolved = errors.where((F.col("topic_name") == topic) & F.col("resolved_at").isNull())
    version, before = F.col("schema_version"), _is_before(wish)
    newest = F.max(F.when(before, version)).over(_message())
    is_open = before & version.eqNullSafe(F.col("newest_version"))
    is_chosen = is_open & _is_wished(wish, CURATED, signature("violations"))
    marked = unresolved.withColumn("newest_version", newest)
    return marked.withColumn(IS_CHOSEN, F.coalesce(is_chosen, F.lit(False))).drop("newest_version")


def _message() -> WindowSpec:
    return Window.partitionBy("message_id", KEY)


def open_parse_errors(errors: DataFrame, topic: str, wish: Wish) -> DataFrame:
    """The open rows of `parse_errors` that a wish names, in the table's columns."""
    unresolved = errors.where((F.col("topic_name") == topic) & F.col("resolved_at").isNull())
    return unresolved.where(_is_before(wish)).where(
        _is_wished(wish, STANDARDIZED, F.coalesce("error_code", F.lit("")))
    )


def _is_before(wish: Wish) -> Column:
    """Whether a row was there before the operation put others on record. Clocks do not tell that."""
    return ~F.col("cycle_id").eqNullSafe(F.lit(wish.operation_id))


def signature(violations: str) -> Column:
    """The broken rules of a row of `errors` as a sorted set: `humidity type,temperature maximum`."""
    rules = F.transform(
        F.from_json(violations, _VIOLATIONS), lambda one: F.concat(one.column, F.lit(" "), one.rule)
    )
    return F.coalesce(F.array_join(F.array_sort(F.array_distinct(rules)), ","), F.lit(""))


def _is_wished(wish: Wish, layer: str, signed: Column) -> Column:
    found = F.col("detected_at") <= timestamp(wish.until)
    if wish.since is not None:
        found &= F.col("detected_at") >= timestamp(wish.since)
    if wish.error_ids is not None:
        found &= F.col("error_id").isin(*wish.error_ids)
    if wish.causes is not None:
        found &= signed.isin(*wish.causes.get(layer, ()))
    return found


def _time(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def closed_by(errors: DataFrame, operation_id: str) -> dict[str, int]:
    """How many rows of a table of errors an operation has closed, by what their resolution begins with."""
    if "resolution" not in errors.columns:
        return {}
    rows = errors.where(F.col("resolution").endswith(f":{operation_id}") & F.col("resolved_at").isNotNull())
    how = F.substring_index("resolution", ":", 1).alias("how")
    return {row["how"]: row["count"] for row in rows.groupBy(how).count().collect()}


def check_planned(table: str, found: int, planned: int | None) -> None:
    """Raises OperationError when the open rows of a table are not as many as the plan has counted."""
    if planned is not None and found != planned:
        raise OperationError(
            f"PLAN_STALE: the plan has {planned} open rows of {table}, and there are {found} now: cancel the "
            "operation (lean-ops op cancel) and plan anew"
        )
