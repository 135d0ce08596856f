"""A topic's schema as the Curated job reads it: an accepted schema file becomes a typed model.

schemas/meta-schema.json and schema-validator decide what a schema may say (docs/topic-schema.md). Here a
keyword that the job does not enforce is refused, not ignored. The same model for Athena's SQL is in
packages/common/src/core/validation-sql/validation-schema.ts.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from lean_ops.columns import names
from lean_ops.errors import LeanOpsError

CONSTRAINTS = (
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
)
# Assertions of JSON Schema 2020-12 that the job does not enforce.
# fmt: off
_NOT_ENFORCED = frozenset(
    (
        "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas",
        "dependentRequired", "prefixItems", "contains", "minContains", "maxContains", "uniqueItems",
        "minItems", "maxItems", "multipleOf", "patternProperties", "propertyNames", "minProperties",
        "maxProperties", "unevaluatedItems", "unevaluatedProperties", "contentEncoding", "contentMediaType",
        "contentSchema",
    )
)
# fmt: on
_MAX_VERSION = 2**31 - 1
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_TYPES = {
    ("string", None, None): "string",
    ("string", "date-time", None): "timestamp_ntz",
    ("string", "date", None): "date",
    ("integer", None, None): "bigint",
    ("integer", None, "int"): "int",
    ("number", None, None): "double",
    ("number", None, "float"): "float",
    ("boolean", None, None): "boolean",
    ("array", None, None): "string",
    ("object", None, None): "string",
}
"""(type, format, x-type) to Spark's type, as in schemas/type-table.json, where Iceberg's name of
timestamp_ntz is timestamp."""


class SchemaError(LeanOpsError, ValueError):
    """The schema demands what the job cannot do. The message names the field."""


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
    data_type: the column's type by Spark's name.
    cde: it is a critical data element: a row without a valid value is rejected.
    required: its absence is a violation where the object around it is there.
    parents: the columns of the objects around it, outermost first.
    constraints: keyword to the schema's value, numbers as int or Decimal.
    former_names: where the value is looked for in events that have none in `column`, in this order.
    opaque: an object in it is kept as the JSON text that was sent, and not flattened.
    """

    column: str
    member_prefix: str
    json_type: str
    data_type: str
    cde: bool
    required: bool
    parents: tuple[str, ...]
    constraints: Mapping[str, Any]
    former_names: tuple[FormerName, ...] = ()
    opaque: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of which the first that has a text has the field's."""
        return (self.column, *(former.column for former in self.former_names))


@dataclass(frozen=True)
class ObjectField:
    """An object inside the payload. It has no column in Curated; Standardized has one where it came empty.

    member_prefix: the beginning of its members' columns.
    """

    column: str
    member_prefix: str
    required: bool
    parents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TopicSchema:
    """The schema of a topic.

    event_time_stable: corrections of a record keep the envelope's event_time.
    backfill: the rows from before this version are validated again by it.
    """

    topic: str
    version: int
    fields: tuple[Field, ...]
    objects: tuple[ObjectField, ...]
    event_time_stable: bool = False
    backfill: bool = False

    @property
    def opaque_columns(self) -> frozenset[str]:
        """The columns of Standardized whose objects are kept as sent, those of former names included."""
        return frozenset(source for field in self.fields if field.opaque for source in field.sources)


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
    found = list(_walk(document, (), ()))
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


def _walk(
    node: Mapping[str, Any], path: tuple[str, ...], parents: tuple[str, ...]
) -> Iterator[Field | ObjectField]:
    properties, required = node.get("properties", {}), node.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise SchemaError(
            f"{names.path_text(path) or 'the root'}: properties is no object, or required is no list"
        )
    for name, spec in properties.items():
        here = (*path, name)
        if not isinstance(spec, dict):
            raise SchemaError(f"{names.path_text(here)}: describes no field")
        unknown = sorted(_NOT_ENFORCED & spec.keys())
        if unknown or spec.get("additionalProperties") is False:
            raise SchemaError(
                f"{names.path_text(here)}: {', '.join(unknown) or 'additionalProperties'} is not enforced"
            )
        column = names.column_name(here)
        opaque = spec.get("x-flatten") is False
        if spec.get("type") == "object" and not opaque:
            yield ObjectField(column, names.member_prefix(here), name in required, parents)
            yield from _walk(spec, here, (*parents, column))
        else:
            constraints = {keyword: spec[keyword] for keyword in CONSTRAINTS if keyword in spec}
            yield Field(
                column=column,
                member_prefix=names.member_prefix(here),
                json_type=str(spec.get("type")),
                data_type=_data_type(spec, here),
                cde=spec.get("x-cde") is True,
                required=name in required,
                parents=parents,
                constraints=constraints,
                former_names=_former_names(spec, here),
                opaque=opaque,
            )


def _former_names(spec: Mapping[str, Any], path: tuple[str, ...]) -> tuple[FormerName, ...]:
    """The names that x-renamed-from states: a path, or a list of paths."""
    stated = spec.get("x-renamed-from", [])
    texts = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(text, str) and text for text in texts):
        raise SchemaError(f"{names.path_text(path)}: x-renamed-from is neither a path nor a list of paths")
    paths = [names.path_segments(text) for text in texts]
    return tuple(FormerName(names.column_name(one), names.member_prefix(one)) for one in paths)


def _data_type(spec: Mapping[str, Any], path: tuple[str, ...]) -> str:
    kind, form, exact = spec.get("type"), spec.get("format"), spec.get("x-type")
    decimal = _DECIMAL.fullmatch(exact) if isinstance(exact, str) else None
    if kind == "number" and form is None and decimal:
        precision, scale = int(decimal[1]), int(decimal[2])
        if 1 <= precision <= 38 and scale <= precision:
            return f"decimal({precision},{scale})"
    found = _TYPES.get((kind, form, exact)) if isinstance(kind, str) else None
    if found is None:
        raise SchemaError(
            f"{names.path_text(path)}: no column for type {kind!r}, format {form!r}, x-type {exact!r}"
        )
    return found
