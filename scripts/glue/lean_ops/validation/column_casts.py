"""Casts of whole columns: an Arrow array of texts becomes an Arrow array of typed values.

Arrow parses the texts of a regular form, which is chosen so that it reads them exactly as casts.py does; an
RE2 pattern tells which texts have that form. All other texts go through casts.py one by one.
tests/glue/validation/test_casts.py holds both ways equal.
"""

from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns.row_indices import indices_where
from lean_ops.validation.casts import DATE_TIME, RFC_3339, Cast, TimeForms, cast_of
from lean_ops.validation.time_limit import Read, unlimited


class ColumnCast(Protocol):
    """Takes an array of texts and returns the array of their values: null where a text is null or no value.

    read: is called with the texts that are read one by one. Raises what that raises.
    """

    def __call__(self, texts: pa.Array, read: Read = unlimited) -> pa.Array: ...


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

# The regular forms. Their numbers are so short that all of them fit the type, and their years are such that
# no offset leads out of the years that datetime knows.
_LONG = r"^-?(?:0|[1-9][0-9]{0,17})$"
_INT = r"^-?(?:0|[1-9][0-9]{0,8})$"
_DOUBLE = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$"
_DATE = r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"
_DATE_TIME = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
)
_EPOCH_DIGITS = {"s": 10, "ms": 13, "us": 16}
"""Unit of time to the digits that a number of the years 0001 to 9999 may have, whatever they are."""


def arrow_type(data_type: str) -> pa.DataType:
    """Returns Arrow's type for a data type by Spark's name, as in topic_schema.Field."""
    if data_type.startswith("decimal("):
        return pa.decimal128(*_precision_and_scale(data_type))
    return _TYPES[data_type]


def column_cast_of(data_type: str, json_type: str, forms: TimeForms = RFC_3339) -> ColumnCast:
    """Returns the cast for a whole column. The parameters are those of casts.cast_of."""
    cast_one, kind = cast_of(data_type, json_type, forms), arrow_type(data_type)
    if json_type == "array":
        return _arrays
    if data_type == "string":
        return _strings
    if data_type == "boolean":
        return _booleans
    if data_type.startswith("decimal("):
        return _by_form(_decimal_form(data_type), kind, cast_one)
    if data_type in ("bigint", "int"):
        return _by_form(_LONG if data_type == "bigint" else _INT, kind, cast_one)
    if data_type == "double":
        return _by_form(_DOUBLE, kind, cast_one)
    if data_type == "date":
        return _by_form(_DATE, kind, cast_one)
    if data_type == DATE_TIME and forms.unit is not None:
        digits, unit = _EPOCH_DIGITS[forms.unit], pa.timestamp(forms.unit)
        return _by_form(f"^-?(?:0|[1-9][0-9]{{0,{digits - 1}}})$", pa.int64(), cast_one, unit, kind)
    if data_type == DATE_TIME:
        return _by_form(_DATE_TIME, _UTC, cast_one, kind)
    return lambda texts, read=unlimited: _by_python(texts, cast_one, kind, read)


def _by_form(form: str, read_as: pa.DataType, cast_one: Cast, *kinds: pa.DataType) -> ColumnCast:
    """Returns a cast by which Arrow reads the texts that match `form` (an RE2 pattern), and `cast_one` the
    others.

    Arrow parses the text as the type `read_as` and then casts that to each of `kinds` in turn.
    """
    *between, kind = kinds or (read_as,)

    def cast(texts: pa.Array, read: Read = unlimited) -> pa.Array:
        regular = pc.fill_null(pc.match_substring_regex(texts, form), False)
        others = pc.and_(pc.invert(regular), pc.is_valid(texts))
        some_others = pc.any(others).as_py()
        try:
            values = (pc.if_else(regular, texts, None) if some_others else texts).cast(read_as)
            for one in (*between, kind):
                values = values.cast(one)
        except pa.ArrowInvalid:
            # The form accepts days such as 30 February. Arrow does not say which text it refused, so all of
            # them are cast one by one.
            return _by_python(texts, cast_one, kind, read)
        if some_others:
            indices = indices_where(others)
            ones = _by_python(texts.filter(others), cast_one, kind, lambda n: read(indices[n]))
            values = pc.replace_with_mask(values, others, ones)
        return values

    return cast


def _by_python(texts: pa.Array, cast_one: Cast, kind: pa.DataType, read: Read) -> pa.Array:
    values = []
    for n, text in enumerate(texts.to_pylist()):
        values.append(None if text is None else cast_one(text))
        read(n)
    return pa.array(values, kind)


def _strings(texts: pa.Array, read: Read = unlimited) -> pa.Array:
    return texts


def _booleans(texts: pa.Array, read: Read = unlimited) -> pa.Array:
    is_true = pc.equal(texts, "true")
    return pc.if_else(pc.or_(is_true, pc.equal(texts, "false")), is_true, None)


def _arrays(texts: pa.Array, read: Read = unlimited) -> pa.Array:
    return pc.if_else(pc.and_(pc.starts_with(texts, "["), pc.ends_with(texts, "]")), texts, None)


def _decimal_form(data_type: str) -> str:
    precision, scale = _precision_and_scale(data_type)
    before = precision - scale
    whole = "0" if before == 0 else f"(?:0|[1-9][0-9]{{0,{before - 1}}})"
    return rf"^-?{whole}(?:\.[0-9]{{1,{scale}}})?$" if scale else f"^-?{whole}$"


def _precision_and_scale(data_type: str) -> tuple[int, int]:
    precision, scale = data_type[len("decimal(") : -1].split(",")
    return int(precision), int(scale)
