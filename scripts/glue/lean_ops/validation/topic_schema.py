"""A topic's schema as the Curated job reads it: an accepted schema file becomes a typed model.

schemas/meta-schema.json and schema-validator decide what a schema may say (docs/topic-schema.md). Here a
keyword that the job does not enforce is refused, not ignored. The same model for Athena's SQL is in
packages/common/src/core/validation-sql/validation-schema.ts.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lean_ops.columns import names
from lean_ops.errors import LeanOpsError
from lean_ops.validation.casts import DATE_TIME, RFC_3339, TimeForms
from lean_ops.validation.formats import CASTS
from lean_ops.validation.json_value import KEYWORDS, TYPES
from lean_ops.validation.subschemas import (
    endless_references,
    flattened_problems,
    is_flattened,
    problems,
    without_pointers,
    without_unenforced,
)

OF_TYPES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum"), ("integer", "number")),
    **dict.fromkeys(("exclusiveMaximum", "multipleOf"), ("integer", "number")),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), ("string",)),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems", "items", "prefixItems", "contains"), ("array",)),
    **dict.fromkeys(("properties", "required", "patternProperties", "additionalProperties"), ("object",)),
    **dict.fromkeys(("propertyNames", "minProperties", "maxProperties"), ("object",)),
    **dict.fromkeys(("dependentRequired", "dependentSchemas"), ("object",)),
}
"""Keyword to the types of which it says something. Keywords that are not in it are about all of them."""
OBJECT_ASSERTIONS = (
    *("additionalProperties", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas"),
    *("allOf", "anyOf", "oneOf", "not", "if"),
)
"""The keywords by which a flattened object is judged as a whole, in the order in which they are reported."""
UNDECLARED = ("record", "note", "reject")
"""What x-undeclared may say of members that an object with `additionalProperties: false` does not declare."""
_MAX_VERSION = 2**31 - 1
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_EPOCH_TIME = re.compile(r"timestamp\((s|ms|us)\)")
_TYPES = {
    ("integer", None): "bigint",
    ("integer", "int"): "int",
    ("number", None): "double",
    ("number", "float"): "float",
    ("boolean", None): "boolean",
    ("array", None): "string",
}
"""(type, x-type) to Spark's type, as in schemas/type-table.json, where Iceberg's name of timestamp_ntz is
timestamp. What texts become is by their format, and a field of several types is a string."""


class SchemaError(LeanOpsError, ValueError):
    """The schema demands what the job cannot do. The message names the field."""


ROOT = "$"
"""Stands for the payload where a violation names a column."""


@dataclass(frozen=True)
class FormerName:
    """A column that a field had in older events.

    member_prefix: the beginning of the columns that an object in its place would have.
    """

    column: str
    member_prefix: str


@dataclass(frozen=True, kw_only=True)
class Field:
    """A leaf of the schema, and the Curated column that it becomes.

    member_prefix: the beginning of the columns that an object in the field's place would have.
    types: the types that its value may have, sorted, never integer beside number.
    data_type: the column's type by Spark's name.
    cde: it is a critical data element: a row without a valid value is rejected.
    required: its absence is a violation where the object around it is there.
    parents: the columns of the objects around it, outermost first.
    constraints: keyword to the schema's value, numbers as int or Decimal: those of json_value.KEYWORDS that
    say something of its types, in that order, but for a format that the data type has.
    spec: the field in the schema.
    times: the forms that its times may have.
    former_names: where the value is looked for in events that have none in `column`, in this order.
    """

    column: str
    member_prefix: str
    types: tuple[str, ...]
    data_type: str
    cde: bool
    required: bool
    parents: tuple[str, ...]
    constraints: Mapping[str, Any]
    spec: Mapping[str, Any] = field(default_factory=dict)
    times: TimeForms = RFC_3339
    former_names: tuple[FormerName, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of which the first that has a text has the field's."""
        return (self.column, *(former.column for former in self.former_names))


@dataclass(frozen=True)
class ObjectField:
    """An object inside the payload. It has no column in Curated; Standardized has one where it came empty.

    member_prefix: the beginning of its members' columns.
    path: the names on the way to it.
    cde: a row that breaks one of its assertions is rejected.
    assertions: keyword of OBJECT_ASSERTIONS to the schema's value.
    spec: the object in the schema.
    """

    column: str
    member_prefix: str
    required: bool
    parents: tuple[str, ...]
    path: tuple[str, ...] = ()
    cde: bool = False
    assertions: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TopicSchema:
    """The schema of a topic.

    event_time_stable: corrections of a record keep the envelope's event_time.
    backfill: the rows from before this version are validated again by it.
    root: the payload, of which the column is ROOT, and which no row lacks.
    definitions: name to schema, what a `$ref` may name.
    undeclared: one of UNDECLARED.
    """

    topic: str
    version: int
    fields: tuple[Field, ...]
    objects: tuple[ObjectField, ...]
    root: ObjectField = ObjectField(ROOT, "", True, ())
    definitions: Mapping[str, Any] = field(default_factory=dict)
    undeclared: str = UNDECLARED[0]
    event_time_stable: bool = False
    backfill: bool = False


