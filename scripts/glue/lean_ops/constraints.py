"""JSON Schema's constraints as conditions over typed columns: true where a value breaks one."""

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lean_ops.schemas import Field

_MAX_DIGITS = 38
_WHOLE = f"decimal({_MAX_DIGITS},0)"


def broken(field: Field, value: Column) -> list[tuple[str, Column, str]]:
    """(keyword, condition, message) of each constraint of a field. Conditions are NULL for a NULL value.

    value: as casts.typed gives it; that of a float field as double, so that it is judged as it was sent.
    """
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


def _compared(
    compare: Callable[[Column, Column], Column], rounding: str
) -> Callable[[Field, Column, Any], Column]:
    """rounding: the way to the bound's neighbour among the column's values that leaves the comparison as it
    is.

    So an exact column is compared with a bound of its own type. Spark would bring two decimals to a common
    type and make NULL of what does not fit there, and a condition that is NULL lets everything pass.
    """

    def condition(field: Field, value: Column, limit: Any) -> Column:
        exact = Decimal(str(limit))
        if field.data_type in ("double", "float"):
            return compare(value, F.lit(float(exact)))
        scale = _scale(field.data_type)
        if abs(exact) >= Decimal(10) ** (_MAX_DIGITS - scale):
            beyond = F.lit(1 if exact > 0 else -1)
            return F.when(value.isNotNull(), compare(F.lit(0), beyond))
        with localcontext(prec=2 * _MAX_DIGITS):
            bound = exact.quantize(Decimal(1).scaleb(-scale), rounding)
        same = f"decimal({_MAX_DIGITS},{scale})"
        return compare(value.cast(same), F.lit(f"{bound:f}").cast(same))

    return condition


def _scale(data_type: str) -> int:
    return int(data_type[:-1].split(",")[1]) if data_type.startswith("decimal(") else 0


def _among(field: Field, value: Column, allowed: Any) -> Column:
    choices = allowed if isinstance(allowed, list) else [allowed]
    if field.json_type == "integer":
        # Wide enough for every choice: one that did not fit would turn into another number, or into NULL,
        # which lets everything pass.
        value, choices = value.cast(_WHOLE), [F.lit(f"{Decimal(one):f}").cast(_WHOLE) for one in choices]
    return ~value.isin(*choices)


_BROKEN: dict[str, Callable[[Field, Column, Any], Column]] = {
    "enum": _among,
    "const": _among,
    "minimum": _compared(lambda value, limit: value < limit, ROUND_CEILING),
    "maximum": _compared(lambda value, limit: value > limit, ROUND_FLOOR),
    "exclusiveMinimum": _compared(lambda value, limit: value <= limit, ROUND_FLOOR),
    "exclusiveMaximum": _compared(lambda value, limit: value >= limit, ROUND_CEILING),
    # Spark counts code points, as JSON Schema does.
    "minLength": lambda _field, value, limit: F.length(value) < int(limit),
    "maxLength": lambda _field, value, limit: F.length(value) > int(limit),
    "pattern": lambda _field, value, limit: ~value.rlike(java_pattern(limit)),
}

_PARTS = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|(?P<group>\))(?P<loop>[*+]|\{[0-9]+,\})\??|[.$]", re.DOTALL)


def java_pattern(pattern: str) -> str:
    """A schema's pattern (the subset that schema-validator accepts) as Java's: found anywhere, unless it is
    anchored.

    Java's `$` also stands before a last line feed, and its `.` leaves out U+0085 too: JavaScript's do not.

    Java recurses for each round of a repeated group, and a text of some thousand characters would end the
    whole JVM by a StackOverflowError. A possessive repeat is a loop. It finds the same, as schema-validator
    takes an unbounded repeat of a group only where the next character decides whether the group comes again.
    """
    replaced = {"$": r"\z", ".": "[^\\n\\r\\u2028\\u2029]"}

    def java(part: re.Match[str]) -> str:
        if part["group"]:
            return f"){part['loop']}+"
        return replaced.get(part.group(), part.group())

    return _PARTS.sub(java, pattern)
