"""JSON as text in, text out, by RFC 8259 to the letter: numbers keep their source text, at any depth.

CPython's C scanner does the work; where it stops (about a thousand levels) an iterative parser takes over
that accepts and refuses the same texts, so no nesting can end the process.
"""

import json
import re
from collections.abc import Callable
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

from lean_ops.errors import LeanOpsError

Json = Any
"""dict (last of duplicate keys wins, at the first one's place), list, str, Number, True, False or None."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LITERALS: dict[str, Json] = {"true": True, "false": False, "null": None}
_quote: Callable[[str], str] = json.encoder.encode_basestring


class Number(str):
    """A JSON number by its source text: `1.10`, `1e400`, `-0`."""

    __slots__ = ()


class InvalidJsonError(LeanOpsError, ValueError):
    """Not what RFC 8259 allows. The message says what was expected and where, and holds nothing of the
    text."""

    def __init__(self, expectation: str, text: str, position: int) -> None:
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        super().__init__(f"{expectation} at line {line} column {column} (character {position})")


class _NotANumberError(LeanOpsError, ValueError):
    """NaN or Infinity, which the C scanner knows and JSON does not."""


def _refuse_constant(name: str) -> None:
    raise _NotANumberError(name)


_decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_refuse_constant)


def _expectation(error: JSONDecodeError) -> str:
    return error.msg.rstrip(": ").removesuffix(" at")


def parse(text: str) -> Json:
    """The value of a JSON text. Raises InvalidJsonError."""
    try:
        return _decoder.decode(text)
    except (RecursionError, _NotANumberError):
        return parse_deep(text)
    except JSONDecodeError as error:
        raise InvalidJsonError(_expectation(error), text, error.pos) from None


def compact(value: Json) -> str:
    """JSON text without white space, in source order, numbers verbatim, non-ASCII characters as they are."""
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
    """The text of a value that is neither object nor array; None for null."""
    if value is None:
        return None
    if value is True:
        return "true"
    return "false" if value is False else str(value)


def _compact_deep(value: Json) -> str:
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


_END = object()


def parse_deep(text: str) -> Json:
    """Like parse, without recursion: for texts nested deeper than the C scanner follows. Raises
    InvalidJsonError."""
    open_containers: list[Json] = []
    keys: list[str] = []
    position = _skip(text, 0)
    while True:
        start = text[position : position + 1]
        if start in ("{", "["):
            after = _skip(text, position + 1)
            container: Json = {} if start == "{" else []
            if text[after : after + 1] == ("}" if start == "{" else "]"):
                value, position = container, after + 1
            else:
                open_containers.append(container)
                position = after
                if start == "{":
                    position = _read_key(text, position, keys)
                continue
        else:
            value, position = _read_scalar(text, position, start)
        # A value is complete: hand it to what holds it, and close what is complete with it.
        while True:
            position = _skip(text, position)
            if not open_containers:
                if position != len(text):
                    raise InvalidJsonError("Extra data", text, position)
                return value
            holder = open_containers[-1]
            is_list = type(holder) is list
            if is_list:
                holder.append(value)
            else:
                holder[keys.pop()] = value
            mark = text[position : position + 1]
            if mark == ",":
                position = _skip(text, position + 1)
                if not is_list:
                    position = _read_key(text, position, keys)
                break
            if mark != ("]" if is_list else "}"):
                raise InvalidJsonError("Expecting ',' delimiter", text, position)
            value = open_containers.pop()
            position += 1


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _read_key(text: str, position: int, keys: list[str]) -> int:
    if text[position : position + 1] != '"':
        raise InvalidJsonError("Expecting property name enclosed in double quotes", text, position)
    key, position = _read_string(text, position)
    keys.append(key)
    position = _skip(text, position)
    if text[position : position + 1] != ":":
        raise InvalidJsonError("Expecting ':' delimiter", text, position)
    return _skip(text, position + 1)


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
