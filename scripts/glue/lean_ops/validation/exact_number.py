"""JSON's numbers by all their digits, in time linear in the text."""

import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

# The next character decides where each repeat ends, so that nothing is tried twice.
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([-+]?)([0-9]+))?").fullmatch
_PLAIN = re.compile(r"-?[0-9]+").fullmatch
_MAX_EXPONENT_DIGITS = 17
_MAX_EXPONENT = 10**_MAX_EXPONENT_DIGITS
"""Where a longer exponent is cut to. No text is so long that its digits make up for that."""
_CHUNK = 18


class Digits(NamedTuple):
    """A number as ±digits * 10 ** exponent. `digits` has no zeros at its ends, and is empty for 0."""

    negative: bool
    digits: str
    exponent: int


def is_number(text: str) -> bool:
    """Whether a text has JSON's number form."""
    return _NUMBER(text) is not None


def digits_of(text: str) -> Digits | None:
    """Returns the number that a text in JSON's number form stands for; None for any other text."""
    found = _NUMBER(text)
    if found is None:
        return None
    minus, whole, fraction, sign, power = found.groups(default="")
    padded = (whole + fraction).lstrip("0")
    digits = padded.rstrip("0")
    if not digits:
        return Digits(False, "", 0)
    power = power.lstrip("0")
    exponent = _MAX_EXPONENT if len(power) > _MAX_EXPONENT_DIGITS else int(power or "0")
    if sign == "-":
        exponent = -exponent
    return Digits(bool(minus), digits, exponent - len(fraction) + len(padded) - len(digits))


def whole_value(text: str, most_digits: int) -> int | None:
    """Returns the whole number that a text in JSON's number form stands for, such as 1000 for `1e3`.

    Returns None where the text is no number, where the number has a fraction, and where it has more than
    `most_digits` digits.
    """
    number = digits_of(text)
    if number is None or number.exponent < 0 or len(number.digits) + number.exponent > most_digits:
        return None
    value = int(number.digits + "0" * number.exponent or "0")
    return -value if number.negative else value


def is_whole(text: str) -> bool:
    """Whether a text stands for a number without a fraction, as JSON Schema's integers are."""
    number = digits_of(text)
    return number is not None and number.exponent >= 0


def exact(text: str) -> Decimal:
    """Returns the number of a text in JSON's number form, by all its digits.

    An exponent that Decimal cannot hold is cut to a greater one than any schema has.
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        number = digits_of(text)
        assert number is not None
        negative, digits, exponent = number
        return Decimal(f"{'-' if negative else ''}{digits or '0'}e{exponent}")


def is_multiple(text: str, divisor: Digits) -> bool:
    """Whether the number of a text in JSON's number form is a whole multiple of a divisor greater than 0."""
    if divisor.exponent >= 0 and len(text) <= _CHUNK and _PLAIN(text):
        return int(text) % int(divisor.digits + "0" * divisor.exponent) == 0
    number = digits_of(text)
    assert number is not None
    if not number.digits:
        return True
    shift = number.exponent - divisor.exponent
    if shift < 0:
        # Neither has a zero at its end, so the quotient keeps the digits after its point.
        return False
    modulus = int(divisor.digits)
    # Beyond so many tens all factors 2 and 5 of the divisor are in them.
    shift = min(shift, 4 * len(divisor.digits))
    rest = 0
    for start in range(0, len(number.digits), _CHUNK):
        chunk = number.digits[start : start + _CHUNK]
        rest = (rest * 10 ** len(chunk) + int(chunk)) % modulus
    return rest * pow(10, shift, modulus) % modulus == 0
