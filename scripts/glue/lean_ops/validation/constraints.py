"""JSON Schema's constraints over a column of typed values: which of its values break one.

The same constraints as conditions in Athena's SQL are in
packages/common/src/core/validation-sql/constraints.ts; tests/glue/validation/test_validation_sql.py holds the
two equal.
"""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.row_indices import indices_where
from lean_ops.validation.time_limit import Read, unlimited
from lean_ops.validation.topic_schema import Field


class Broken(Protocol):
    """Takes a column's values and returns the row indices of those that break the constraint. Null breaks
    none.

    read: is called with the values that are looked at one by one. Raises what that raises.
    """

    def __call__(self, values: pa.Array, read: Read = unlimited) -> list[int]: ...


_ARROW_NUMBERS = {"bigint": pa.int64(), "int": pa.int64(), "double": pa.float64(), "float": pa.float64()}
"""The types of values that Arrow compares with a bound exactly as Python does."""
_RELATIONS = {
    "minimum": "less than",
    "maximum": "greater than",
    "exclusiveMinimum": "not greater than",
    "exclusiveMaximum": "not less than",
}
_PATTERN_PARTS = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|[.$]", re.DOTALL)
"""An escaped character, a class, or one of the two characters whose meaning differs between engines."""
_ESCAPES = re.compile(r"\\u([0-9A-Fa-f]{4})|\\.", re.DOTALL)
_DOT = r"[^\n\r\u2028\u2029]"
"""The characters that JavaScript's `.` matches."""


class Constraint(NamedTuple):
    """A constraint of a field, with the message for values that break it."""

    keyword: str
    message: str
    broken: Broken


def re2_pattern(pattern: str) -> str:
    """Returns the RE2 pattern that finds what `pattern` finds in JavaScript.

    `pattern` is of the subset that schema-validator accepts. It may match anywhere in a text, unless it is
    anchored. RE2 has no `\\uHHHH`, so those escapes become `\\x{HHHH}`.
    """
    spelled = _as_in_javascript(pattern, r"\z")
    return _ESCAPES.sub(lambda found: rf"\x{{{found[1]}}}" if found[1] else found.group(), spelled)


def python_pattern(pattern: str) -> str:
    """Returns the pattern for Python's `re` with the flag ASCII that finds what `pattern` finds in
    JavaScript."""
    return _as_in_javascript(pattern, r"\Z")


def _as_in_javascript(pattern: str, end: str) -> str:
    """Replaces `$` and `.` by what they mean in JavaScript; `end` is how the engine writes the end of the
    text.

    Python's `$` also matches before a final line feed, and the `.` of both engines leaves out the line feed
    only.
    """
    replaced = {"$": end, ".": _DOT}
    return _PATTERN_PARTS.sub(lambda part: replaced.get(part.group(), part.group()), pattern)


def _one_by_one(breaks: Callable[[Any], bool]) -> Broken:
    def broken(values: pa.Array, read: Read = unlimited) -> list[int]:
        found = []
        for n, value in enumerate(values.to_pylist()):
            if value is not None and breaks(value):
                found.append(n)
            read(n)
        return found

    return broken


def _number(field: Field, limit: int | Decimal) -> int | float | Decimal:
    """Returns a number of the schema in the form in which it is compared with the field's values.

    The comparison is exact for all types but double and float, where the number becomes a double too.
    """
    return float(Decimal(limit)) if field.data_type in ("double", "float") else limit


def _compared(breaks: Callable[[Any, Any], bool], arrow_function: str) -> Callable[[Field, Any], Broken]:
    """Returns what makes the check for a bound. `breaks` and `arrow_function` are the same comparison, in
    Python and by the name of Arrow's function."""

    def check_for(field: Field, limit: Any) -> Broken:
        bound = _number(field, limit)
        kind = _ARROW_NUMBERS.get(field.data_type)
        # Only Python compares integers with a fraction, and decimals with any number, exactly.
        if kind is None or not isinstance(bound, float if pa.types.is_floating(kind) else int):
            return _one_by_one(lambda value: breaks(value, bound))
        try:
            scalar = pa.scalar(bound, kind)
        except OverflowError:  # The bound lies outside the type's range.
            return _one_by_one(lambda value: breaks(value, bound))
        return lambda values, read=unlimited: indices_where(
            pc.call_function(arrow_function, [values, scalar])
        )

    return check_for


def _among(field: Field, allowed: Any) -> Broken:
    choices = allowed if isinstance(allowed, list) else [allowed]
    if field.json_type in ("integer", "number"):
        choices = [_number(field, one) for one in choices]
    if field.data_type == "string" and field.json_type == "string":
        texts = pa.array([one for one in choices if isinstance(one, str)], pa.string())
        return lambda values, read=unlimited: indices_where(
            pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, texts)))
        )
    among = frozenset(choices)
    return _one_by_one(lambda value: value not in among)


def _of_length(arrow_function: str) -> Callable[[Field, Any], Broken]:
    def check_for(_field: Field, limit: Any) -> Broken:
        bound = pa.scalar(int(limit), pa.int64())
        # Arrow counts code points, as JSON Schema does.
        return lambda values, read=unlimited: indices_where(
            pc.call_function(arrow_function, [pc.utf8_length(values), bound])
        )

    return check_for


def _pattern(_field: Field, pattern: str) -> Broken:
    """Checks the whole column with RE2, whose time is linear in the text whatever the text is.

    RE2 refuses a repeat above 1000 and a pattern whose program grows too large; for those Python's engine is
    used, value by value.
    """
    expression = re2_pattern(pattern)
    try:
        pc.match_substring_regex(pa.array([""]), expression)
    except pa.ArrowInvalid:
        found = re.compile(python_pattern(pattern), re.ASCII).search
        return _one_by_one(lambda value: not found(value))
    return lambda values, read=unlimited: indices_where(
        pc.invert(pc.match_substring_regex(values, expression))
    )


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


def constraints_of(field: Field) -> list[Constraint]:
    """Returns the field's constraints in the schema's order.

    They take values as column_casts makes them, except for a float field: its values come as double, so that
    they are compared as they were sent.
    """
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
    return f"is {_RELATIONS[keyword]} {limit}"
