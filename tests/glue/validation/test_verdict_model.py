"""The verdicts on random payloads by random schemas in normal form, against a plain reading of JSON Schema.

The model builds the value that a row's texts stand for and walks it with the schema, keyword by keyword. It
shares nothing with the job but the names of columns.
"""

import json
import re
from decimal import Decimal
from typing import Any

from budget import budget
from flattened import columns_with_opaque
from hypothesis import given, settings
from hypothesis import strategies as st

from lean_ops.validation.topic_schema import read_schema
from lean_ops.validation.validator import RowValidator

ALL = ["array", "boolean", "integer", "number", "object", "string"]
ABSENT = object()
NO_VALUE = object()


# --- JSON Schema, read plainly ---


def kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", Decimal: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def is_type(value: Any, name: str) -> bool:
    if name == "integer":
        return kind(value) == "number" and value == int(value)
    return kind(value) == name


def equal(one: Any, other: Any) -> bool:
    if kind(one) != kind(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    return bool(one == other)


def valid(schema: Any, value: Any, definitions: dict[str, Any]) -> bool:
    if isinstance(schema, bool):
        return schema
    return not any(broken(keyword, schema, value, definitions) for keyword in schema)


def broken(keyword: str, schema: dict[str, Any], value: Any, definitions: dict[str, Any]) -> bool:
    def ok(inner: Any, one: Any) -> bool:
        return valid(inner, one, definitions)

    stated, of = schema[keyword], kind(value)
    if keyword == "$ref":
        return not ok(definitions[stated.removeprefix("#/$defs/")], value)
    if keyword == "type":
        return not any(is_type(value, name) for name in ([stated] if isinstance(stated, str) else stated))
    if keyword == "enum":
        return not any(equal(value, one) for one in stated)
    if keyword == "const":
        return not equal(value, stated)
    if of == "number":
        if keyword == "multipleOf":
            return Decimal(value) % Decimal(stated) != 0
        if keyword in ("minimum", "maximum"):
            return value < stated if keyword == "minimum" else value > stated
    if of == "string":
        if keyword in ("minLength", "maxLength"):
            return len(value) < stated if keyword == "minLength" else len(value) > stated
        if keyword == "pattern":
            return re.search(stated, value) is None
    if of == "array":
        if keyword == "items":
            return not all(ok(stated, one) for one in value[len(schema.get("prefixItems", [])) :])
        if keyword == "prefixItems":
            return not all(ok(inner, one) for inner, one in zip(stated, value, strict=False))
        if keyword == "contains":
            found = sum(ok(stated, one) for one in value)
            return not schema.get("minContains", 1) <= found <= schema.get("maxContains", found)
        if keyword in ("minItems", "maxItems"):
            return len(value) < stated if keyword == "minItems" else len(value) > stated
        if keyword == "uniqueItems":
            return any(equal(one, other) for n, one in enumerate(value) for other in value[:n])
    if of == "object":
        if keyword == "required":
            return any(name not in value for name in stated)
        if keyword == "properties":
            return not all(ok(inner, value[name]) for name, inner in stated.items() if name in value)
        if keyword == "additionalProperties":
            return not all(
                ok(stated, value[name]) for name in value if name not in schema.get("properties", {})
            )
        if keyword == "propertyNames":
            return not all(ok(stated, name) for name in value)
        if keyword in ("minProperties", "maxProperties"):
            return len(value) < stated if keyword == "minProperties" else len(value) > stated
        if keyword == "dependentRequired":
            return any(one not in value for name, needed in stated.items() if name in value for one in needed)
        if keyword == "dependentSchemas":
            return not all(ok(inner, value) for name, inner in stated.items() if name in value)
    if keyword == "allOf":
        return not all(ok(inner, value) for inner in stated)
    if keyword == "anyOf":
        return not any(ok(inner, value) for inner in stated)
    if keyword == "oneOf":
        return sum(ok(inner, value) for inner in stated) != 1
    if keyword == "not":
        return ok(stated, value)
    if keyword == "if":
        return not ok(schema.get("then" if ok(stated, value) else "else", True), value)
    return False


# --- what a row's texts stand for ---


def read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=float, separators=(",", ":"))


def looked_at(text: str, types: list[str]) -> Any:
    """The value of a text: the first of the types, in their order here, that it looks like."""
    try:
        value = read(text)
    except ValueError:
        value = text
    if text[:1] not in ("[", "{") and not re.fullmatch(r"true|false|-?[0-9].*", text):
        value = text
    for name in ("boolean", "integer", "number", "array", "object"):
        if name in types and is_type(value, name):
            return value
    return text if "string" in types else NO_VALUE


