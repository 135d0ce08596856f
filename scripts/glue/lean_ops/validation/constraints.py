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

from lean_ops.validation.formats import FORMATS
from lean_ops.validation.patterns import python_pattern, re2_pattern
from lean_ops.validation.time_limit import Read, unlimited
from lean_ops.validation.topic_schema import Field


class Broken(Protocol):
    """Takes a column's values and returns a boolean array that is true where a value breaks the constraint.
    Null breaks none.

    read: is called with the values that are looked at one by one. Raises what that raises.
    """

    def __call__(self, values: pa.Array, read: Read = unlimited) -> pa.Array: ...


_ARROW_NUMBERS = {"bigint": pa.int64(), "int": pa.int64(), "double": pa.float64(), "float": pa.float64()}
"""The types of values that Arrow compares with a bound exactly as Python does."""
_RELATIONS = {
    "minimum": "less than",
    "maximum": "greater than",
    "exclusiveMinimum": "not greater than",
    "exclusiveMaximum": "not less than",
}


class Constraint(NamedTuple):
    """A constraint of a field, with the message for values that break it."""

    keyword: str
    message: str
    broken: Broken


def _one_by_one(breaks: Callable[[Any], bool]) -> Broken:
    def broken(values: pa.Array, read: Read = unlimited) -> pa.Array:
        found = []
        for n, value in enumerate(values.to_pylist()):
            found.append(value is not None and breaks(value))
            read(n)
        return pa.array(found, pa.bool_())

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
        return lambda values, read=unlimited: pc.call_function(arrow_function, [values, scalar])

    return check_for


def _among(field: Field, choices: list[Any]) -> Broken:
    if field.data_type == "string":
        texts = pa.array([one for one in choices if isinstance(one, str)], pa.string())
        return lambda values, read=unlimited: pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, texts)))
    numbers = (one for one in choices if isinstance(one, (int, Decimal)) and not isinstance(one, bool))
    among = frozenset(_number(field, one) for one in numbers)
    return _one_by_one(lambda value: value not in among)


def _of_length(arrow_function: str) -> Callable[[Field, Any], Broken]:
    def check_for(_field: Field, limit: Any) -> Broken:
        bound = pa.scalar(int(limit), pa.int64())
        # Arrow counts code points, as JSON Schema does.
        return lambda values, read=unlimited: pc.call_function(
            arrow_function, [pc.utf8_length(values), bound]
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
    return lambda values, read=unlimited: pc.invert(pc.match_substring_regex(values, expression))


def _format(field: Field, word: str) -> Broken:
    form = FORMATS[word]
    of_form = _pattern(field, form.pattern)
    if form.max_length is None:
        return of_form
    too_long = _of_length("greater")(field, form.max_length)
    return lambda values, read=unlimited: pc.or_(of_form(values, read), too_long(values, read))


def _multiple_of(_field: Field, divisor: Any) -> Broken:
    whole = pa.scalar(int(divisor), pa.int64())

    def broken(values: pa.Array, read: Read = unlimited) -> pa.Array:
        wide = values.cast(pa.int64())
        return pc.not_equal(pc.multiply(pc.divide(wide, whole), whole), wide)

    return broken


_OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_BROKEN: dict[str, Callable[[Field, Any], Broken]] = {
    "enum": _among,
    "const": lambda field, value: _among(field, [value]),
    "minimum": _compared(operator.lt, "less"),
    "maximum": _compared(operator.gt, "greater"),
    "exclusiveMinimum": _compared(operator.le, "less_equal"),
    "exclusiveMaximum": _compared(operator.ge, "greater_equal"),
    "multipleOf": _multiple_of,
    "minLength": _of_length("less"),
    "maxLength": _of_length("greater"),
    "pattern": _pattern,
    "format": _format,
}


def is_columnar(field: Field, keyword: str, limit: Any) -> bool:
    """Whether a keyword that can be broken by the field's values is looked at for a whole column here.

    All others are judged value by value, see interpret.judge_texts.
    """
    if field.types == ("string",) and field.data_type == "string":
        return keyword in _BROKEN and keyword not in ("multipleOf", *_OF_NUMBERS)
    if field.types in (("integer",), ("number",)) and field.times.unit is None:
        return keyword in ("enum", "const", *_OF_NUMBERS) or (
            keyword == "multipleOf" and field.types == ("integer",) and _is_bigint(limit)
        )
    return False


def _is_bigint(limit: Any) -> bool:
    return bool(limit == int(limit) and limit < 2**63)


def constraint_of(field: Field, keyword: str, limit: Any) -> Constraint:
    """Returns a constraint of a field by a keyword that is columnar for it.

    It takes values as column_casts makes them, except for a float field: its values come as double, so that
    they are compared as they were sent.
    """
    return Constraint(keyword, message_of(keyword, limit), _BROKEN[keyword](field, limit))


_MESSAGES = {
    "multipleOf": "is no multiple of {}",
    "minItems": "has fewer than {} items",
    "maxItems": "has more than {} items",
    "uniqueItems": "has an item twice",
    "items": "has an item that is not as the schema says",
    "prefixItems": "has an item that is not as the schema says",
    "contains": "has too few or too many items of the kind that it must contain",
    "properties": "has a member that is not as the schema says",
    "required": "lacks a member",
    "patternProperties": "has a member that is not as the schema says",
    "additionalProperties": "has a member that the schema does not name",
    "propertyNames": "has a member with a name that it may not have",
    "minProperties": "has fewer than {} members",
    "maxProperties": "has more than {} members",
    "dependentRequired": "lacks a member that another one asks for",
    "dependentSchemas": "is not as one of its members asks for",
    "allOf": "is not all of what the schema lists",
    "anyOf": "is none of what the schema lists",
    "oneOf": "is not exactly one of what the schema lists",
    "not": "is what it must not be",
    "if": "is not as the schema says for its case",
    "$ref": "is not as the schema says",
}


def message_of(keyword: str, limit: Any) -> str:
    """What a violation of a keyword says of the value, whose column stands before it."""
    if keyword in _MESSAGES:
        return _MESSAGES[keyword].format(limit)
    if keyword == "format":
        return f"is no {limit}"
    if keyword in ("minLength", "maxLength"):
        return f"has {'fewer' if keyword == 'minLength' else 'more'} than {limit} characters"
    if keyword == "enum":
        return "is none of the allowed values"
    if keyword == "const":
        return f"is not {limit}"
    if keyword == "pattern":
        return f"does not match {limit}"
    return f"is {_RELATIONS[keyword]} {limit}"
