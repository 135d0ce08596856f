"""The assertions of a topic's objects (`oneOf`, `if`, `dependentRequired`, …), over whole columns.

An object inside the payload has no value of its own: its members are columns. So a schema at an object
becomes boolean arrays, a value for each row, that are put together as the schema says:

- `type` is true where it has object.
- `properties` says something of the members that are there. What it says of a leaf is about the leaf's value,
  see interpret.py, and of an object it is about that object's members.
- `required`: a leaf is there where it has a text or an object came in its place, and an object where
  validator.py sees one. A name that no column has is absent.
- `additionalProperties: false`: no other member is there, whether the topic's schema declares it or not.
- `minProperties` and `maxProperties` count the members that are there, those that the topic's schema does not
  declare by the part of their columns' names up to the next two underscores.
- All other keywords say nothing of an object.

What is said of the same place by the same words is found out once for a batch, however many branches say it.
packages/common/src/core/validation-sql has the same in SQL.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns import names
from lean_ops.validation.constraints import Constraint, constraint_of, is_columnar, message_of
from lean_ops.validation.json_value import KEYWORDS, Check, Compiler, definition_name, judge
from lean_ops.validation.time_limit import Read
from lean_ops.validation.topic_schema import OF_TYPES, Field, ObjectField, TopicSchema

_UNDECLARED_WORD = "additionalProperties"


@dataclass(frozen=True, kw_only=True)
class LeafBatch:
    """A leaf's column of a batch.

    texts, compared: its texts, and its values as constraints take them; null where there is none.
    instead: whether an object came in its place. judged: the results of the checks that Conditions.checks
    names for it, in that order; null where they are about no text of the row.
    """

    texts: pa.Array
    compared: pa.Array
    instead: pa.Array
    judged: Sequence[pa.Array]
    read: Read


class Rows(Protocol):
    """A batch as conditions see it. Boolean arrays are without nulls."""

    @property
    def count(self) -> int: ...

    def leaf(self, column: str) -> LeafBatch: ...

    def is_object(self, column: str) -> pa.Array:
        """Whether each row has an object in the place of this column."""

    def undeclared(self, column: str) -> pa.Array:
        """How many members the object of each row has that the schema does not declare, as integers."""


Place = Field | ObjectField
Mask = Callable[["Evaluation"], pa.Array]
"""Says of each row whether a schema holds at a place."""


@dataclass(frozen=True)
class Evaluation:
    """A batch, and what has been found out of it."""

    rows: Rows
    known: dict[Any, pa.Array] = field(default_factory=dict)

    def once(self, key: Any, mask: Mask) -> pa.Array:
        if key not in self.known:
            self.known[key] = mask(self)
        return self.known[key]

    def all(self, value: bool) -> pa.Array:
        return self.once(value, lambda _: pa.repeat(pa.scalar(value, pa.bool_()), self.rows.count))

    def is_there(self, place: Place) -> pa.Array:
        if isinstance(place, ObjectField):
            return self.once(("there", place.column), lambda _: self.rows.is_object(place.column))
        leaf = self.rows.leaf(place.column)
        return self.once(("there", place.column), lambda _: pc.or_(pc.is_valid(leaf.texts), leaf.instead))


class LeafCheck(NamedTuple):
    """A check of a leaf's texts. only_odd: of those alone that are no value of the leaf's column."""

    check: Check
    only_odd: bool


@dataclass(frozen=True)
class Assertion:
    """An assertion of an object. rejects: whether a row that breaks it is rejected, or else only noted."""

    column: str
    keyword: str
    message: str
    rejects: bool
    holds: Mask


class Conditions:
    """The assertions of a topic's objects.

    assertions: those of the root, then those of the objects in the schema's order.
    checks: column of a leaf to the checks that its texts are judged by.
    """

    def __init__(self, schema: TopicSchema) -> None:
        self._schema = schema
        everything: list[Place] = [schema.root, *schema.fields, *schema.objects]
        self._places = {one.column: one for one in everything}
        self._children: dict[str, list[Place]] = {}
        members: list[Place] = [*schema.fields, *schema.objects]
        for one in members:
            around = one.parents[-1] if one.parents else schema.root.column
            self._children.setdefault(around, []).append(one)
        self._masks: dict[tuple[str, str], Mask] = {}
        self._compilers: dict[str, Compiler] = {}
        self.checks: dict[str, list[LeafCheck]] = {}
        self.assertions = [
            assertion for node in (schema.root, *schema.objects) for assertion in self._assertions_of(node)
        ]

    def _assertions_of(self, node: ObjectField) -> Iterator[Assertion]:
        for keyword, value in node.assertions.items():
            # `then` and `else` belong to `if`.
            words = ("if", "then", "else") if keyword == "if" else (keyword,)
            own = {word: node.spec[word] for word in words if word in node.spec}
            if keyword == _UNDECLARED_WORD:
                if value is not False or self._schema.undeclared == "record":
                    continue
                rejects = self._schema.undeclared == "reject"
                holds = self._undeclared_is_absent(node)
            else:
                rejects = node.cde or self._names_critical(node, own)
                holds = self._keyword(node, keyword, own)
            yield Assertion(node.column, keyword, message_of(keyword, value), rejects, holds)

    # --- a schema at an object ---

    def _at(self, place: Place, schema: Any) -> Mask:
        """The mask of a schema at a place, shared by all that say the same of it."""
        if isinstance(schema, bool):
            return _constantly(schema)
        key = (place.column, repr(schema))
        known = self._masks.get(key)
        if known is None:
            mask = (
                self._at_object(place, schema)
                if isinstance(place, ObjectField)
                else self._at_leaf(place, schema)
            )
            self._masks[key] = known = lambda batch: batch.once(key, mask)
        return known

    def _at_object(self, place: ObjectField, schema: Mapping[str, Any]) -> Mask:
        masks = []
        if "type" in schema and "object" not in schema["type"]:
            return _constantly(False)
        if "$ref" in schema:
            masks.append(self._at(place, self._definition(schema["$ref"])))
        masks += [self._keyword(place, keyword, schema) for keyword in _AT_OBJECTS if keyword in schema]
        return _every(masks)

    def _keyword(self, place: ObjectField, keyword: str, schema: Mapping[str, Any]) -> Mask:
        mask: Mask = _AT_OBJECTS[keyword](self, place, schema[keyword], schema)
        return mask

    def _definition(self, pointer: str) -> Any:
        name = definition_name(pointer)
        assert name is not None
        return self._schema.definitions[name]

    def _child(self, place: ObjectField, name: str) -> Place | None:
        found = self._places.get(names.column_name((*place.path, name)))
        return found if found in self._children.get(place.column, ()) else None

    def _there(self, place: ObjectField, name: str) -> Mask:
        child = self._child(place, name)
        return (lambda batch: batch.all(False)) if child is None else (lambda batch: batch.is_there(child))

    def _required(self, place: ObjectField, required: list[str], _schema: Any) -> Mask:
        return _every([self._there(place, name) for name in required])

    def _properties(self, place: ObjectField, schemas: Mapping[str, Any], _schema: Any) -> Mask:
        masks = []
        for name, schema in schemas.items():
            child = self._child(place, name)
            if child is not None:
                masks.append(_implies(self._there(place, name), self._at(child, schema)))
        return _every(masks)

    def _additional_properties(self, place: ObjectField, schema: Any, around: Mapping[str, Any]) -> Mask:
        if schema is not False:
            return _constantly(True)
        named = [self._child(place, name) for name in around.get("properties", ())]
        others = [one for one in self._children.get(place.column, ()) if one not in named]
        nothing_undeclared = self._undeclared_is_absent(place)
        return _every([nothing_undeclared, *(_not(_there_of(one)) for one in others)])

    def _undeclared_is_absent(self, place: ObjectField) -> Mask:
        return lambda batch: pc.equal(batch.rows.undeclared(place.column), 0)

    def _members(self, place: ObjectField, batch: Evaluation) -> pa.Array:
        """The number of members of each row's object."""
        count = batch.rows.undeclared(place.column)
        for child in self._children.get(place.column, ()):
            count = pc.add(count, batch.is_there(child).cast(pa.int64()))
        return count

    def _min_properties(self, place: ObjectField, limit: Any, _schema: Any) -> Mask:
        return lambda batch: pc.greater_equal(self._members(place, batch), int(limit))

    def _max_properties(self, place: ObjectField, limit: Any, _schema: Any) -> Mask:
        return lambda batch: pc.less_equal(self._members(place, batch), int(limit))

    def _dependent_required(
        self, place: ObjectField, required: Mapping[str, list[str]], _schema: Any
    ) -> Mask:
        return _every(
            [
                _implies(self._there(place, name), self._required(place, needed, _schema))
                for name, needed in required.items()
            ]
        )

    def _dependent_schemas(self, place: ObjectField, schemas: Mapping[str, Any], _schema: Any) -> Mask:
        return _every(
            [_implies(self._there(place, name), self._at(place, one)) for name, one in schemas.items()]
        )

    # --- a schema that is made of others ---

    def _all_of(self, place: Place, schemas: list[Any], _schema: Any) -> Mask:
        return _every([self._at(place, one) for one in schemas])

    def _any_of(self, place: Place, schemas: list[Any], _schema: Any) -> Mask:
        masks = [self._at(place, one) for one in schemas]
        return lambda batch: _any(batch, [mask(batch) for mask in masks])

    def _one_of(self, place: Place, schemas: list[Any], _schema: Any) -> Mask:
        masks = [self._at(place, one) for one in schemas]

        def exactly_one(batch: Evaluation) -> pa.Array:
            some, several = batch.all(False), batch.all(False)
            for mask in masks:
                holds = mask(batch)
                several = pc.or_(several, pc.and_(some, holds))
                some = pc.or_(some, holds)
            return pc.and_not(some, several)

        return exactly_one

    def _not(self, place: Place, schema: Any, _schema: Any) -> Mask:
        return _not(self._at(place, schema))

    def _if(self, place: Place, schema: Any, around: Mapping[str, Any]) -> Mask:
        condition = self._at(place, schema)
        then, other = (self._at(place, around.get(word, True)) for word in ("then", "else"))
        return lambda batch: pc.if_else(condition(batch), then(batch), other(batch))

    # --- a schema at a leaf ---

    def _at_leaf(self, leaf: Field, schema: Mapping[str, Any]) -> Mask:
        if leaf.types not in _COLUMNAR_TYPES:
            return self._by_value(leaf, schema)
        masks, left = [], {}
        for word, value in schema.items():
            if word == "$ref":
                masks.append(self._at(leaf, self._definition(value)))
            elif word in _OF_ANY_PLACE:
                masks.append(_OF_ANY_PLACE[word](self, leaf, value, schema))
            elif word == "type" and leaf.types != ("number",):
                stated = {value} if isinstance(value, str) else set(value)
                fits = stated & ({"integer", "number"} if leaf.types == ("integer",) else set(leaf.types))
                masks.append(self._with_odd(leaf, {word: value}, _constantly(bool(fits))))
            elif word in KEYWORDS and is_columnar(leaf, word, value):
                holds = _columnar(leaf, constraint_of(leaf, word, value))
                masks.append(self._with_odd(leaf, {word: value}, holds))
            else:
                left[word] = value
        if any(_is_about(leaf, word) for word in left):
            masks.append(self._by_value(leaf, left))
        elif any(word in KEYWORDS for word in left):
            # A value of the column is of no type that these words are about; what came instead may be.
            masks.append(self._with_odd(leaf, left, _constantly(True)))
        return _every(masks)

    def _by_value(self, leaf: Field, schema: Mapping[str, Any]) -> Mask:
        number = self._add_check(leaf, schema, only_odd=False)
        # An object in the leaf's place has lost its text, so nothing is known of its members.
        of_object = judge(self.checks[leaf.column][number].check, {})

        def by_value(batch: Evaluation) -> pa.Array:
            found = batch.rows.leaf(leaf.column)
            return pc.if_else(found.instead, of_object, pc.fill_null(found.judged[number], True))

        return by_value

    def _with_odd(self, leaf: Field, schema: Mapping[str, Any], holds: Mask) -> Mask:
        """A mask by the values of a column, and by the texts where those are no value of it."""
        number = self._add_check(leaf, schema, only_odd=True)
        of_object = judge(self.checks[leaf.column][number].check, {})

        def with_odd(batch: Evaluation) -> pa.Array:
            found = batch.rows.leaf(leaf.column)
            return pc.if_else(found.instead, of_object, pc.coalesce(found.judged[number], holds(batch)))

        return with_odd

    def _add_check(self, leaf: Field, schema: Mapping[str, Any], only_odd: bool) -> int:
        checks = self.checks.setdefault(leaf.column, [])
        checks.append(LeafCheck(self.compiler(leaf).schema(schema), only_odd))
        return len(checks) - 1

    def compiler(self, leaf: Field) -> Compiler:
        """What makes the checks for a leaf's values."""
        if leaf.column not in self._compilers:
            as_doubles = leaf.data_type in ("double", "float")
            self._compilers[leaf.column] = Compiler(self._schema.definitions, leaf.times, as_doubles)
        return self._compilers[leaf.column]

    # --- critical fields ---

    def _names_critical(self, place: ObjectField, schema: Any, seen: frozenset[Any] = frozenset()) -> bool:
        """Whether a schema names a critical field, or an object of which the same is said."""
        if not isinstance(schema, dict):
            return False
        named = [
            *schema.get("required", ()),
            *schema.get("properties", ()),
            *schema.get("dependentSchemas", ()),
            *(one for name, needed in schema.get("dependentRequired", {}).items() for one in (name, *needed)),
        ]
        if any(child is not None and child.cde for child in (self._child(place, name) for name in named)):
            return True
        inner = [
            *(one for word in ("allOf", "anyOf", "oneOf") for one in schema.get(word, ())),
            *(schema[word] for word in ("not", "if", "then", "else") if word in schema),
            *schema.get("dependentSchemas", {}).values(),
        ]
        key = (place.column, schema.get("$ref"))
        if "$ref" in schema and key not in seen:
            inner.append(self._definition(schema["$ref"]))
            seen |= {key}
        return any(self._names_critical(place, one, seen) for one in inner) or any(
            isinstance(child, ObjectField) and self._names_critical(child, one, seen)
            for name, one in schema.get("properties", {}).items()
            if (child := self._child(place, name)) is not None
        )