def is_there(value: Any) -> bool:
    """Whether flattening leaves anything of a value: an object that holds nothing but nulls is absent."""
    if isinstance(value, dict) and value:
        return any(map(is_there, value.values()))
    return value is not None


def types_of(spec: dict[str, Any]) -> list[str]:
    stated = spec.get("type", ALL)
    return [stated] if isinstance(stated, str) else stated


ORDER_OF_OBJECTS = (
    *("additionalProperties", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas"),
    *("allOf", "anyOf", "oneOf", "not", "if"),
)
COMPANIONS = ("type", "then", "else", "minContains", "maxContains", "x-cde", "x-flatten")


def judged(
    spec: dict[str, Any], members: dict[str, Any], prefix: str, definitions: dict[str, Any], undeclared: str
) -> tuple[set[tuple[str, str]], dict[str, Any]]:
    """Returns what is wrong inside of an object that is there, and the value that it stands for."""
    wrong: set[tuple[str, str]] = set()
    view: dict[str, Any] = {}
    for name, inner in spec["properties"].items():
        column, value = prefix + name, members.get(name)
        if not is_there(value):
            if name in spec.get("required", []):
                wrong.add((column, "required"))
        elif inner.get("type") == "object" and inner.get("x-flatten") is not False:
            if not isinstance(value, dict) and value != "{}":
                wrong.add((column, "type"))
                continue
            inside = value if isinstance(value, dict) else {}
            found, view[name] = judged(inner, inside, f"{column}__", definitions, undeclared)
            wrong |= found
        elif isinstance(value, dict) and value and inner.get("x-flatten") is not False:
            wrong.add((column, "type"))
            view[name] = {}
        else:
            text = text_of(value)
            seen = looked_at(text, types_of(inner))
            view[name] = looked_at(text, ALL) if seen is NO_VALUE else seen
            if seen is NO_VALUE:
                wrong.add((column, "type"))
            else:
                words = [
                    one for one in inner if one not in COMPANIONS and broken(one, inner, seen, definitions)
                ]
                wrong |= {(column, one) for one in words}
    undeclared_members = members.keys() - spec["properties"].keys()
    view |= {name: members[name] for name in undeclared_members if is_there(members[name])}
    for keyword in ORDER_OF_OBJECTS:
        if keyword == "additionalProperties" and undeclared == "record":
            continue
        if keyword in spec and broken(keyword, spec, view, definitions):
            wrong.add((prefix.removesuffix("__") or "$", keyword))
    return wrong, view


# --- random schemas and payloads ---

scalars = st.sampled_from(
    [0, 1, 2, 5, -3, Decimal("1.5"), Decimal("0.1"), True, False, "", "a", "ab", "abc", "5"]
)
texts = st.sampled_from(["true", "1.0", "1e1", "[1]", "[x", "{}", '{"k":1}', "null", "x y"])
values = st.recursive(
    scalars | texts | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("kl"), inner, max_size=2),
    max_leaves=4,
)
some_types = st.lists(st.sampled_from(ALL), min_size=1, max_size=3, unique=True).map(
    lambda names: sorted({*names} - ({"integer"} if "number" in names else set()))
)
small = st.integers(0, 3)


def words(pairs: dict[str, Any], most: int) -> Any:
    """Some of the keywords, with values that are drawn for them."""
    return st.lists(st.sampled_from(sorted(pairs)), max_size=most, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: pairs[name] for name in names})
    )


