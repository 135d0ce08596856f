"""Which schemas the Curated job can judge values by: what keeps it from that is said as a sentence.

schema-validator brings every schema into the normal form that the job reads (docs/topic-schema.md). Whatever
else lies under active/ is refused here, so that no keyword that asserts is ignored.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from lean_ops.validation.formats import is_enforced
from lean_ops.validation.json_value import TYPES, definition_name
from lean_ops.validation.patterns import python_pattern

NOT_ENFORCED_WORD = "x-not-enforced"
COMPOSITION = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_NEVER_ENFORCED = (
    *("$dynamicRef", "$recursiveRef", "additionalItems", "contentSchema", "dependencies"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_NOT_FLATTENED = ("const", "enum", "patternProperties", "propertyNames")
"""Keywords that nobody can judge by the columns of an object's members."""
_SCHEMA = ("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else")
_SCHEMA_LISTS = ("prefixItems", "allOf", "anyOf", "oneOf")
_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas")
_IN_PLACE = ("not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas")
_MAX_DEPTH = 100


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_pattern(value: Any) -> bool:
    try:
        re.compile(python_pattern(value), re.ASCII)
    except (re.error, TypeError, OverflowError, RecursionError):
        return False
    return True


def _are_types(value: Any) -> bool:
    named = [value] if isinstance(value, str) else value
    return isinstance(named, list) and all(one in (*TYPES, "null") for one in named)


_FORMS: Mapping[str, Callable[[Any], bool]] = {
    "type": _are_types,
    "enum": lambda value: isinstance(value, list),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_count),
    **dict.fromkeys(("minProperties", "maxProperties", "minContains", "maxContains"), _is_count),
    "pattern": _is_pattern,
    "uniqueItems": lambda value: isinstance(value, bool),
    "required": _are_names,
    "dependentRequired": lambda value: isinstance(value, dict) and all(map(_are_names, value.values())),
    **dict.fromkeys(_SCHEMA, lambda value: isinstance(value, (bool, dict))),
    **dict.fromkeys(_SCHEMA_LISTS, lambda value: isinstance(value, list)),
    **dict.fromkeys(_SCHEMA_MAPS, lambda value: isinstance(value, dict)),
    "$ref": lambda value: isinstance(value, str),
}
"""The forms in which keywords are understood."""


