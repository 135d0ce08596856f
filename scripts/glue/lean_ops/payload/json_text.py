"""Reads and writes JSON exactly as RFC 8259 has it, with numbers as their source text.

The C scanner of CPython does the work. It stops at about a thousand levels of nesting, where an iterative
parser takes over that accepts and refuses the same texts; so no nesting can end the process.
tests/glue/payload/test_json_text.py holds the two parsers equal.
"""

import json
import re
from collections.abc import Callable
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

from lean_ops.errors import LeanOpsError

Json = Any
"""A dict, list, str, Number, True, False or None. Of duplicate keys the last value wins, at the first one's
place."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LITERALS: dict[str, Json] = {"true": True, "false": False, "null": None}
_quote: Callable[[str], str] = json.encoder.encode_basestring


class Number(str):
    """A JSON number as its source text, such as `1.10`, `1e400` or `-0`."""

    __slots__ = ()


class InvalidJsonError(LeanOpsError, ValueError):
    """A text that RFC 8259 does not allow.

    The message says what was expected and where. It holds nothing of the text, which must not get into logs.
    """

    def __init__(self, expectation: str, text: str, position: int) -> None:
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        super().__init__(f"{expectation} at line {line} column {column} (character {position})")


class _NotANumberError(LeanOpsError, ValueError):
    """The text has NaN or Infinity, which the C scanner accepts and JSON does not."""


def _refuse_constant(name: str) -> None:
    raise _NotANumberError(name)


_decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_refuse_constant)
scan: Callable[[str, int], tuple[Json, int]] = _decoder.scan_once  # type: ignore[attr-defined]
"""The value that begins at a position of a JSON text, and the position behind it. Raises one of SCAN_ERRORS
where there is none, or where only scan_deep can tell."""
SCAN_ERRORS = (RecursionError, StopIteration, _NotANumberError, JSONDecodeError)
"""What scan raises. parse says what is wrong with the text, or reads it after all."""


def _expectation(error: JSONDecodeError) -> str:
    return error.msg.rstrip(": ").removesuffix(" at")


def parse(text: str) -> Json:
    """The value of a JSON text. Raises InvalidJsonError when the text is not JSON."""
    try:
        return _decoder.decode(text)
    except (RecursionError, _NotANumberError):
        return parse_deep(text)
    except JSONDecodeError as error:
        raise InvalidJsonError(_expectation(error), text, error.pos) from None


def compact(value: Json) -> str:
    """The JSON text of a value: without white space, keys in source order, numbers and non-ASCII text
    verbatim."""
    try:
        return _compact(value)
    except RecursionError:
        return _compact_deep(value)


def _compact(value: Json) -> str:
    kind = type(value)
    if kind is str:
        return _quote(value)
    if kind is list:
        return "[" + ",".join([_compact(item) for item in value]) + "]"
    if kind is dict:
        return "{" + ",".join([f"{_quote(key)}:{_compact(item)}" for key, item in value.items()]) + "}"
    return scalar(value) or "null"


def scalar(value: Json) -> str | None:
    """The text of a value that is neither an object nor an array; None for null."""
    if value is None:
        return None
    if value is True:
        return "true"
    return "false" if value is False else str(value)


_END = object()
"""Tells the end of an iterator from any value in it."""


def _compact_deep(value: Json) -> str:
    """Does what _compact does without recursion, for values nested too deep for it."""
    parts: list[str] = []
    todo: list[Json] = [iter((value,))]
    closers = [""]
    separators = [""]
    while todo:
        item: Json = next(todo[-1], _END)
        if item is _END:
            todo.pop()
            separators.pop()
            parts.append(closers.pop())
            continue
        parts.append(separators[-1])
        separators[-1] = ","
        if type(item) is tuple:
            parts.append(_quote(item[0]) + ":")
            item = item[1]
        if type(item) in (list, dict):
            is_list = type(item) is list
            parts.append("[" if is_list else "{")
            closers.append("]" if is_list else "}")
            todo.append(iter(item if is_list else item.items()))
            separators.append("")
        else:
            parts.append(_quote(item) if type(item) is str else scalar(item) or "null")
    return "".join(parts)


def parse_deep(text: str) -> Json:
    """Does what parse does without recursion, for texts nested deeper than the C scanner follows.

    Raises InvalidJsonError.
    """
    value, end = scan_deep(text, skip_space(text, 0))
    end = skip_space(text, end)
    if end != len(text):
        raise InvalidJsonError("Extra data", text, end)
    return value


def scan_deep(text: str, position: int) -> tuple[Json, int]:
    """Does what scan does without recursion. Raises InvalidJsonError."""
    open_containers: list[Json] = []
    keys: list[str] = []
    container: Json
    while True:
        start = text[position : position + 1]
        if start in ("{", "["):
            after = skip_space(text, position + 1)
            container = {} if start == "{" else []
            if text[after : after + 1] == ("}" if start == "{" else "]"):
                value, position = container, after + 1
            else:
                open_containers.append(container)
                position = after
                if start == "{":
                    key, position = read_key(text, position)
                    keys.append(key)
                continue
        else:
            value, position = _read_scalar(text, position, start)
        # A value is complete: add it to its container, and close the containers that are complete with it.
        while True:
            if not open_containers:
                return value, position
            position = skip_space(text, position)
            container = open_containers[-1]
            is_list = type(container) is list
            if is_list:
                container.append(value)
            else:
                container[keys.pop()] = value
            delimiter = text[position : position + 1]
            if delimiter == ",":
                position = skip_space(text, position + 1)
                if not is_list:
                    key, position = read_key(text, position)
                    keys.append(key)
                break
            if delimiter != ("]" if is_list else "}"):
                raise InvalidJsonError("Expecting ',' delimiter", text, position)
            value = open_containers.pop()
            position += 1


def skip_space(text: str, position: int) -> int:
    """The position of the first character from a position on that is no white space of JSON."""
    match = _SPACE.match(text, position)
    return match.end() if match else position


def read_key(text: str, position: int) -> tuple[str, int]:
    """The name of a member that begins at a position, and the position of its value. Raises
    InvalidJsonError."""
    if text[position : position + 1] != '"':
        raise InvalidJsonError("Expecting property name enclosed in double quotes", text, position)
    key, position = _read_string(text, position)
    position = skip_space(text, position)
    if text[position : position + 1] != ":":
        raise InvalidJsonError("Expecting ':' delimiter", text, position)
    return key, skip_space(text, position + 1)


def _read_string(text: str, position: int) -> tuple[str, int]:
    try:
        found: tuple[str, int] = scanstring(text, position + 1, True)
    except JSONDecodeError as error:
        raise InvalidJsonError(_expectation(error), text, error.pos) from None
    return found


def _read_scalar(text: str, position: int, start: str) -> tuple[Json, int]:
    if start == '"':
        return _read_string(text, position)
    number = _NUMBER.match(text, position)
    if number:
        return Number(number.group()), number.end()
    for literal, value in _LITERALS.items():
        if text.startswith(literal, position):
            return value, position + len(literal)
    raise InvalidJsonError("Expecting value", text, position)