def composed(inner: Any) -> dict[str, Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return {
        "allOf": several,
        "anyOf": several,
        "oneOf": several,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
    }


def value_words(inner: Any) -> dict[str, Any]:
    named = st.dictionaries(st.sampled_from("kl"), inner, max_size=2)
    names = st.lists(st.sampled_from("kl"), max_size=2, unique=True)
    return {
        "enum": st.lists(values, min_size=1, max_size=3),
        "const": values,
        "minimum": scalars.filter(lambda one: kind(one) == "number"),
        "maximum": st.integers(-2, 3),
        "multipleOf": st.sampled_from([1, 2, Decimal("0.5"), Decimal("0.1")]),
        **dict.fromkeys(
            ["minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"], small
        ),
        "pattern": st.sampled_from(["^a", "b", "^[0-9]+$"]),
        "uniqueItems": st.just(True),
        "items": inner,
        "prefixItems": st.lists(inner, min_size=1, max_size=2),
        "contains": inner,
        "properties": named,
        "required": names,
        "additionalProperties": inner,
        "propertyNames": inner,
        "minProperties": small,
        "maxProperties": small,
        "dependentRequired": st.dictionaries(st.sampled_from("kl"), names, max_size=1),
        "dependentSchemas": st.dictionaries(st.sampled_from("kl"), inner, max_size=1),
        **composed(inner),
    }


type_word = some_types | st.sampled_from([*ALL, "null"])
leaf_schemas = st.booleans() | words({"type": type_word, **value_words(st.booleans())}, 2)
value_schemas = st.recursive(
    leaf_schemas | st.just({"$ref": "#/$defs/d"}),
    lambda inner: words({"type": type_word, **value_words(inner)}, 3),
    max_leaves=4,
)


def object_schemas(children: dict[str, Any]) -> Any:
    """Schemas at an object that becomes columns. children: name to the schemas drawn for a member."""
    names = st.lists(st.sampled_from(sorted(children)), max_size=2, unique=True)
    members = words(children, 3)

    def one(inner: Any) -> Any:
        return words(
            {
                "required": names,
                "properties": members,
                "additionalProperties": st.booleans(),
                "minProperties": small,
                "maxProperties": small,
                "type": st.sampled_from(["object", "string"]),
                "dependentRequired": st.dictionaries(st.sampled_from(sorted(children)), names, max_size=1),
                "dependentSchemas": st.dictionaries(st.sampled_from(sorted(children)), inner, max_size=1),
                **composed(inner),
            },
            3,
        )

    return st.recursive(st.booleans() | one(st.booleans()), one, max_leaves=4)


def assertions(schemas: Any) -> Any:
    """The assertions of an object, of which `type` and its members are the topic's own."""
    kept = ("type", "required", "properties")
    return schemas.map(
        lambda drawn: {} if isinstance(drawn, bool) else {k: v for k, v in drawn.items() if k not in kept}
    )


def leaves(opaque: bool) -> Any:
    types = (
        some_types
        if opaque
        else some_types.map(lambda names: [one for one in names if one != "object"] or ["string"])
    )

    def leaf(names: list[str]) -> Any:
        own = {"type": names[0] if len(names) == 1 else names} | (
            {"x-flatten": False} if "object" in names else {}
        )
        return words(value_words(value_schemas), 3).map(lambda drawn: drawn | own)

    return types.flatmap(leaf)


inside = {"a": value_schemas, "b": value_schemas}
documents = st.fixed_dictionaries(
    {
        "own": assertions(object_schemas({**inside, "m": object_schemas(inside)})),
        "a": leaves(opaque=True),
        "b": leaves(opaque=False),
        "m": st.fixed_dictionaries(
            {"own": assertions(object_schemas(inside)), "a": leaves(False), "b": leaves(False)}
        ),
        "required": st.lists(st.sampled_from("abm"), max_size=1),
        "undeclared": st.sampled_from(["record", "note", "reject"]),
        "d": leaf_schemas,
    }
).map(
    lambda drawn: {
        **drawn["own"],
        "type": "object",
        "x-topic": "a.b",
        "x-version": 1,
        "x-undeclared": drawn["undeclared"],
        "$defs": {"d": drawn["d"]},
        "required": drawn["required"],
        "properties": {
            "a": drawn["a"],
            "b": drawn["b"],
            "m": {
                **drawn["m"]["own"],
                "type": "object",
                "properties": {"a": drawn["m"]["a"], "b": drawn["m"]["b"]},
            },
        },
    }
)
payloads = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "a": values,
            "b": values,
            "z": values,
            "m": st.fixed_dictionaries({}, optional={"a": values, "b": values, "z": values}) | values,
        },
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=budget(each_run=200, thorough=20_000))
@given(documents, payloads)
def test_the_verdicts_are_those_of_a_plain_reading(document, drawn):
    text = json.dumps(document, default=float)
    schema, plain = read_schema(text, "a.b"), read(text)
    payload_texts = [json.dumps(one, default=float) for one in drawn]
    opaque = {"a"} if plain["properties"]["a"].get("x-flatten") is False else set()
    rows = [columns_with_opaque(one, opaque) for one in payload_texts]
    found = [
        {(one.column, one.rule) for one in row.violations} for row in RowValidator(schema).validate_rows(rows)
    ]
    expected = [
        judged(plain, read(one), "", plain["$defs"], plain["x-undeclared"])[0] for one in payload_texts
    ]
    assert found == expected
