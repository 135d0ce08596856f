"""Judging: each version of a record, on its own, against the topic's schema. DataFrames in and out.

A version is a row of KEPT_COLUMNS, `columns` (map of column to text), rescued_data and cycle_id, wherever it
was read. Judging each alone makes Curated a maximum over the valid events, which no batch border can change.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lean_ops import names
from lean_ops.casts import typed
from lean_ops.constraints import broken
from lean_ops.flatten_batches import KEPT_COLUMNS
from lean_ops.merge import KEY
from lean_ops.records import timestamp
from lean_ops.schema_evolution import payload_columns
from lean_ops.schemas import Field, ObjectField, TopicSchema
from lean_ops.standardize import text_time, time_text

REJECTED = "rejected"
NULLED = "nulled"

_TIMES = ("event_time", "produced_at", "received_at", "ingested_at")
_VERSION_COLUMNS = (*KEPT_COLUMNS, "columns", names.RESCUED, "cycle_id")
_VIOLATIONS = "array<struct<column:string,rule:string,value:string,message:string>>"
_EMPTY_OBJECT = "{}"
_SHOWN = 200
"""Characters of a value that a violation repeats; the record beside it has all of them."""


def versions_of_delta(delta: DataFrame) -> DataFrame:
    return delta.select(*_VERSION_COLUMNS)


def versions_of_standardized(table: DataFrame, topic: str) -> DataFrame:
    """Rows of a Standardized table as versions. payload_sha256 is not known there."""
    columns = payload_columns(table.columns)
    pairs = [item for name in columns for item in (F.lit(name), F.col(name))]
    as_map = F.create_map(*pairs) if pairs else F.create_map()
    return table.select(
        F.lit(topic).alias("topic_name"),
        *(text_time(name).alias(name) if name in _TIMES else F.col(name) for name in names.ENVELOPE_COLUMNS),
        F.lit(None).cast("string").alias("payload_sha256"),
        as_map.cast("map<string,string>").alias("columns"),
        names.RESCUED,
    ).select(*_VERSION_COLUMNS)


def judge(versions: DataFrame, schema: TopicSchema) -> DataFrame:
    """Adds `value` (struct of the schema's columns, typed; NULL where invalid), `violations`, `disposition`,
    `error_id`.

    violations: array of {column, rule, value, message}, all there are, objects' before fields', in the
    schema's order. disposition: REJECTED when a critical data element is among them, NULLED when only others
    are, NULL when there are none.
    """
    texts = F.struct(*(_text(field.column).alias(field.column) for field in schema.fields))
    cast = F.struct(
        *(
            typed(F.col(f"text.`{field.column}`"), field.data_type, field.json_type).alias(field.column)
            for field in schema.fields
        )
    )
    found = F.filter(F.array(*_violations(schema)).cast(_VIOLATIONS), lambda one: one.isNotNull())
    critical = [field.column for field in schema.fields if field.cde]
    judged = (
        versions.withColumn("text", texts)
        .withColumn("below", _members_that_no_field_names(schema))
        .withColumn("typed", cast)
        .withColumn("violations", found)
        .withColumn("violated", F.transform("violations", lambda one: one["column"]))
    )
    is_critical = F.arrays_overlap("violated", F.array(*map(F.lit, critical))) if critical else F.lit(False)
    disposition = F.when(is_critical, REJECTED).when(F.size("violations") > 0, NULLED)
    valid = F.struct(
        *(
            F.when(~F.array_contains("violated", field.column), F.col(f"typed.`{field.column}`")).alias(
                field.column
            )
            for field in schema.fields
        )
    )
    return (
        judged.withColumn("value", valid)
        .withColumn("disposition", disposition)
        .withColumn("error_id", _error_id(schema))
        .drop("text", "below", "typed", "violated")
    )


def _text(column: str) -> Column:
    return F.col("columns")[column]


def _members_that_no_field_names(schema: TopicSchema) -> Column:
    """Names of columns that hold a member of something and are no field's, each after a line feed.

    One text, empty as a rule, so that asking for each field what lies below it costs a search and no loop.
    """
    there = F.map_filter("columns", lambda name, text: text.isNotNull() & name.contains("__"))
    columns = [*(field.column for field in schema.fields), *(node.column for node in schema.objects)]
    known = F.array(*map(F.lit, columns))
    return F.concat(F.lit("\n"), F.array_join(F.array_except(F.map_keys(there), known), "\n"))


def _holds_members(column: str) -> Column:
    return F.col("below").contains(f"\n{column}__")


def _violations(schema: TopicSchema) -> Iterator[Column]:
    is_object = {node.column: _is_object(node, schema.objects) for node in schema.objects}

    def parent_is_object(parents: Sequence[str]) -> Column:
        return is_object[parents[-1]] if parents else F.lit(True)

    for node in schema.objects:
        text = _text(node.column)
        yield _violation(text != _EMPTY_OBJECT, node.column, "type", text, "is no object")
        if node.required:
            missing = parent_is_object(node.parents) & ~is_object[node.column] & text.isNull()
            yield _violation(missing, node.column, "required", text, "is missing")
    for field in schema.fields:
        yield from _field_violations(field, parent_is_object(field.parents))


def _is_object(node: ObjectField, objects: Sequence[ObjectField]) -> Column:
    """An object shows by its members only, be they in the schema or not, or as `{}`; null counts as absent,
    as everywhere in Standardized."""
    inner = (one.column for one in objects if node.column in one.parents)
    members = [_text(name).isNotNull() for name in (*node.leaves, *inner)]
    empty = F.coalesce(_text(node.column) == _EMPTY_OBJECT, F.lit(False))
    return reduce(or_, members, empty | _holds_members(node.column))


def _field_violations(field: Field, parent_is_object: Column) -> Iterator[Column]:
    text, value = F.col(f"text.`{field.column}`"), F.col(f"typed.`{field.column}`")
    # Flattening made columns of an object's members, so where no object was due the field looks absent.
    is_object = text.isNull() & _holds_members(field.column)
    yield _violation(is_object, field.column, "type", text, "is an object")
    if field.cde or field.required:
        missing = text.isNull() & ~is_object
        if not field.cde:
            missing = missing & parent_is_object
        yield _violation(missing, field.column, "required", text, "is missing")
    rule = "format" if field.data_type in ("date", "timestamp_ntz") else "type"
    if field.data_type != "string" or field.json_type == "array":
        wrong = text.isNotNull() & value.isNull()
        yield _violation(wrong, field.column, rule, text, f"is no {_kind(field)}")
    if field.data_type == "float":
        # 0.1 as a float is greater than 0.1: what counts is what was sent.
        value = F.when(value.isNotNull(), text.cast("double"))
    for keyword, condition, message in broken(field, value):
        yield _violation(condition, field.column, keyword, text, message)


def _kind(field: Field) -> str:
    if field.json_type == "array":
        return "array"
    return {"timestamp_ntz": "RFC 3339 date-time with an offset"}.get(field.data_type, field.data_type)


def _violation(condition: Column, column: str, rule: str, text: Column, message: str) -> Column:
    return F.when(
        condition,
        F.struct(
            F.lit(column).alias("column"),
            F.lit(rule).alias("rule"),
            F.substring(text, 1, _SHOWN).alias("value"),
            F.lit(message).alias("message"),
        ),
    )


def _error_id(schema: TopicSchema) -> Column:
    """Copies of one bad message share it, as neither times of arrival nor the cycle are part of it."""
    parts = (
        F.lit(schema.topic),
        F.lit(str(schema.version)),
        F.coalesce(KEY, F.lit("")),
        F.coalesce("message_id", F.lit("")),
        F.coalesce(time_text("produced_at"), F.lit("")),
        F.coalesce("disposition", F.lit("")),
        _texts_there(),
    )
    return F.sha2(F.to_json(F.array(*parts)), 256)


def _texts_there() -> Column:
    """JSON of the columns that are not null, by name: the same whether it was read from cycle_delta or
    Standardized."""
    entries = F.array_sort(F.map_entries(F.map_filter("columns", lambda _, text: text.isNotNull())))
    return F.to_json(F.map_from_entries(entries))


def error_rows(judged: DataFrame, schema: TopicSchema, detected_at: datetime) -> DataFrame:
    """Rows of errors: one for each bad message, of the first cycle it came in."""
    bad = judged.where(F.col("disposition").isNotNull())
    envelope = [
        item
        for name in names.ENVELOPE_COLUMNS
        for item in (F.lit(name), time_text(name) if name in _TIMES else F.col(name))
    ]
    everything = F.map_concat(
        F.create_map(*envelope), F.col("columns"), F.create_map(F.lit(names.RESCUED), names.RESCUED)
    )
    rows = bad.select(
        "error_id",
        "topic_name",
        "message_id",
        KEY,
        "disposition",
        F.to_json("violations", {"ignoreNullFields": "false"}).alias("violations"),
        F.to_json(F.map_filter(everything, lambda _, text: text.isNotNull())).alias("record"),
        F.lit(schema.version).alias("schema_version"),
        "cycle_id",
    )
    first = rows.groupBy("error_id").agg(
        F.min_by(F.struct(*rows.columns[1:]), F.struct("cycle_id", "record")).alias("first")
    )
    return first.select(
        "error_id",
        "first.*",
        timestamp(detected_at).alias("detected_at"),
        F.lit(None).cast("timestamp_ntz").alias("resolved_at"),
        F.lit(None).cast("string").alias("resolution"),
    )


def valid_versions(judged: DataFrame) -> DataFrame:
    return judged.where(~F.col("disposition").eqNullSafe(REJECTED)).drop(
        "violations", "disposition", "error_id"
    )


def curated_rows(winners: DataFrame, schema: TopicSchema) -> DataFrame:
    """Winners (valid versions) as rows of the Curated table."""
    return winners.select(
        *(F.col(f"value.`{field.column}`").alias(field.column) for field in schema.fields),
        *names.ENVELOPE_COLUMNS,
        F.lit(schema.version).cast("int").alias(names.SCHEMA_VERSION),
    )
