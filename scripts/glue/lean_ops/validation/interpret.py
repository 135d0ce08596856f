"""The JSON value that a text of Standardized stands for, by the types that its field may have.

Standardized stores every value as text, so 5 and "5" look alike there. A text is the first of these that it
looks like and that is among the field's types:

- boolean: `true` or `false`
- integer: JSON's number form with a whole value, such as `5`, `1.0` and `1e3`
- number: JSON's number form
- array: JSON text from its bracket to its bracket
- object: JSON text from its brace to its brace
- string: any text

All keywords but a field's own type are then about that value, exactly as JSON Schema says. Null and absence
are the same, so there is no text for null. packages/common/src/core/validation-sql has the same in SQL.
"""

from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa

from lean_ops.payload.json_text import InvalidJsonError, Json, Number, parse
from lean_ops.validation.exact_number import is_number, is_whole
from lean_ops.validation.json_value import TYPES, Check, Double, Run, judge
from lean_ops.validation.time_limit import Read

NO_VALUE = object()
"""Stands for a text that is no value of the field's types."""
_BRACKETS = {"[": "]", "{": "}"}
_CONTAINERS = {"[": "array", "{": "object"}

Interpret = Callable[[str], Json]
"""Returns the value of a text, or NO_VALUE."""


def interpreter(types: Iterable[str], as_doubles: bool = False) -> Interpret:
    """Returns what reads texts of a field that has one of these types.

    as_doubles: numbers are compared as the nearest doubles.
    """
    wanted = frozenset(types)
    number = Double if as_doubles else Number

    def interpret(text: str) -> Json:
        if text in ("true", "false") and "boolean" in wanted:
            return text == "true"
        if "number" in wanted and is_number(text):
            return number(text)
        if "integer" in wanted and is_whole(text):
            return number(text)
        first = text[:1]
        if first in _BRACKETS and _CONTAINERS[first] in wanted and text[-1] == _BRACKETS[first]:
            try:
                return parse(text)
            except InvalidJsonError:
                pass
        return text if "string" in wanted else NO_VALUE

    return interpret


ANY = interpreter(TYPES)
"""Reads texts by their looks alone."""


def judge_texts(texts: pa.Array, interpret: Interpret, checks: Sequence[Check], read: Read) -> list[pa.Array]:
    """Returns for each check whether the value of each text is valid; null where there is no text.

    A text that is none of the field's types is judged by its looks. Each different text is read once, and no
    more than one of their values is in memory at a time.

    read: is called with the index of the first row of each text. Raises what that raises.
    """

    def judged(text: str) -> list[bool]:
        value = interpret(text)
        if value is NO_VALUE:
            value = ANY(text)
        run = Run()
        return [judge(check, value, run) for check in checks]

    return _of_texts(texts, judged, len(checks), read)


def are_values(texts: pa.Array, interpret: Interpret, read: Read) -> pa.Array:
    """Returns whether each text is a value; null where there is no text. read: as in judge_texts."""
    [found] = _of_texts(texts, lambda text: [interpret(text) is not NO_VALUE], 1, read)
    return found


def _of_texts(
    texts: pa.Array, say: Callable[[str], Sequence[bool]], width: int, read: Read
) -> list[pa.Array]:
    """Returns `width` boolean arrays of what is said of each text, and null where there is none."""
    encoded = texts.dictionary_encode()
    first: dict[int, int] = {}
    for n, code in enumerate(encoded.indices.to_pylist()):
        first.setdefault(code, n)
    found: list[list[bool]] = [[] for _ in range(width)]
    for code, text in enumerate(encoded.dictionary.to_pylist()):
        for results, result in zip(found, say(text), strict=True):
            results.append(result)
        read(first[code])
    return [pa.array(results, pa.bool_()).take(encoded.indices) for results in found]
