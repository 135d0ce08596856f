"""JSON Schema's constraints over a column of typed values: which of them break one."""

import operator
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.schemas import Field

Broken = Callable[[Sequence[Any]], list[int]]
"""Values (None: nothing to judge) to the places of those that break the constraint."""


class Constraint(NamedTuple):
    keyword: str
    message: str
    broken: Broken


def constraints_of(field: Field) -> list[Constraint]:
    """In the field's order. Their values are as casts.cast_of makes them; those of a float field as double,
    so that they are judged as they were sent."""
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


def _compared(breaks: Callable[[Any, Any], bool]) -> Callable[[Field, Any], Broken]:
    def of(field: Field, limit: Any) -> Broken:
        bound = _number(field, limit)
        return lambda values: [
            n for n, value in enumerate(values) if value is not None and breaks(value, bound)
        ]

    return of


def _number(field: Field, limit: int | Decimal) -> int | float | Decimal:
    """A number of the schema as a field's values compare with it: exactly, unless they are doubles."""
    return float(Decimal(limit)) if field.data_type in ("double", "float") else limit


def _among(field: Field, allowed: Any) -> Broken:
    choices = allowed if isinstance(allowed, list) else [allowed]
    if field.json_type in ("integer", "number"):
        choices = [_number(field, one) for one in choices]
    among = frozenset(choices)
    return lambda values: [n for n, value in enumerate(values) if value is not None and value not in among]


def _of_length(breaks: Callable[[int, int], bool]) -> Callable[[Field, Any], Broken]:
    def of(_field: Field, limit: Any) -> Broken:
        bound = int(limit)
        # Python counts code points, as JSON Schema does.
        return lambda values: [
            n for n, value in enumerate(values) if value is not None and breaks(len(value), bound)
        ]

    return of


def _pattern(_field: Field, pattern: str) -> Broken:
    """RE2 (linear in the text, whatever it is), over the whole column; Python's engine for what RE2 refuses
    (a repeat above 1000, a program that grows too large)."""
    expression = re2_pattern(pattern)
    try:
        pc.match_substring_regex(pa.array([""]), expression)
    except pa.ArrowInvalid:
        found = re.compile(python_pattern(pattern), re.ASCII).search
        return lambda values: [n for n, value in enumerate(values) if value is not None and not found(value)]

    def broken(values: Sequence[Any]) -> list[int]:
        matches = pc.match_substring_regex(pa.array(values, pa.string()), expression)
        places: list[int] = pc.indices_nonzero(pc.invert(matches)).to_pylist()
        return places

    return broken


_BROKEN: dict[str, Callable[[Field, Any], Broken]] = {
    "enum": _among,
    "const": _among,
    "minimum": _compared(operator.lt),
    "maximum": _compared(operator.gt),
    "exclusiveMinimum": _compared(operator.le),
    "exclusiveMaximum": _compared(operator.ge),
    "minLength": _of_length(operator.lt),
    "maxLength": _of_length(operator.gt),
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