def problems(schema: Any, definitions: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Says what of a schema cannot be enforced, wherever the schema stands.

    Its references are followed no further than to see that they are to a definition.
    """
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield "a schema is neither an object nor a boolean"
        return
    if depth > _MAX_DEPTH:
        yield f"schemas are nested in more than {_MAX_DEPTH} levels"
        return
    for word in _NEVER_ENFORCED:
        if word in schema:
            yield f"{word} is not enforced"
    for word, has_form in _FORMS.items():
        if word in schema and not has_form(schema[word]):
            yield f"{word} has a form that is not understood"
            return
    if "format" in schema and not is_enforced(schema["format"]):
        yield f"the format {schema['format']!r} is not enforced"
    if "$ref" in schema and definition_name(schema["$ref"]) not in definitions:
        yield f"the $ref {schema['$ref']!r} is to no definition of the schema"
    yield from (f"the pattern {one!r} is not understood" for one in _bad_patterns(schema))
    for inner in _schemas_in(schema, (*_SCHEMA, *_SCHEMA_LISTS, *_SCHEMA_MAPS)):
        yield from problems(inner, definitions, depth + 1)


def _bad_patterns(schema: Mapping[str, Any]) -> Iterator[str]:
    return (one for one in schema.get("patternProperties", {}) if not _is_pattern(one))


def _schemas_in(schema: Mapping[str, Any], words: tuple[str, ...]) -> Iterator[Any]:
    for word in words:
        if word not in schema:
            continue
        value = schema[word]
        if word in _SCHEMA_LISTS:
            yield from value
        elif word in _SCHEMA_MAPS:
            yield from value.values()
        else:
            yield value


def endless_references(definitions: Mapping[str, Any]) -> Iterator[str]:
    """Says which definitions come to themselves without descending into a member or an item. All of them are
    without problems."""
    done: set[str] = set()
    for start in definitions:
        path: list[str] = []
        todo = [(start, _references_in_place(definitions[start]))]
        while todo:
            name, following = todo[-1]
            if name not in path:
                path.append(name)
            after = next((one for one in following if one not in done), None)
            if after is None:
                todo.pop()
                done.add(path.pop())
            elif after in path:
                yield f"the definition {after!r} is made of itself"
                return
            else:
                todo.append((after, _references_in_place(definitions[after])))


def _references_in_place(schema: Any) -> Iterator[str]:
    """The names of the definitions by which a schema says something of the same value."""
    if not isinstance(schema, dict):
        return
    name = definition_name(schema["$ref"]) if "$ref" in schema else None
    if name is not None:
        yield name
    for inner in _schemas_in(schema, _IN_PLACE):
        yield from _references_in_place(inner)


def flattened_problems(
    schema: Any, node: Mapping[str, Any], definitions: Mapping[str, Any], seen: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Says what of a schema cannot be judged by the columns of a flattened object's members.

    schema: without problems. node: the object in the topic's schema, of which `properties` counts. seen: the
    definitions that were followed to this object.
    """
    if not isinstance(schema, dict):
        return
    for word in _NOT_FLATTENED:
        if word in schema:
            yield f"{word} is not enforced where an object becomes columns"
    if schema.get("additionalProperties", False) not in (True, False, {}):
        yield "a schema in additionalProperties is not enforced where an object becomes columns"
    name = definition_name(schema["$ref"]) if "$ref" in schema else None
    if name is not None and name not in seen:
        yield from flattened_problems(definitions[name], node, definitions, seen | {name})
    for inner in _schemas_in(schema, _IN_PLACE):
        yield from flattened_problems(inner, node, definitions, seen)
    members = node.get("properties", {})
    for name, inner in schema.get("properties", {}).items():
        if name in members and is_flattened(members[name]):
            yield from flattened_problems(inner, members[name], definitions)


def is_flattened(node: Any) -> bool:
    """Whether a member of the topic's schema is an object whose members become columns."""
    return isinstance(node, dict) and node.get("type") == "object" and node.get("x-flatten") is not False


def without_unenforced(schema: Any, depth: int = 0) -> Any:
    """Returns a copy of a schema without the words that `x-not-enforced` names where they stand."""
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return schema
    named = schema.get(NOT_ENFORCED_WORD)
    dropped = {one for one in named if isinstance(one, str)} if isinstance(named, list) else set()
    kept = {word: value for word, value in schema.items() if word not in dropped}
    for word, value in kept.items():
        if word in _SCHEMA:
            kept[word] = without_unenforced(value, depth + 1)
        elif word in _SCHEMA_LISTS and isinstance(value, list):
            kept[word] = [without_unenforced(one, depth + 1) for one in value]
        elif word in (*_SCHEMA_MAPS, "$defs") and isinstance(value, dict):
            kept[word] = {name: without_unenforced(one, depth + 1) for name, one in value.items()}
    return kept


def without_pointers(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy of a topic's schema without the words to which `x-not-enforced` of the root points."""
    kept: dict[str, Any] = dict(document)
    named = document.get(NOT_ENFORCED_WORD)
    for pointer in named if isinstance(named, list) else ():
        if isinstance(pointer, str) and pointer.startswith("/"):
            segments = [one.replace("~1", "/").replace("~0", "~") for one in pointer[1:].split("/")]
            _drop(kept, segments)
    return kept


def _drop(node: Any, segments: list[str]) -> None:
    """Takes the value at a path out of a tree, of which only the root may be changed."""
    for n, segment in enumerate(segments):
        last = n == len(segments) - 1
        if isinstance(node, dict) and segment in node:
            if last:
                del node[segment]
                return
            copied = node[segment].copy() if isinstance(node[segment], (dict, list)) else None
            node[segment] = node = copied
        elif isinstance(node, list) and segment.isdecimal() and int(segment) < len(node) and not last:
            at = int(segment)
            copied = node[at].copy() if isinstance(node[at], (dict, list)) else None
            node[at] = node = copied
        else:
            return
