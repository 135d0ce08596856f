"""JSON Schema 2020-12 over one JSON value: a schema becomes a check, which says whether a value is valid.

The values are those of payload/json_text.py, with numbers as their texts, so that all digits count. Equality
is JSON Schema's: 1 and 1.0 are equal, true and 1 are not, and the members of an object have no order.

No payload makes it recurse without bound, and none takes more time than in proportion to its length. What a
`$ref` says of a value is found out once (a schema may come to it in many ways), and behind so many references
that Python's stack could end, the evaluation stops, settles what lies deeper from a fresh stack, and begins
again with that known.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from lean_ops.payload.json_text import Json, Number
from lean_ops.validation.casts import RFC_3339, TimeForms
from lean_ops.validation.exact_number import Digits, digits_of, exact, is_multiple, is_whole
from lean_ops.validation.formats import format_check
from lean_ops.validation.patterns import python_pattern

TYPES = ("array", "boolean", "integer", "number", "object", "string")
"""The types of JSON Schema but null, which the payload's flattened places do not have."""
_PYTHON_TYPES: Mapping[str, type] = {
    "array": list,
    "boolean": bool,
    "null": type(None),
    "object": dict,
    "string": str,
}
_DEFINITION = "#/$defs/"
_MAX_FRAMES = 400
"""How many calls the checks may be nested in. Python allows 1,000 by default, of which callers have some."""


class Double(Number):
    """A JSON number as its source text that is compared as the nearest double, as double columns are."""

    __slots__ = ()


class Run:
    """What is known of one value while it is evaluated.

    known: (check of a reference, value) to its result. guessed: the same, where results hang on what is
    deeper than the stack goes. pending: the checks and values that this is. doubts: how often a guess was
    used. depth: the number of references that are being followed.
    """

    __slots__ = ("_identities", "_of_container", "depth", "doubts", "guessed", "known", "pending")

    def __init__(self) -> None:
        self.known: dict[Any, bool] = {}
        self.guessed: dict[Any, bool] = {}
        self.pending: list[tuple[Check, Json]] = []
        self.doubts = 0
        self.depth = 0
        self._identities: dict[Any, int] = {}
        self._of_container: dict[int, tuple[Json, int]] = {}

    def identity(self, value: Json) -> int:
        """Returns a number that two values share exactly when they are equal."""
        found = self._settled(value)
        if found is not None:
            return found
        todo = [value]
        while todo:
            one = todo[-1]
            inner = one if type(one) is list else one.values()
            unsettled = [each for each in inner if self._settled(each) is None]
            if unsettled:
                todo.extend(unsettled)
                continue
            todo.pop()
            key: Any
            if type(one) is list:
                key = ("array", *(self._settled(each) for each in one))
            else:
                key = ("object", *sorted((name, self._settled(each)) for name, each in one.items()))
            self._of_container[id(one)] = (one, self._number_of(key))
        found = self._settled(value)
        assert found is not None
        return found

    def _settled(self, value: Json) -> int | None:
        if type(value) in (list, dict):
            known = self._of_container.get(id(value))
            return None if known is None else known[1]
        return self._number_of(_scalar_key(value))

    def _number_of(self, key: Any) -> int:
        return self._identities.setdefault(key, len(self._identities))


Check = Callable[[Json, Run], bool]
"""Says whether a value is valid."""


def judge(check: Check, value: Json, run: Run | None = None) -> bool:
    """Whether a value is valid by a check. run: of checks by the same compiler before, for the same value."""
    run = run or Run()
    result = check(value, run)
    if not run.pending:
        return result
    todo = [(check, value), *run.pending]
    while todo:
        run.pending, run.guessed, run.doubts, run.depth = [], {}, 0, 0
        one, inner = todo[-1]
        result = one(inner, run)
        if run.pending:
            todo.extend(run.pending)
        else:
            todo.pop()
    run.guessed = {}
    return result


def number_of(value: Json) -> Decimal:
    """Returns the number that a Number or a number of the schema is, as it is compared."""
    if type(value) is Double:
        nearest = float(value)
        return Decimal(repr(nearest)) if abs(nearest) not in (0, float("inf")) else exact(value)
    return exact(value) if isinstance(value, str) else Decimal(value)


def _scalar_key(value: Json) -> Any:
    """Returns what two scalars share exactly when they are equal."""
    kind = type(value)
    if kind is str:
        return value
    if kind is bool or value is None:
        return (value,)
    return number_of(value)


