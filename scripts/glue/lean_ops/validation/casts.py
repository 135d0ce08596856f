"""Text of Standardized to typed values, or None when the text is not one: never an approximation that was not
asked for.

Standardized is text throughout: the JSON string "5" and the number 5 look alike there and pass alike here.

- integer (bigint, int): `-?(0|[1-9][0-9]*)` in range. `1.0`, `1e3` are refused, though JSON Schema calls them
  integers: who writes them has a floating-point number, and the next one will be 1.5. `-0` is 0.
- number (double, float): JSON's number form; the nearest value of the type, as in every other reader of JSON.
  A value past the type's range, or one that would become 0 without being it, is refused.
- decimal(p,s): JSON's number form, exponents too; exact or refused. `1.10` fits decimal(3,1), `1.11` does
  not.
- boolean: `true`, `false`.
- date: `YYYY-MM-DD`, a day of the calendar, years 0001 to 9999.
- date-time: RFC 3339 with an offset, as the envelope's times: `T`, `t` or a space, `Z`, `z` or `±hh:mm`; to
  UTC; digits past the microsecond are cut; a leap second, which stands at the end of a UTC day only, counts
  as the second after it.
- array: JSON text in brackets. string: any text.

White space around a value, signs as in `+1`, `01`, `.5`, `NaN` and `TRUE` are nothing of these.
"""

import math
import re
import struct
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation

Value = str | int | float | Decimal | bool | date | datetime
"""A datetime is naive and in UTC."""
Cast = Callable[[str], Value | None]

# A bigint has at most 19 digits: no more are read, as the time that takes grows with their square.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})").fullmatch
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE]([-+]?)0*([0-9]+))?").fullmatch
_NOT_ZERO = re.compile(r"-?[0.]*[1-9]").match
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?)"
    r"(?:[Zz]|([-+])([01][0-9]|2[0-3]):([0-5][0-9]))"
).fullmatch
_MAX_EXPONENT = 400
"""Past it a decimal(38,s) holds no value but 0, whatever the digits of a sensible text are."""
_SINGLE = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_NO_TIME = timedelta()
_FIRST_DAY, _DAY_BEFORE = "0001-01-01", "0000-12-31"


def cast_of(data_type: str, json_type: str) -> Cast:
    """What makes of a text the value of `data_type` (Spark's name); None for what that cannot hold exactly.

    A float is a double that a float holds.
    """
    if data_type.startswith("decimal("):
        precision, scale = (int(part) for part in data_type[len("decimal(") : -1].split(","))
        return _decimal(precision, scale)
    return _array if json_type == "array" else _CASTS[data_type]


def _integer(bits: int) -> Cast:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def cast(text: str) -> int | None:
        if not _INTEGER(text):
            return None
        value = int(text)
        return value if least <= value <= most else None

    return cast


def double(text: str) -> float | None:
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
    # The float nearest to the nearest double is not that of the text where the double is just between two
    # floats, which only one with zeros for its last bits can be: the text itself says on which side it is.
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
        exponent = number[2]
        if exponent and (len(exponent) > 3 or int(exponent) > _MAX_EXPONENT):
            return None if _NOT_ZERO(text) else zero
        try:
            # Too many digits before the point are an InvalidOperation, after it Inexact.
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
        # Not a day that datetime knows, but west of Greenwich year 1 has begun by then in UTC.
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
