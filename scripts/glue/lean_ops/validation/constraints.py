"""JSON Schema's constraints over a column of typed values: which of them break one."""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.row_indices import places_where
from lean_ops.validation.topic_schema import Field

Broken = Callable[[pa.Array], list[int]]
"""Values (null: nothing to judge) to the places of those that break the constraint."""


class Constraint(NamedTuple):
    keyword: str
    message: str
    broken: Broken


def constraints_of(field: Field) -> list[Constraint]:
    """In the field's order. Their values are as column_casts makes them; those of a float field as double, so
    that they are judged as they were sent."""
    return [
        Constraint(keyword, _message(keyword, limit), _BROKEN[keyword](field, limit))
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


def _compared(breaks: Callable[[Any, Any], bool], compare: str) -> Callable[[Field, Any], Broken]:
    """breaks: in Python. compare: the name of Arrow's function for the same."""

    def of(field: Field, limit: Any) -> Broken:
        bound = _number(field, limit)
        kind = _ARROW_NUMBERS.get(field.data_type)
        # Integers compare with a fraction, and decimals with anything, exactly in Python only.
        if kind is None or not isinstance(bound, float if pa.types.is_floating(kind) else int):
            return _one_by_one(lambda value: breaks(value, bound))
        try:
            scalar = pa.scalar(bound, kind)
        except OverflowError:  # a limit that no value of the type reaches
            return _one_by_one(lambda value: breaks(value, bound))
        return lambda values: places_where(pc.call_function(compare, [values, scalar]))

    return of


_ARROW_NUMBERS = {"bigint": pa.int64(), "int": pa.int64(), "double": pa.float64(), "float": pa.float64()}


def _one_by_one(breaks: Callable[[Any], bool]) -> Broken:
    return lambda values: [
        n for n, value in enumerate(values.to_pylist()) if value is not None and breaks(value)
    ]


def _number(field: Field, limit: int | Decimal) -> int | float | Decimal:
    """A number of the schema as a field's values compare with it: exactly, unless they are doubles."""
    return float(Decimal(limit)) if field.data_type in ("double", "float") else limit


def _among(field: Field, allowed: Any) -> Broken:
    choices = allowed if isinstance(allowed, list) else [allowed]
    if field.json_type in ("integer", "number"):
        choices = [_number(field, one) for one in choices]
    if field.data_type == "string" and field.json_type == "string":
        texts = pa.array([one for one in choices if isinstance(one, str)], pa.string())
        return lambda values: places_where(pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, texts))))
    among = frozenset(choices)
    return _one_by_one(lambda value: value not in among)


def _of_length(compare: str) -> Callable[[Field, Any], Broken]:
    def of(_field: Field, limit: Any) -> Broken:
        bound = pa.scalar(int(limit), pa.int64())
        # Arrow counts code points, as JSON Schema does.
        return lambda values: places_where(pc.call_function(compare, [pc.utf8_length(values), bound]))

    return of


def _pattern(_field: Field, pattern: str) -> Broken:
    """RE2 (linear in the text, whatever it is), over the whole column; Python's engine for what RE2 refuses
    (a repeat above 1000, a program that grows too large)."""
    expression = re2_pattern(pattern)
    try:
        pc.match_substring_regex(pa.array([""]), expression)
    except pa.ArrowInvalid:
        found = re.compile(python_pattern(pattern), re.ASCII).search
        return _one_by_one(lambda value: not found(value))
    return lambda values: places_where(pc.invert(pc.match_substring_regex(values, expression)))


_BROKEN: dict[str, Callable[[Field, Any], Broken]] = {
    "enum": _among,
    "const": _among,
    "minimum": _compared(operator.lt, "less"),
    "maximum": _compared(operator.gt, "greater"),
    "exclusiveMinimum": _compared(operator.le, "less_equal"),
    "exclusiveMaximum": _compared(operator.ge, "greater_equal"),
    "minLength": _of_length("less"),
    "maxLength": _of_length("greater"),
    "pattern": _pattern,
}

_PARTS = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|[.$]", re.DOTALL)
_ESCAPES = re.compile(r"\\u([0-9A-Fa-f]{4})|\\.", re.DOTALL)
_DOT = r"[^\n\r\u2028\u2029]"


def re2_pattern(pattern: str) -> str:
    """A schema's pattern (the subset that schema-validator accepts) as RE2 reads it: found anywhere, unless
    it is anchored. RE2 has no `\\uHHHH`."""
    spelled = _as_in_javascript(pattern, r"\z")
    return _ESCAPES.sub(lambda one: rf"\x{{{one[1]}}}" if one[1] else one.group(), spelled)


def python_pattern(pattern: str) -> str:
    """The same for Python's re, with its flag ASCII."""
    return _as_in_javascript(pattern, r"\Z")


def _as_in_javascript(pattern: str, end: str) -> str:
    """Python's `$` also stands before a last line feed, and both engines' `.` leaves out nothing but that."""
    replaced = {"$": end, ".": _DOT}
    return _PARTS.sub(lambda part: replaced.get(part.group(), part.group()), pattern)