def types_check(types: frozenset[str]) -> Callable[[Json], bool]:
    """Returns what says whether a value is of one of the types."""
    kinds = {_PYTHON_TYPES[one] for one in types if one in _PYTHON_TYPES}
    if "number" in types:
        kinds |= {Number, Double}
    if "integer" not in types or "number" in types:
        return lambda value: type(value) in kinds
    return lambda value: type(value) in kinds or (isinstance(value, Number) and is_whole(value))


class Compiler:
    """Makes checks of the schemas that may refer to the same definitions.

    Takes only what validation/subschemas.py takes.
    definitions: the root's `$defs`. forms: of dates and times. as_doubles: numbers of the schema are compared
    as the nearest doubles.
    """

    def __init__(
        self, definitions: Mapping[str, Any], forms: TimeForms = RFC_3339, as_doubles: bool = False
    ) -> None:
        self._definitions = definitions
        self._forms = forms
        self._as_doubles = as_doubles
        self._references: dict[str, Check] = {}
        self._depth = 0
        self._deepest = 1

    def schema(self, schema: Any) -> Check:
        """The check for a whole schema, which is an object or a boolean."""
        if schema is True or schema is False:
            return lambda value, run: bool(schema)
        self._depth += 1
        self._deepest = max(self._deepest, self._depth)
        checks = [self._type(schema)] if "type" in schema else []
        checks += [check for keyword in KEYWORDS if (check := self.keyword(keyword, schema)) is not None]
        self._depth -= 1
        if len(checks) == 1:
            return checks[0]

        def valid(value: Json, run: Run) -> bool:
            # A generator would take one more level of the stack.
            for check in checks:  # noqa: SIM110
                if not check(value, run):
                    return False
            return True

        return valid

    def keyword(self, keyword: str, schema: Mapping[str, Any]) -> Check | None:
        """The check for one of KEYWORDS, with the words that belong to it; None where the schema lacks it."""
        if keyword not in schema:
            return None
        check: Check | None = _MAKERS[keyword](self, schema[keyword], schema)
        return check

    def _type(self, schema: Mapping[str, Any]) -> Check:
        stated = schema["type"]
        fits = types_check(frozenset((stated,) if isinstance(stated, str) else stated))
        return lambda value, run: fits(value)

    # --- references ---

    def _reference(self, pointer: str, _schema: Any) -> Check:
        name = definition_name(pointer)
        assert name is not None
        if name not in self._references:
            self._references[name] = self._check_of_definition(name)
        return self._references[name]

    def _check_of_definition(self, name: str) -> Check:
        target: list[Check] = []

        def check(value: Json, run: Run) -> bool:
            kind = type(value)
            key = (name, kind, id(value) if kind is list or kind is dict else value)
            found = run.known.get(key)
            if found is not None:
                return found
            guess = run.guessed.get(key)
            if guess is None and run.depth >= self._most_references:
                run.pending.append((check, value))
                guess = run.guessed[key] = True
            if guess is not None:
                run.doubts += 1
                return guess
            doubts = run.doubts
            run.depth += 1
            result = target[0](value, run)
            run.depth -= 1
            (run.known if run.doubts == doubts else run.guessed)[key] = result
            return result

        # The definition may refer to itself.
        self._references[name] = check
        outer, self._depth = self._depth, 0
        target.append(self.schema(self._definitions[name]))
        self._depth = outer
        return check

    @property
    def _most_references(self) -> int:
        # A schema inside a schema takes three calls, and a reference one.
        return max(1, _MAX_FRAMES // (3 * self._deepest + 1))

    # --- any value ---

    def _number(self, value: int | Decimal) -> Decimal:
        return Decimal(repr(float(Decimal(value)))) if self._as_doubles else Decimal(value)

    def _enum(self, allowed: list[Any], _schema: Any) -> Check:
        keys = {self._key(one) for one in allowed if not isinstance(one, (list, dict))}
        containers = [_payload_form(one) for one in allowed if isinstance(one, (list, dict))]

        def check(value: Json, run: Run) -> bool:
            if type(value) not in (list, dict):
                return _scalar_key(value) in keys
            if not containers:
                return False
            identity = run.identity(value)
            for one in containers:  # noqa: SIM110
                if run.identity(one) == identity:
                    return True
            return False

        return check

    def _key(self, value: Any) -> Any:
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return self._number(value)
        return _scalar_key(value)

    def _const(self, value: Any, schema: Any) -> Check:
        return self._enum([value], schema)

    # --- numbers ---

    def _bound(self, breaks: Callable[[Decimal, Decimal], bool], limit: Any) -> Check:
        bound = self._number(limit)
        return lambda value, run: not (isinstance(value, Number) and breaks(number_of(value), bound))

    def _minimum(self, limit: Any, _schema: Any) -> Check:
        return self._bound(lambda value, bound: value < bound, limit)

    def _maximum(self, limit: Any, _schema: Any) -> Check:
        return self._bound(lambda value, bound: value > bound, limit)

    def _exclusive_minimum(self, limit: Any, _schema: Any) -> Check:
        return self._bound(lambda value, bound: value <= bound, limit)

    def _exclusive_maximum(self, limit: Any, _schema: Any) -> Check:
        return self._bound(lambda value, bound: value >= bound, limit)

    def _multiple_of(self, divisor: Any, _schema: Any) -> Check:
        digits: Digits | None = digits_of(str(divisor))
        assert digits is not None
        return lambda value, run: not isinstance(value, Number) or is_multiple(value, digits)

    # --- strings ---

    def _min_length(self, limit: Any, _schema: Any) -> Check:
        return lambda value, run: type(value) is not str or len(value) >= limit

    def _max_length(self, limit: Any, _schema: Any) -> Check:
        return lambda value, run: type(value) is not str or len(value) <= limit

    def _pattern(self, pattern: str, _schema: Any) -> Check:
        found = re.compile(python_pattern(pattern), re.ASCII).search
        return lambda value, run: type(value) is not str or found(value) is not None

    def _format(self, word: str, _schema: Any) -> Check:
        fits = format_check(word, self._forms)
        return lambda value, run: type(value) is not str or fits(value)

    # --- arrays ---

    def _min_items(self, limit: Any, _schema: Any) -> Check:
        return lambda value, run: type(value) is not list or len(value) >= limit

    def _max_items(self, limit: Any, _schema: Any) -> Check:
        return lambda value, run: type(value) is not list or len(value) <= limit

    def _unique_items(self, wanted: Any, _schema: Any) -> Check | None:
        if wanted is not True:
            return None
        return lambda value, run: (
            type(value) is not list or len({run.identity(one) for one in value}) == len(value)
        )

    def _items(self, schema: Any, around: Mapping[str, Any]) -> Check:
        check, skipped = self.schema(schema), len(around.get("prefixItems", ()))
        return lambda value, run: (
            type(value) is not list or _all([(check, one) for one in value[skipped:]], run)
        )

    def _prefix_items(self, schemas: list[Any], _schema: Any) -> Check:
        checks = [self.schema(one) for one in schemas]
        return lambda value, run: type(value) is not list or _all(list(zip(checks, value, strict=False)), run)

    def _contains(self, schema: Any, around: Mapping[str, Any]) -> Check:
        check = self.schema(schema)
        least, most = around.get("minContains", 1), around.get("maxContains")

        def valid(value: Json, run: Run) -> bool:
            if type(value) is not list:
                return True
            count = 0
            # Never left early: with guesses, what is left out would have to be settled in another round.
            for one in value:
                if check(one, run):
                    count += 1
            return count >= least and (most is None or count <= most)

        return valid

    # --- objects ---

    def _properties(self, schemas: Mapping[str, Any], _schema: Any) -> Check:
        checks = {name: self.schema(one) for name, one in schemas.items()}
        return lambda value, run: (
            type(value) is not dict
            or _all([(check, value[name]) for name, check in checks.items() if name in value], run)
        )

    def _required(self, required: list[str], _schema: Any) -> Check:
        names = frozenset(required)
        return lambda value, run: type(value) is not dict or names <= value.keys()

    def _pattern_properties(self, schemas: Mapping[str, Any], _schema: Any) -> Check:
        checks = [(_searching(pattern), self.schema(one)) for pattern, one in schemas.items()]
        return lambda value, run: (
            type(value) is not dict
            or _all(
                [(check, one) for name, one in value.items() for found, check in checks if found(name)], run
            )
        )

    def _additional_properties(self, schema: Any, around: Mapping[str, Any]) -> Check:
        check = self.schema(schema)
        names = frozenset(around.get("properties", ()))
        patterns = [_searching(pattern) for pattern in around.get("patternProperties", ())]
        return lambda value, run: (
            type(value) is not dict
            or _all(
                [
                    (check, one)
                    for name, one in value.items()
                    if name not in names and not any(found(name) for found in patterns)
                ],
                run,
            )
        )

    def _property_names(self, schema: Any, _schema: Any) -> Check:
        check = self.schema(schema)
        return lambda value, run: type(value) is not dict or _all([(check, name) for name in value], run)

    def _min_properties(self, limit: Any, _schema: Any) -> Check:
        return lambda value, run: type(value) is not dict or len(value) >= limit

    def _max_properties(self, limit: Any, _schema: Any) -> Check:
        return lambda value, run: type(value) is not dict or len(value) <= limit

    def _dependent_required(self, required: Mapping[str, list[str]], _schema: Any) -> Check:
        names = {name: frozenset(needed) for name, needed in required.items()}
        return lambda value, run: (
            type(value) is not dict
            or all(needed <= value.keys() for name, needed in names.items() if name in value)
        )

    def _dependent_schemas(self, schemas: Mapping[str, Any], _schema: Any) -> Check:
        checks = {name: self.schema(one) for name, one in schemas.items()}
        return lambda value, run: (
            type(value) is not dict
            or _all([(check, value) for name, check in checks.items() if name in value], run)
        )

    # --- of several schemas ---

    def _all_of(self, schemas: list[Any], _schema: Any) -> Check:
        checks = [self.schema(one) for one in schemas]
        return lambda value, run: _all([(check, value) for check in checks], run)

    def _any_of(self, schemas: list[Any], _schema: Any) -> Check:
        checks = [self.schema(one) for one in schemas]

        def valid(value: Json, run: Run) -> bool:
            for check in checks:  # noqa: SIM110
                if check(value, run):
                    return True
            return False

        return valid

    def _one_of(self, schemas: list[Any], _schema: Any) -> Check:
        checks = [self.schema(one) for one in schemas]

        def valid(value: Json, run: Run) -> bool:
            count = 0
            for check in checks:
                if check(value, run):
                    count += 1
            return count == 1

        return valid

    def _not(self, schema: Any, _schema: Any) -> Check:
        check = self.schema(schema)
        return lambda value, run: not check(value, run)

    def _if(self, schema: Any, around: Mapping[str, Any]) -> Check:
        condition = self.schema(schema)
        then, other = self.schema(around.get("then", True)), self.schema(around.get("else", True))
        return lambda value, run: (then if condition(value, run) else other)(value, run)


def _all(pairs: list[tuple[Check, Json]], run: Run) -> bool:
    """Whether all values are valid. One that is not ends it only where no guess was used: with guesses, what
    is left out would have to be settled in another round."""
    valid = True
    for check, value in pairs:
        if not check(value, run):
            valid = False
            if not run.doubts:
                return False
    return valid


def _searching(pattern: str) -> Callable[[str], Any]:
    return re.compile(python_pattern(pattern), re.ASCII).search


def _payload_form(value: Any) -> Json:
    """Returns a value of the schema as a payload has it, with numbers as texts."""
    if isinstance(value, dict):
        return {name: _payload_form(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_payload_form(one) for one in value]
    return Number(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else value


def definition_name(pointer: str) -> str | None:
    """Returns the name of the definition that a `$ref` is to; None for any other reference."""
    if not pointer.startswith(_DEFINITION):
        return None
    name = unquote(pointer.removeprefix(_DEFINITION))
    return None if "/" in name else name.replace("~1", "/").replace("~0", "~")


_MAKERS: Mapping[str, Callable[..., Check | None]] = {
    "enum": Compiler._enum,
    "const": Compiler._const,
    "minimum": Compiler._minimum,
    "maximum": Compiler._maximum,
    "exclusiveMinimum": Compiler._exclusive_minimum,
    "exclusiveMaximum": Compiler._exclusive_maximum,
    "multipleOf": Compiler._multiple_of,
    "minLength": Compiler._min_length,
    "maxLength": Compiler._max_length,
    "pattern": Compiler._pattern,
    "format": Compiler._format,
    "minItems": Compiler._min_items,
    "maxItems": Compiler._max_items,
    "uniqueItems": Compiler._unique_items,
    "items": Compiler._items,
    "prefixItems": Compiler._prefix_items,
    "contains": Compiler._contains,
    "properties": Compiler._properties,
    "required": Compiler._required,
    "patternProperties": Compiler._pattern_properties,
    "additionalProperties": Compiler._additional_properties,
    "propertyNames": Compiler._property_names,
    "minProperties": Compiler._min_properties,
    "maxProperties": Compiler._max_properties,
    "dependentRequired": Compiler._dependent_required,
    "dependentSchemas": Compiler._dependent_schemas,
    "allOf": Compiler._all_of,
    "anyOf": Compiler._any_of,
    "oneOf": Compiler._one_of,
    "not": Compiler._not,
    "if": Compiler._if,
    "$ref": Compiler._reference,
}
KEYWORDS = tuple(_MAKERS)
"""The keywords that assert, in the order in which a value's violations are listed. `minContains` and
`maxContains` belong to `contains`, `then` and `else` to `if`."""
