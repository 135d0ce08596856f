"""The words of `format` that are enforced, each as a pattern or, for dates and times, as a cast.

The patterns are those of schemas/formats.json, which TypeScript reads;
tests/glue/validation/test_formats.py holds the two equal.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from lean_ops.validation.casts import DATE_TIME, TimeForms, cast_of


class Format(NamedTuple):
    """What texts of a format look like. The pattern means what it means in JavaScript.

    max_length: of the text, in characters; None where the pattern says it all.
    """

    pattern: str
    max_length: int | None = None


_HEX = "[0-9A-Fa-f]"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_GROUP = f"{_HEX}{{1,4}}"
_IPV6_FROM = [
    f"(?:{_GROUP}:){{7}}(?:{_GROUP}|:)",
    f"(?:{_GROUP}:){{6}}(?::{_GROUP}|{_IPV4}|:)",
    f"(?:{_GROUP}:){{5}}(?:(?::{_GROUP}){{1,2}}|:{_IPV4}|:)",
    *(
        f"(?:{_GROUP}:){{{n}}}(?:(?::{_GROUP}){{1,{7 - n}}}|(?::{_GROUP}){{0,{5 - n}}}:{_IPV4}|:)"
        for n in range(4, 0, -1)
    ),
    f":(?:(?::{_GROUP}){{1,7}}|(?::{_GROUP}){{0,5}}:{_IPV4}|:)",
]
"""An IPv6 address by the number of groups before the `::`, from seven to none."""
_IPV6 = f"(?:{'|'.join(_IPV6_FROM)})"
_HOUR, _SIXTY = "(?:[01][0-9]|2[0-3])", "[0-5][0-9]"
_FRACTION = r"(?:\.[0-9]+)?"
_LEAP_SECOND = rf"23:59:60{_FRACTION}(?:[Zz]|[+\-]00:00)"
_N = "[0-9]+"
_DAYS = f"(?:{_N}Y(?:{_N}M)?(?:{_N}D)?|{_N}M(?:{_N}D)?|{_N}D)"
_CLOCK = f"T(?:{_N}H(?:{_N}M)?(?:{_N}S)?|{_N}M(?:{_N}S)?|{_N}S)"
_ESCAPED = f"%{_HEX}{{2}}"
_UNRESERVED = r"A-Za-z0-9\-._~!$&'()*+,;="
"""The unreserved characters of RFC 3986 and its sub-delimiters."""
_SCHEME = r"[A-Za-z][A-Za-z0-9+\-.]*:"
_SEGMENT_START = f"(?:[{_UNRESERVED}:@]|{_ESCAPED})"
_PATH = f"(?:[{_UNRESERVED}:@/]|{_ESCAPED})*"
_QUERY = f"(?:[{_UNRESERVED}:@/?]|{_ESCAPED})*"
_HOST = rf"(?:\[(?:{_IPV6}|[Vv]{_HEX}+\.[{_UNRESERVED}:]+)\]|(?:[{_UNRESERVED}]|{_ESCAPED})*)"
_AUTHORITY = f"(?:(?:[{_UNRESERVED}:]|{_ESCAPED})*@)?{_HOST}(?::[0-9]*)?"
_HIERARCHY = f"(?://{_AUTHORITY}(?:/{_PATH})?|/(?:{_SEGMENT_START}{_PATH})?|{_SEGMENT_START}{_PATH})"
_TAIL = rf"(?:\?{_QUERY})?(?:#{_QUERY})?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+"
_DOMAIN = "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"

FORMATS = {
    "time": Format(
        rf"^(?:{_HOUR}:{_SIXTY}:{_SIXTY}{_FRACTION}(?:[Zz]|[+\-]{_HOUR}:{_SIXTY})|{_LEAP_SECOND})$"
    ),
    "duration": Format(f"^P(?:{_DAYS}(?:{_CLOCK})?|{_CLOCK}|{_N}W)$"),
    "uuid": Format(f"^(?:[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}$"),
    "uri": Format(f"^{_SCHEME}{_HIERARCHY}{_TAIL}$"),
    "uri-reference": Format(f"^(?:{_SCHEME})?{_HIERARCHY}?{_TAIL}$"),
    "email": Format(rf"^{_ATOM}(?:\.{_ATOM})*@{_DOMAIN}(?:\.{_DOMAIN})+$"),
    "ipv4": Format(f"^{_IPV4}$"),
    "ipv6": Format(f"^{_IPV6}$"),
    "hostname": Format(rf"^{_LABEL}(?:\.{_LABEL})*\.?$", 253),
    "json-pointer": Format("^(?:/(?:[^~/]|~[01])*)*$"),
}
"""Format to what its texts look like. A format of dates and times that the casts read is not among them."""
CASTS = {"date": "date", "date-time": DATE_TIME}
"""Format to the data type whose cast decides on it: no pattern knows the days of the calendar."""


def is_enforced(word: object) -> bool:
    return isinstance(word, str) and (word in FORMATS or word in CASTS)


def format_check(word: str, forms: TimeForms) -> Callable[[str], bool]:
    """Returns what says whether a text has a format. forms: of dates and times."""
    if word in CASTS:
        cast = cast_of(CASTS[word], "string", forms)
        return lambda text: cast(text) is not None
    form = FORMATS[word]
    found = re.compile(form.pattern.removesuffix("$") + r"\Z", re.ASCII).match
    most = form.max_length
    if most is None:
        return lambda text: found(text) is not None
    return lambda text: len(text) <= most and found(text) is not None
