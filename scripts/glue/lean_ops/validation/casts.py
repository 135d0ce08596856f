"""Casts: the text of a Standardized column becomes the typed value of a Curated column, or None when the text
is no value of that type. A cast never approximates unless the schema asked for a floating-point type.

Standardized stores every value as text, so the JSON string "5" and the number 5 look alike there and pass
alike here. A text is a value of a type in these forms only:

- integer (bigint, int): `-?(0|[1-9][0-9]*)` within the type's range. `1.0` and `1e3` are refused although
  JSON Schema calls them integers: a producer that writes them holds a floating-point number, and its next one
  may be 1.5. `-0` is 0.
- number (double, float): JSON's number form, as the nearest value of the type, as every reader of JSON does
  it. A value beyond the type's range is refused, and so is one that would become 0 without being 0.
- decimal(p,s): JSON's number form, exponents included, exact or refused. `1.10` fits decimal(3,1), `1.11`
  does not.
- boolean: `true`, `false`.
- date: `YYYY-MM-DD`, a day of the calendar, years 0001 to 9999.
- date-time: RFC 3339 with an offset, in the forms that the envelope's times may have: `T`, `t` or a space,
  then `Z`, `z` or `±hh:mm`. It is converted to UTC, and digits past the microsecond are cut. A leap second,
  which RFC 3339 allows at the end of a UTC day only, becomes the second after it.
- array: JSON text in brackets.
- string: any text.

Spaces around a value and forms such as `+1`, `01`, `.5`, `NaN` and `TRUE` are refused for every type but
string.

The same rules stand in column_casts.py (whole columns by Arrow; tests/glue/validation/test_casts.py holds the
two equal) and in packages/common/src/core/validation-sql/casts.ts (Athena's SQL;
tests/glue/validation/test_validation_sql.py holds the two equal).
"""

import math
import re
import struct
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation

Value = str | int | float | Decimal | bool | date | datetime
"""A value of a Curated column. A datetime is naive and in UTC."""
Cast = Callable[[str], Value | None]
"""Returns the value that a text stands for, or None when it is no value of the type."""

# A bigint has at most 19 digits. Longer texts are not parsed, because the time for that grows with the square
# of their length. In all of these patterns the next character decides where a repeat ends, so that nothing is
# tried twice (tests/glue/laws/test_linear_time.py).
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})").fullmatch
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?([0-9]+))?").fullmatch
_NOT_ZERO = re.compile(r"-?[0.]*[1-9]").match
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?)"
    r"(?:[Zz]|([-+])([01][0-9]|2[0-3]):([0-5][0-9]))"
).fullmatch
_MAX_EXPONENT = 400
"""Beyond this exponent no value but 0 fits a decimal(38,s), whatever digits a text of sensible length has."""
_SINGLE = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_NO_TIME = timedelta()
_FIRST_DAY, _DAY_BEFORE = "0001-01-01", "0000-12-31"


def _integer(bits: int) -> Cast:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def cast(text: str) -> int | None:
        if not _INTEGER(text):
            return None
        value = int(text)
        return value if least <= value <= most else None

    return cast


def double(text: str) -> float | None:
    """The cast for double: the nearest double, or None where that is infinite or a 0 that the text is not."""
    if not _NUMBER(text):
        return None
    value = float(text)
    if value == 0:
        return None if _NOT_ZERO(text) else value
    return None if math.isinf(value) else value


def _float(text: str) -> float | None:
    value = double(text)
    if not value:
        return value
    # Rounding twice, to double and then to float, goes wrong where the double lies exactly between two
    # floats. Such a double ends in zero bits, and then the text itself decides to which side it is rounded.
    if _DOUBLE.pack(value).startswith(b"\0\0\0"):
        exact = Decimal(text)
        if exact != value:
            value = math.nextafter(value, math.inf if exact > value else -math.inf)
    try:
        single: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    except OverflowError:
        return None
    return single or None


def _decimal(precision: int, scale: int) -> Cast:
    exact = Context(prec=precision, traps=[Inexact, InvalidOperation])
    unit = Decimal(1).scaleb(-scale)
    zero = Decimal(0).quantize(unit)

    def cast(text: str) -> Decimal | None:
        number = _NUMBER(text)
        if not number:
            return None
        exponent = (number[1] or "").lstrip("0")
        if exponent and (len(exponent) > 3 or int(exponent) > _MAX_EXPONENT):
            return None if _NOT_ZERO(text) else zero
        try:
            # Too many digits before the point raise InvalidOperation, and too many after it raise Inexact.
            return exact.quantize(Decimal(text), unit) or zero
        except (Inexact, InvalidOperation):
            return None

    return cast


def _boolean(text: str) -> bool | None:
    return True if text == "true" else False if text == "false" else None


def _array(text: str) -> str | None:
    return text if text[:1] == "[" and text[-1:] == "]" else None


def _date(text: str) -> date | None:
    if not _DATE(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _date_time(text: str) -> datetime | None:
    parts = _DATE_TIME(text)
    if not parts:
        return None
    local, sign, hours, minutes = parts.groups()
    later = _NO_TIME
    if sign:
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        later = ahead if sign == "-" else -ahead
    leap = local[17:19] == "60"
    if leap:
        local, later = f"{local[:17]}59{local[19:]}", later + _SECOND
    if local.startswith(_DAY_BEFORE):
        # datetime knows no year 0, but a local time there can lie in year 1 in UTC when the offset is
        # negative.
        local, later = local.replace(_DAY_BEFORE, _FIRST_DAY, 1), later - _DAY
    try:
        value = datetime.fromisoformat(local)
        if later:
            value += later
    except (ValueError, OverflowError):
        return None
    if leap and (value.hour or value.minute or value.second):
        return None
    return value


_CASTS: dict[str, Cast] = {
    "string": lambda text: text,
    "bigint": _integer(64),
    "int": _integer(32),
    "double": double,
    "float": _float,
    "boolean": _boolean,
    "date": _date,
    "timestamp_ntz": _date_time,
}


def cast_of(data_type: str, json_type: str) -> Cast:
    """Returns the cast for a column of `data_type` (Spark's name) whose field has the JSON Schema type
    `json_type`.

    The cast for float returns a Python float that is exactly a single-precision value.
    """
    if data_type.startswith("decimal("):
        precision, scale = (int(part) for part in data_type[len("decimal(") : -1].split(","))
        return _decimal(precision, scale)
    return _array if json_type == "array" else _CASTS[data_type]
