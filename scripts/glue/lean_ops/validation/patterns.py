"""The patterns of a schema, spelled for the engines that match them: RE2, and Python's `re`."""

import re

_PATTERN_PARTS = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|[.$]", re.DOTALL)
"""An escaped character, a class, or one of the two characters whose meaning differs between engines."""
_ESCAPES = re.compile(r"\\u([0-9A-Fa-f]{4})|\\.", re.DOTALL)
_DOT = r"[^\n\r\u2028\u2029]"
"""The characters that JavaScript's `.` matches."""


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