def _is_about(leaf: Field, word: str) -> bool:
    """Whether a keyword can say something of a number or a text."""
    return word == "type" or (
        word in KEYWORDS and bool({*OF_TYPES.get(word, leaf.types)} & {*leaf.types, "integer"})
    )


def _constantly(value: bool) -> Mask:
    return lambda batch: batch.all(value)


def _columnar(leaf: Field, constraint: Constraint) -> Mask:
    def holds(batch: Evaluation) -> pa.Array:
        found = batch.rows.leaf(leaf.column)
        return pc.invert(pc.fill_null(constraint.broken(found.compared, found.read), False))

    return holds


def _there_of(place: Place) -> Mask:
    return lambda batch: batch.is_there(place)


def _every(masks: Sequence[Mask]) -> Mask:
    if len(masks) == 1:
        return masks[0]

    def every(batch: Evaluation) -> pa.Array:
        found = batch.all(True)
        for mask in masks:
            found = pc.and_(found, mask(batch))
        return found

    return every


def _any(batch: Evaluation, masks: Sequence[pa.Array]) -> pa.Array:
    found = batch.all(False)
    for mask in masks:
        found = pc.or_(found, mask)
    return found


def _not(mask: Mask) -> Mask:
    return lambda batch: pc.invert(mask(batch))


def _implies(condition: Mask, mask: Mask) -> Mask:
    return lambda batch: pc.or_(pc.invert(condition(batch)), mask(batch))


_COLUMNAR_TYPES = (("string",), ("integer",), ("number",))
"""The types of leaves whose columns tell most of what is said of their values."""
_OF_ANY_PLACE: Mapping[str, Callable[..., Mask]] = {
    "allOf": Conditions._all_of,
    "anyOf": Conditions._any_of,
    "oneOf": Conditions._one_of,
    "not": Conditions._not,
    "if": Conditions._if,
}
_AT_OBJECTS: Mapping[str, Callable[..., Mask]] = {
    "required": Conditions._required,
    "properties": Conditions._properties,
    "additionalProperties": Conditions._additional_properties,
    "minProperties": Conditions._min_properties,
    "maxProperties": Conditions._max_properties,
    "dependentRequired": Conditions._dependent_required,
    "dependentSchemas": Conditions._dependent_schemas,
    **_OF_ANY_PLACE,
}
