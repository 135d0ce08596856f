"""A column of texts to one of typed values: what `casts` makes of each text, mostly by Arrow.

Arrow takes the texts whose form it reads just as `casts` does, told by a pattern of RE2; Python has the rest.
A test holds the two equal.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.validation.casts import Cast, cast_of

ColumnCast = Callable[[pa.Array], pa.Array]
"""Texts to values, null where the text is null or is no value."""

_TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp_ntz": pa.timestamp("us"),
}
_UTC = pa.timestamp("us", "UTC")

# Digits that hold in the type whatever they are; years that no offset takes past datetime's.
_LONG = r"^-?(?:0|[1-9][0-9]{0,17})$"
_INT = r"^-?(?:0|[1-9][0-9]{0,8})$"
_DOUBLE = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$"
_DATE = r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"
_DATE_TIME = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
)


def arrow_type(data_type: str) -> pa.DataType:
    """data_type: Spark's name, as in schemas.Field."""
    if data_type.startswith("decimal("):
        return pa.decimal128(*_precision_and_scale(data_type))
    return _TYPES[data_type]


def column_cast_of(data_type: str, json_type: str) -> ColumnCast:
    """See casts.cast_of."""
    one, kind = cast_of(data_type, json_type), arrow_type(data_type)
    if json_type == "array":
        return _arrays
    if data_type == "string":
        return lambda texts: texts
    if data_type == "boolean":
        return _booleans
    if data_type.startswith("decimal("):
        return _by_form(_decimal_form(data_type), kind, one)
    if data_type in ("bigint", "int"):
        return _by_form(_LONG if data_type == "bigint" else _INT, kind, one)
    if data_type == "double":
        return _by_form(_DOUBLE, kind, one)
    if data_type == "date":
        return _by_form(_DATE, kind, one)
    if data_type == "timestamp_ntz":
        return _by_form(_DATE_TIME, _UTC, one, kind)
    return lambda texts: _by_python(texts, one, kind)


def _by_form(form: str, read_as: pa.DataType, one: Cast, kind: pa.DataType | None = None) -> ColumnCast:
    """read_as: what Arrow makes of texts of this form; kind: what that is cast to."""
    kind = kind or read_as

    def cast(texts: pa.Array) -> pa.Array:
        regular = pc.fill_null(pc.match_substring_regex(texts, form), False)
        others = pc.and_(pc.invert(regular), pc.is_valid(texts))
        some_others = pc.any(others).as_py()
        try:
            values = (pc.if_else(regular, texts, None) if some_others else texts).cast(read_as).cast(kind)
        except pa.ArrowInvalid:
            # The form does not tell 30 February from a day: Arrow names no culprit, so all go the long way.
            return _by_python(texts, one, kind)
        if some_others:
            values = pc.replace_with_mask(values, others, _by_python(texts.filter(others), one, kind))
        return values

    return cast


def _by_python(texts: pa.Array, one: Cast, kind: pa.DataType) -> pa.Array:
    return pa.array([None if text is None else one(text) for text in texts.to_pylist()], kind)


def _booleans(texts: pa.Array) -> pa.Array:
    is_true = pc.equal(texts, "true")
    return pc.if_else(pc.or_(is_true, pc.equal(texts, "false")), is_true, None)


def _arrays(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.and_(pc.starts_with(texts, "["), pc.ends_with(texts, "]")), texts, None)


def _decimal_form(data_type: str) -> str:
    precision, scale = _precision_and_scale(data_type)
    before = precision - scale
    whole = "0" if before == 0 else f"(?:0|[1-9][0-9]{{0,{before - 1}}})"
    return rf"^-?{whole}(?:\.[0-9]{{1,{scale}}})?$" if scale else f"^-?{whole}$"


def _precision_and_scale(data_type: str) -> tuple[int, int]:
    precision, scale = data_type[len("decimal(") : -1].split(",")
    return int(precision), int(scale)
