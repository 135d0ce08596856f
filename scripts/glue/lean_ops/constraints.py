"""JSON Schema's constraints as conditions over typed columns: true where a value breaks one."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lean_ops.schemas import Field

_MAX_DIGITS = 38


def broken(field: Field, value: Column) -> list[tuple[str, Column, str]]:
    """(keyword, condition, message) of each constraint of a field. Conditions are NULL for a NULL value."""
    return [
        (keyword, _BROKEN[keyword](field, value, limit), _message(keyword, limit))
        for keyword, limit in field.constraints.items()
    ]


def _message(keyword: str, limit: Any) -> str:
    if keyword in ("minLength", "maxLength"):
        return f"has {'fewer' if keyword == 'minLength' else 'more'} than {limit} characters"
    if keyword == "enum":
        return "is none of the allowed values"
    if keyword == "const":
        return f"is not {limit}"
    if keyword == "pattern":
        return f"does not match {limit}"
    relation = {
        "minimum": "less than",
        "maximum": "greater than",
        "exclusiveMinimum": "not greater than",
        "exclusiveMaximum": "not less than",
    }[keyword]
    return f"is {relation} {limit}"


def _compared(compare: Callable[[Column, Column], Column]) -> Callable[[Field, Column, Any], Column]:
    def condition(field: Field, value: Column, limit: Any) -> Column:
        exact = Decimal(str(limit))
        if field.data_type in ("double", "float") or not _fits(exact):
            return compare(value.cast("double"), F.lit(float(exact)))
        # bigint and decimal against a decimal literal: exact.
        return compare(value, F.lit(str(exact)).cast(f"decimal({_MAX_DIGITS},{_scale(exact)})"))

    return condition


def _scale(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _fits(number: Decimal) -> bool:
    return number.is_finite() and number.adjusted() < 18 and _scale(number) <= 18


def _among(field: Field, value: Column, allowed: Any) -> Column:
    choices = allowed if isinstance(allowed, list) else [allowed]
    return ~value.isin(
        *[F.lit(str(one) if isinstance(one, Decimal) else one).cast(field.data_type) for one in choices]
    )


_BROKEN: dict[str, Callable[[Field, Column, Any], Column]] = {
    "enum": _among,
    "const": _among,
    "minimum": _compared(lambda value, limit: value < limit),
    "maximum": _compared(lambda value, limit: value > limit),
    "exclusiveMinimum": _compared(lambda value, limit: value <= limit),
    "exclusiveMaximum": _compared(lambda value, limit: value >= limit),
    # Spark counts code points, as JSON Schema does.
    "minLength": lambda _field, value, limit: F.length(value) < int(limit),
    "maxLength": lambda _field, value, limit: F.length(value) > int(limit),
    "pattern": lambda _field, value, limit: ~value.rlike(java_pattern(limit)),
}

_PARTS = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|[.$]", re.DOTALL)


def java_pattern(pattern: str) -> str:
    """A schema's pattern (the subset that schema-validator accepts) as Java's: found anywhere, unless it is
    anchored.

    Java's `$` also stands before a last line feed, and its `.` leaves out U+0085 too: JavaScript's do not.
    """
    replaced = {"$": r"\z", ".": "[^\\n\\r\\u2028\\u2029]"}
    return _PARTS.sub(lambda part: replaced.get(part.group(), part.group()), pattern)
