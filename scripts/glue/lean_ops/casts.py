"""Text of Standardized to typed values, or NULL when the text is not one: never an approximation that was not
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

White space around a value, signs as in `+1`, `01`, `.5`, `NaN` and `TRUE` are nothing of these. Patterns end
in `\\z`: Java's `$` also matches before a last line feed.
"""

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

_INTEGER = r"^-?(0|[1-9][0-9]*)\z"
_NUMBER = r"^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?\z"
_NOT_ZERO = r"^-?[0.]*[1-9]"
_DATE = r"^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
_DATE_TIME = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]((?:[01][0-9]|2[0-3]):[0-5][0-9]):([0-5][0-9]|60)"
    r"(?:\.([0-9]+))?(?:[Zz]|([-+])([01][0-9]|2[0-3]):([0-5][0-9]))\z"
)
_MAX_EXPONENT = 400
"""Past it a decimal(38,s) holds no value but 0, whatever the digits of a sensible text are."""


def typed(text: Column, data_type: str, json_type: str) -> Column:
    """The value of a text as `data_type` (Spark's name); NULL for NULL and for what it cannot hold
    exactly."""
    if data_type.startswith("decimal("):
        precision, scale = (int(part) for part in data_type[len("decimal(") : -1].split(","))
        return _decimal(text, precision, scale)
    if json_type == "array":
        return F.when(text.startswith("[") & text.endswith("]"), text)
    return _CASTS[data_type](text)


def _integer(data_type: str) -> Callable[[Column], Column]:
    # Out of range gives NULL: ANSI mode is off in our sessions.
    return lambda text: F.when(text.rlike(_INTEGER), text.cast(data_type))


def _floating(data_type: str) -> Callable[[Column], Column]:
    def cast(text: Column) -> Column:
        value = text.cast(data_type)
        in_range = (F.abs(value) != F.lit(float("inf")).cast(data_type)) & (
            (value != 0) | ~text.rlike(_NOT_ZERO)
        )
        return F.when(text.rlike(_NUMBER) & in_range, value)

    return cast


def _decimal(text: Column, precision: int, scale: int) -> Column:
    """Moves the point by the exponent, drops zeros that say nothing, and casts only what is known to fit."""
    sign, whole, fraction, exponent_text = (F.regexp_extract(text, _NUMBER, group) for group in (1, 2, 3, 4))
    exponent = F.coalesce(
        F.when(exponent_text == "", 0).otherwise(exponent_text.cast("int")), F.lit(_MAX_EXPONENT + 1)
    )
    digits = F.concat(whole, fraction)
    point = F.length(whole) + exponent
    shifted = F.concat(_repeat_zeros(-point), digits, _repeat_zeros(point - F.length(digits)))
    place = F.greatest(point, F.lit(0))
    before = F.regexp_replace(shifted.substr(F.lit(1), place), "^0+", "")
    after = F.regexp_replace(shifted.substr(place + 1, F.length(shifted)), "0+$", "")
    fits = (F.length(before) <= precision - scale) & (F.length(after) <= scale)
    plain = F.concat(sign, F.when(before == "", "0").otherwise(before), F.lit("."), after, F.lit("0"))
    value = F.when((F.abs(exponent) <= _MAX_EXPONENT) & fits, plain.cast(f"decimal({precision},{scale})"))
    zero = F.lit("0").cast(f"decimal({precision},{scale})")
    return F.when(text.rlike(_NUMBER), F.when(text.rlike(_NOT_ZERO), value).otherwise(zero))


def _repeat_zeros(times: Column) -> Column:
    # Bounded, as the branch is evaluated for exponents too that are refused.
    return F.call_function("repeat", F.lit("0"), F.least(times, F.lit(2 * _MAX_EXPONENT)))


def _boolean(text: Column) -> Column:
    return F.when(text == "true", True).when(text == "false", False)


def _date(text: Column) -> Column:
    return F.when(text.rlike(_DATE), text.cast("date"))


def _date_time(text: Column) -> Column:
    day, minute, second, fraction, sign, hours, minutes = (
        F.regexp_extract(text, _DATE_TIME, group) for group in range(1, 8)
    )
    leap = second == "60"
    micros = F.rpad(F.substring(fraction, 1, 6), 6, "0")
    local = F.concat(
        day, F.lit(" "), minute, F.lit(":"), F.when(leap, "59").otherwise(second), F.lit("."), micros
    )
    ahead = F.when(sign == "", 0).otherwise(
        (hours.cast("int") * 60 + minutes.cast("int")) * F.when(sign == "-", -1).otherwise(1)
    )
    seconds = F.when(leap, 1).otherwise(0) - ahead * 60
    # In UTC sessions TIMESTAMP_LTZ and TIMESTAMP_NTZ have the same fields; only the former has arithmetic in
    # micros.
    value = F.timestamp_micros(
        F.unix_micros(local.cast("timestamp_ntz").cast("timestamp_ltz")) + seconds.cast("bigint") * 1_000_000
    )
    in_range = (value >= F.lit("0001-01-01").cast("timestamp_ltz")) & (
        value < F.lit("+10000-01-01").cast("timestamp_ltz")
    )
    stands = ~leap | (F.date_trunc("SECOND", value) == F.date_trunc("DAY", value))
    return F.when(text.rlike(_DATE_TIME) & in_range & stands, value.cast("timestamp_ntz"))


_CASTS: dict[str, Callable[[Column], Column]] = {
    "string": lambda text: text,
    "bigint": _integer("bigint"),
    "int": _integer("int"),
    "double": _floating("double"),
    "float": _floating("float"),
    "boolean": _boolean,
    "date": _date,
    "timestamp_ntz": _date_time,
}
