"""Casts: the text of a Standardized column becomes the typed value of a Curated column, or None when the text
is no value of that type. A cast never approximates unless the schema asked for a floating-point type.

Standardized stores every value as text, so the JSON string "5" and the number 5 look alike there and pass
alike here. A text is a value of a type in these forms only:

- integer (bigint, int): JSON's number form with a whole value, within the type's range. `1.0`, `1e3` and
  `10e-1` are whole, as JSON Schema has it, and `1.5` is not. `-0` is 0.
- number (double, float): JSON's number form, as the nearest value of the type, as every reader of JSON does
  it. A value beyond the type's range is refused, and so is one that would become 0 without being 0.
- decimal(p,s): JSON's number form, exponents included, exact or refused. `1.10` fits decimal(3,1), `1.11`
  does not.
- boolean: `true`, `false`.
- date: `YYYY-MM-DD`, a day of the calendar, years 0001 to 9999.
- date-time: RFC 3339 with an offset, in the forms that the envelope's times may have: `T`, `t` or a space,
  then `Z`, `z` or `±hh:mm`. It is converted to UTC, and digits past the microsecond are cut. A leap second,
  which RFC 3339 allows at the end of a UTC day only, becomes the second after it.
  With a time zone (`x-time-zone`) a time without an offset is one of that zone. A time that the zone's clocks
  leave out is read by the offset before the gap, so it moves on by the length of the gap, and one that they
  show twice is the earlier of the two. Where `x-time-forms` is "lenient", the offset may be `±hhmm` or `±hh`
  as well, and the seconds may be missing.
- time as a number (timestamp(s), timestamp(ms), timestamp(us)): JSON's number form, the time since 1970 in
  UTC, within the years 0001 to 9999. Of seconds and milliseconds the digits past the microsecond are cut
  (towards 1970), and microseconds are whole. A field that is an integer takes whole values only.
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
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from zoneinfo import ZoneInfo

from lean_ops.validation.exact_number import digits_of, whole_value

Value = str | int | float | Decimal | bool | date | datetime
"""A value of a Curated column. A datetime is naive and in UTC."""
Cast = Callable[[str], Value | None]
"""Returns the value that a text stands for, or None when it is no value of the type."""

DATE_TIME = "timestamp_ntz"
"""The data type of times, by Spark's name."""


@dataclass(frozen=True)
class TimeForms:
    """The forms beyond RFC 3339 that the times of a field may have.

    unit: "s", "ms" or "us" where times are numbers; None where they are texts.
    zone: the IANA name of the zone in which a time without an offset is; None where none may be without.
    lenient: whether the offset may be shorter, and the seconds may be missing.
    """

    unit: str | None = None
    zone: str | None = None
    lenient: bool = False


RFC_3339 = TimeForms()

# In all of these patterns the next character decides where a repeat ends, so that nothing is tried twice
# (tests/glue/laws/test_linear_time.py).
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?([0-9]+))?").fullmatch
_NOT_ZERO = re.compile(r"-?[0.]*[1-9]").match
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_LOCAL = r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SECONDS = r":(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_OFFSET = r"([Zz]|([-+])([01][0-9]|2[0-3]):([0-5][0-9]))"
_LENIENT_OFFSET = r"([Zz]|([-+])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)"
_ENDS_WITH_MINUTES = len("2026-11-23T10:00")
_MAX_EXPONENT = 400
"""Beyond this exponent no value but 0 fits a decimal(38,s), whatever digits a text of sensible length has."""
_SINGLE = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_NO_TIME = timedelta()
_FIRST_DAY, _DAY_BEFORE = "0001-01-01", "0000-12-31"
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
_LEAST_MICROS, _MOST_MICROS = ((end - _EPOCH) // _MICROSECOND for end in (datetime.min, datetime.max))
_MICRO_DIGITS = {"s": 6, "ms": 3, "us": 0}
"""Unit to the digits of its fraction that a timestamp holds."""
_MOST_DIGITS = 19
"""More digits than these has no bigint, and no time of the years 0001 to 9999."""


def _integer(bits: int) -> Cast:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def cast(text: str) -> int | None:
        value = whole_value(text, _MOST_DIGITS)
        return value if value is not None and least <= value <= most else None

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


def _date_time(forms: TimeForms) -> Cast:
    seconds = f"(?:{_SECONDS})?" if forms.lenient else _SECONDS
    offset = _LENIENT_OFFSET if forms.lenient else _OFFSET
    zone = None if forms.zone is None else ZoneInfo(forms.zone)
    matched = re.compile(f"{_LOCAL}{seconds}){offset}{'?' if zone else ''}").fullmatch

    def cast(text: str) -> datetime | None:
        parts = matched(text)
        if not parts:
            return None
        local, has_offset, sign, hours, minutes = parts.groups()
        if len(local) == _ENDS_WITH_MINUTES:
            local += ":00"
        later = _NO_TIME
        if sign:
            ahead = timedelta(hours=int(hours), minutes=int(minutes or "0"))
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
            if zone is not None and not has_offset:
                # The fold is 0: the offset before a gap, and the earlier of two times.
                value -= value.replace(tzinfo=zone).utcoffset() or _NO_TIME
            if later:
                value += later
        except (ValueError, OverflowError):
            return None
        if leap and (value.hour or value.minute or value.second):
            return None
        return value

    return cast


def _time_of_number(unit: str, whole: bool) -> Cast:
    micro_digits = _MICRO_DIGITS[unit]

    def cast(text: str) -> datetime | None:
        number = digits_of(text)
        if number is None or (number.exponent < 0 and (whole or micro_digits == 0)):
            return None
        shift = number.exponent + micro_digits
        if len(number.digits) + shift > _MOST_DIGITS:
            return None
        kept = number.digits if shift >= 0 else number.digits[:shift]
        micros = int(kept or "0") * 10 ** max(shift, 0)
        micros = -micros if number.negative else micros
        return _EPOCH + micros * _MICROSECOND if _LEAST_MICROS <= micros <= _MOST_MICROS else None

    return cast


_CASTS: dict[str, Cast] = {
    "string": lambda text: text,
    "bigint": _integer(64),
    "int": _integer(32),
    "double": double,
    "float": _float,
    "boolean": _boolean,
    "date": _date,
}


def cast_of(data_type: str, json_type: str, forms: TimeForms = RFC_3339) -> Cast:
    """Returns the cast for a column of `data_type` (Spark's name) whose field has the JSON Schema type
    `json_type`.

    forms: of the field's times. The cast for float returns a Python float that is exactly a single-precision
    value.
    """
    if data_type == DATE_TIME:
        if forms.unit is not None:
            return _time_of_number(forms.unit, whole=json_type == "integer")
        return _date_time(forms)
    if data_type.startswith("decimal("):
        precision, scale = (int(part) for part in data_type[len("decimal(") : -1].split(","))
        return _decimal(precision, scale)
    return _array if json_type == "array" else _CASTS[data_type]