def read_schema(text: str, topic: str) -> TopicSchema:
    """Returns the model of an active schema file. Raises SchemaError."""
    try:
        document = json.loads(text, parse_float=_number(Decimal), parse_int=_number(int))
    except SchemaError:
        raise
    except ValueError as error:
        raise SchemaError(f"the active schema is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("type") != "object":
        raise SchemaError("the active schema describes no object")
    if document.get("x-topic") != topic:
        raise SchemaError(f"the active schema is of the topic {document.get('x-topic')!r}")
    version = _whole(document.get("x-version"))
    if version is None:
        raise SchemaError("x-version is no whole number")
    document = without_unenforced(without_pointers(document))
    definitions = document.get("$defs", {})
    if not isinstance(definitions, dict):
        raise SchemaError("$defs is no object")
    _refuse("$defs", (one for each in definitions.values() for one in problems(each, definitions)))
    _refuse("$defs", endless_references(definitions))
    undeclared = document.get("x-undeclared", UNDECLARED[0])
    if undeclared not in UNDECLARED:
        raise SchemaError(f"x-undeclared is none of {', '.join(UNDECLARED)}")
    root = _object_of(document, (), (), True, definitions)
    found = list(_walk(document, (), (), definitions))
    fields = tuple(one for one in found if isinstance(one, Field))
    objects = tuple(one for one in found if isinstance(one, ObjectField))
    columns = [column for field in fields for column in field.sources]
    shared = sorted({column for column in columns if columns.count(column) > 1})
    if shared:
        raise SchemaError(f"more than one field ends in the column {', '.join(shared)}")
    # Where x-event-time names a field, the promise is about that field, not about the envelope.
    stable = document.get("x-event-time-stable") is True and "x-event-time" not in document
    return TopicSchema(
        topic=topic,
        version=version,
        fields=fields,
        objects=objects,
        root=root,
        definitions=definitions,
        undeclared=undeclared,
        event_time_stable=stable,
        backfill=document.get("x-backfill") is True,
    )


def _number(read: Callable[[str], int | Decimal]) -> Callable[[str], int | Decimal]:
    def number(text: str) -> int | Decimal:
        try:
            return read(text)
        except (ValueError, InvalidOperation):
            # Python reads no exponent of 19 digits and no integer of 4,301. The schema check refuses both.
            raise SchemaError(
                f"the active schema has the number {text[:60]}, which is too large or too small to be read: "
                "put a mended schema under pending/"
            ) from None

    return number


def _whole(value: object) -> int | None:
    """Returns a whole number from 1 to _MAX_VERSION, or None for any other value.

    1.0 and 1e0 are whole numbers too, as in JSON Schema.
    """
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not 1 <= value <= _MAX_VERSION:
        return None
    return int(value) if value == int(value) else None


def _refuse(place: str, found: Iterator[str]) -> None:
    for problem in found:
        raise SchemaError(f"{place}: {problem}")


def _walk(
    node: Mapping[str, Any],
    path: tuple[str, ...],
    parents: tuple[str, ...],
    definitions: Mapping[str, Any],
) -> Iterator[Field | ObjectField]:
    required = node.get("required", [])
    for name, spec in node.get("properties", {}).items():
        here = (*path, name)
        if not isinstance(spec, dict):
            raise SchemaError(f"{names.path_text(here)}: describes no field")
        if is_flattened(spec):
            inside = _object_of(spec, here, parents, name in required, definitions)
            yield inside
            yield from _walk(spec, here, (*parents, inside.column), definitions)
        else:
            yield _field_of(spec, here, parents, name in required, definitions)


def _object_of(
    spec: Mapping[str, Any],
    path: tuple[str, ...],
    parents: tuple[str, ...],
    required: bool,
    definitions: Mapping[str, Any],
) -> ObjectField:
    place = names.path_text(path) or "the root"
    properties, members = spec.get("properties", {}), spec.get("required", [])
    if not isinstance(properties, dict) or not isinstance(members, list):
        raise SchemaError(f"{place}: properties is no object, or required is no list")
    # The members are looked at one by one, and the object's own word `required` has been.
    own = {word: value for word, value in spec.items() if word not in ("properties", "required")}
    _refuse(place, problems(own, definitions))
    _refuse(place, flattened_problems(own, spec, definitions))
    if "$ref" in own:
        raise SchemaError(f"{place}: $ref is not enforced")
    return ObjectField(
        column=names.column_name(path) if path else ROOT,
        member_prefix=names.member_prefix(path) if path else "",
        required=required,
        parents=parents,
        path=path,
        cde=spec.get("x-cde") is True,
        assertions={word: own[word] for word in OBJECT_ASSERTIONS if word in own},
        spec=spec,
    )


def _field_of(
    spec: Mapping[str, Any],
    path: tuple[str, ...],
    parents: tuple[str, ...],
    required: bool,
    definitions: Mapping[str, Any],
) -> Field:
    place = names.path_text(path)
    _refuse(place, problems(spec, definitions))
    types, times = _types(spec, place), _time_forms(spec, place)
    data_type = _data_type(spec, types, place)
    if "object" in types and spec.get("x-flatten") is not False:
        raise SchemaError(f"{place}: no column for an object, unless x-flatten is false")
    constraints = {
        keyword: spec[keyword]
        for keyword in KEYWORDS
        if keyword in spec and set(OF_TYPES.get(keyword, types)) & set(_with_integer(types))
    }
    if types == ("string",) and CASTS.get(spec.get("format", "")) == data_type:
        del constraints["format"]
    return Field(
        column=names.column_name(path),
        member_prefix=names.member_prefix(path),
        types=types,
        data_type=data_type,
        cde=spec.get("x-cde") is True,
        required=required,
        parents=parents,
        constraints=constraints,
        spec=spec,
        times=times,
        former_names=_former_names(spec, path),
    )


def _types(spec: Mapping[str, Any], place: str) -> tuple[str, ...]:
    stated = spec.get("type", list(TYPES))
    named = {stated} if isinstance(stated, str) else set(stated)
    if not named or "null" in named:
        raise SchemaError(f"{place}: no column for type {stated!r}")
    return tuple(sorted(named - {"integer"} if "number" in named else named))


def _with_integer(types: tuple[str, ...]) -> tuple[str, ...]:
    return (*types, "integer") if "number" in types else types


def _time_forms(spec: Mapping[str, Any], place: str) -> TimeForms:
    exact, zone, forms = spec.get("x-type"), spec.get("x-time-zone"), spec.get("x-time-forms", "strict")
    unit = _EPOCH_TIME.fullmatch(exact) if isinstance(exact, str) else None
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (TypeError, ValueError, OSError, ZoneInfoNotFoundError):
            raise SchemaError(f"{place}: x-time-zone {zone!r} is no time zone") from None
    if forms not in ("strict", "lenient"):
        raise SchemaError(f"{place}: x-time-forms {forms!r} is not known")
    return TimeForms(unit=unit[1] if unit else None, zone=zone, lenient=forms == "lenient")


def _former_names(spec: Mapping[str, Any], path: tuple[str, ...]) -> tuple[FormerName, ...]:
    """The names that x-renamed-from states: a path, or a list of paths."""
    stated = spec.get("x-renamed-from", [])
    texts = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(text, str) and text for text in texts):
        raise SchemaError(f"{names.path_text(path)}: x-renamed-from is neither a path nor a list of paths")
    paths = [names.path_segments(text) for text in texts]
    return tuple(FormerName(names.column_name(one), names.member_prefix(one)) for one in paths)


def _data_type(spec: Mapping[str, Any], types: tuple[str, ...], place: str) -> str:
    form, exact = spec.get("format"), spec.get("x-type")
    if exact is None:
        if len(types) > 1 or types == ("object",):
            return "string"
        return CASTS.get(str(form), "string") if types == ("string",) else _TYPES[types[0], None]
    if len(types) == 1 and isinstance(exact, str):
        decimal = _DECIMAL.fullmatch(exact)
        if types == ("number",) and decimal:
            precision, scale = int(decimal[1]), int(decimal[2])
            if 1 <= precision <= 38 and scale <= precision:
                return f"decimal({precision},{scale})"
        if types in (("integer",), ("number",)) and _EPOCH_TIME.fullmatch(exact):
            return DATE_TIME
        if (types[0], exact) in _TYPES:
            return _TYPES[types[0], exact]
    raise SchemaError(f"{place}: no column for type {' or '.join(types)}, x-type {exact!r}")
