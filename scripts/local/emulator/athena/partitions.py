"""Athena's partition transforms of Iceberg tables, as Spark's; what Athena refuses is refused.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html#querying-iceberg-partitioning
"""

from collections.abc import Mapping, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from emulator.athena.errors import MalformedQueryError, QueryFailedError

_SPARK = {
    "year": "years",
    "month": "months",
    "day": "days",
    "hour": "hours",
    "bucket": "bucket",
    "truncate": "truncate",
}
_DATES = ("DATE", "TIMESTAMP")
_TYPES = {
    "year": _DATES,
    "month": _DATES,
    "day": _DATES,
    "hour": ("TIMESTAMP",),
    "bucket": ("INT", "BIGINT", "DECIMAL", "DATE", "TIMESTAMP", "TEXT", "BINARY"),
    "truncate": ("INT", "BIGINT", "DECIMAL", "TEXT"),
}
_WITH_NUMBER = ("bucket", "truncate")
_NESTED = ("STRUCT", "MAP", "ARRAY", "LIST")
_MAX_INT = 2**31 - 1


def created_partitions(items: Sequence[exp.Expr], types: Mapping[str, exp.DataType | None]) -> list[str]:
    """The fields of PARTITIONED BY (…) of CREATE TABLE, as Spark writes them.

    `types` has the table's columns by their lower-cased names. Raises QueryFailedError or
    MalformedQueryError.
    """
    fields: list[tuple[str, str, str]] = []
    for item in items:
        if isinstance(item, exp.ColumnDef) and item.kind is not None:
            raise QueryFailedError(
                "Iceberg partition columns are names of the table's columns, without a type"
            )
        transform, number, column = _field(item)
        kind = types.get(column)
        if kind is None:
            raise QueryFailedError(f"Partition column {column} is not among the columns of the table")
        name = kind.this.name
        if name in _NESTED or (transform and name not in _TYPES[transform]):
            shown = f"{transform}({column})" if transform else column
            raise QueryFailedError(
                f"Cannot partition by {shown}: {column} is of type {kind.sql('hive').lower()}"
            )
        if any(known[2] == column and _overlap(known[0], transform) for known in fields):
            raise QueryFailedError(f"Cannot add redundant partition of {column}")
        fields.append((transform, number, column))
    return [_spark(*field) for field in fields]


def selected_partitions(specs: Sequence[str]) -> list[str]:
    """The fields of partitioning = ARRAY['day(ts)', …] of CREATE TABLE AS, as Spark writes them.

    The columns' types are not known before the query runs. Raises QueryFailedError or MalformedQueryError.
    """
    try:
        return [_spark(*_field(sqlglot.parse_one(spec, read="hive"))) for spec in specs]
    except ParseError as error:
        raise QueryFailedError(
            f"INVALID_TABLE_PROPERTY: partitioning does not parse: {', '.join(specs)}"
        ) from error


def _overlap(one: str, other: str) -> bool:
    """Iceberg takes one transform of time of a column, and each other transform once."""
    return one == other or {one, other} <= {"year", "month", "day", "hour"}


def _spark(transform: str, number: str, column: str) -> str:
    arguments = ", ".join(part for part in (number, f"`{column}`") if part)
    return f"{_SPARK[transform]}({arguments})" if transform else arguments


def _field(item: exp.Expr) -> tuple[str, str, str]:
    """The transform, its number and the column. The first two are empty where the field has none."""
    written = item.sql("hive")
    column = item.find(exp.Identifier)
    if column is None:
        raise MalformedQueryError(f"line 1:1: mismatched input '{written}' in PARTITIONED BY")
    if isinstance(item, exp.Identifier | exp.Column | exp.ColumnDef):
        return "", "", column.name.lower()
    transform = written.split("(")[0].lower()
    functions = [part for part in item.find_all(exp.Func) if not isinstance(part, exp.TsOrDsToDate)]
    if transform not in _SPARK or len(functions) > 1:
        raise QueryFailedError(f"Unsupported partition transform: {written}")
    numbers = list(item.find_all(exp.Literal))
    if len(numbers) != (transform in _WITH_NUMBER):
        raise QueryFailedError(f"Unsupported partition transform: {written}")
    if not numbers:
        return transform, "", column.name.lower()
    value = numbers[0].sql() if not numbers[0].is_string else ""
    if item.find(exp.Neg) or not value.isdigit() or not 0 < int(value) <= _MAX_INT:
        raise QueryFailedError(f"Invalid number of {transform}: {written} wants a positive whole number")
    return transform, value, column.name.lower()
