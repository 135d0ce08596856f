"""The verdict on versions of records by their topic's schema: each version is validated on its own.

Because no verdict depends on another version, Curated holds the latest valid version of each record whatever
the borders of the batches are. A batch is validated column by column in Arrow, and Python objects are made
only of what breaks a rule. Nothing here needs Spark.

The same rules as Athena's SQL are in packages/common/src/core/validation-sql/rules.ts;
tests/glue/validation/test_validation_sql.py holds the two equal. docs/schema-verdicts.md lists where both
differ from a JSON Schema validator.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns import names
from lean_ops.columns.row_indices import indices_where, mask_at
from lean_ops.payload.json_text import compact
from lean_ops.validation.batch import Batch, Texts, batch_of_rows
from lean_ops.validation.casts import DATE_TIME, Value
from lean_ops.validation.column_casts import ColumnCast, column_cast_of
from lean_ops.validation.constraints import Broken, constraint_of, is_columnar, message_of
from lean_ops.validation.interpret import Interpret, are_values, interpreter, judge_texts
from lean_ops.validation.row_conditions import Conditions, Evaluation, LeafBatch
from lean_ops.validation.time_limit import Read, unlimited
from lean_ops.validation.topic_schema import Field, ObjectField, TopicSchema

REJECTED = "rejected"
NULLED = "nulled"
NOTED = "noted"
"""A rule of an object is broken that no critical field is part of: the row is in Curated with all its values,
and what it breaks is on record."""

_SEVERITY = (NOTED, NULLED, REJECTED)
_EMPTY_OBJECT = "{}"
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}
_MAX_VALUE_LENGTH = 200
"""Characters of a value that a violation repeats. The whole value is in the error's record."""
_DOUBLES = column_cast_of("double", "number")


class Violation(NamedTuple):
    """A rule that a version breaks. `value` is the beginning of the text, or None where a value is
    missing."""

    column: str
    rule: str
    value: str | None
    message: str


class Verdict(NamedTuple):
    """The verdict on one version.

    values: a typed value for each of the schema's columns, None where there is no valid one.
    violations: every broken rule: the types and obligations of objects, then fields, then the assertions of
    objects, each in the schema's order.
    disposition: REJECTED when a critical data element breaks a rule or an assertion that rejects is broken,
    NULLED when only other fields and objects break one, NOTED when only other assertions are broken, else
    None.
    """

    values: Mapping[str, Value | None]
    violations: Sequence[Violation]
    disposition: str | None


class Verdicts(NamedTuple):
    """The verdicts on a batch.

    values: column to an array with a value for each version, in the column's type.
    violations, dispositions: by row index, with entries for the versions that break a rule only.
    """

    values: Mapping[str, pa.Array]
    violations: Mapping[int, Sequence[Violation]]
    dispositions: Mapping[int, str]


class RowValidator:
    """Validates versions of a topic by one schema.

    It takes less than a millisecond to make and cannot be pickled, so each executor makes its own.
    """

    def __init__(self, schema: TopicSchema) -> None:
        self.schema = schema
        known: Sequence[Field | ObjectField] = (*schema.fields, *schema.objects)
        former = [name for field in schema.fields for name in field.former_names]
        self.columns = frozenset(one.column for one in (*known, *former))
        self.holders = {one.member_prefix.removesuffix("__"): one.column for one in (*known, *former)}
        conditions = Conditions(schema)
        # A topic without assertions of objects has nothing to remember of its leaves.
        self._conditions = conditions if conditions.assertions else None
        self.counted = frozenset(
            node.column for node in (schema.root, *schema.objects) if conditions.assertions
        )
        self._nodes = [_ObjectValidator(node, self.columns) for node in schema.objects]
        self._objects = {node.column: node for node in self._nodes}
        self._fields = [_FieldValidator(field, conditions) for field in schema.fields]
        self._critical = frozenset(field.column for field in schema.fields if field.cde)

    def validate(self, columns: Texts) -> Verdict:
        [verdict] = self.validate_rows([columns])
        return verdict

    def validate_rows(self, rows: Sequence[Texts]) -> list[Verdict]:
        verdicts = self.validate_batch(batch_of_rows(rows, self.columns, self.holders, self.counted))
        columns = {column: values.to_pylist() for column, values in verdicts.values.items()}
        return [
            Verdict(
                {column: values[n] for column, values in columns.items()},
                verdicts.violations.get(n, ()),
                verdicts.dispositions.get(n),
            )
            for n in range(len(rows))
        ]

    def validate_batch(self, batch: Batch) -> Verdicts:
        report = _Report(self._critical)
        for node in self._nodes:
            node.validate(batch, self._objects, report)
        leaves: dict[str, LeafBatch] | None = None if self._conditions is None else {}
        values = {
            field.column: field.validate(batch, self._objects, report, leaves) for field in self._fields
        }
        if self._conditions is not None and leaves is not None:
            evaluation = Evaluation(_Rows(batch, leaves, self._objects))
            for one in self._conditions.assertions:
                broken = pc.invert(one.holds(evaluation))
                if one.column in self._objects:
                    broken = pc.and_(broken, evaluation.rows.is_object(one.column))
                severity = REJECTED if one.rejects else NOTED
                report.add(indices_where(broken), (one.column,), one.keyword, batch, one.message, severity)
        for column, indices in report.violated.items():
            if column in values:
                values[column] = pc.if_else(mask_at(indices, batch.count), None, values[column])
        return Verdicts(values, report.violations, report.dispositions)


class _Report:
    """The broken rules of a batch.

    violations, dispositions: by row index. violated: column to row indices.
    critical: the columns of critical fields.
    """

    def __init__(self, critical: frozenset[str]) -> None:
        self._critical = critical
        self.violations: dict[int, list[Violation]] = defaultdict(list)
        self.violated: dict[str, list[int]] = defaultdict(list)
        self.dispositions: dict[int, str] = {}

    def add(
        self,
        indices: Iterable[int],
        sources: Sequence[str],
        rule: str,
        batch: Batch,
        message: str,
        severity: str | None = None,
    ) -> None:
        """sources: the column, and the former columns that its text may come from. severity: what the rule
        does to a row; None where the column says that."""
        column = sources[0]
        severity = severity or (REJECTED if column in self._critical else NULLED)
        for n in indices:
            text = batch.text(n, *sources)
            value = None if text is None else text[:_MAX_VALUE_LENGTH]
            self.violations[n].append(Violation(column, rule, value, message))
            self.violated[column].append(n)
            self.dispositions[n] = max(severity, self.dispositions.get(n, NOTED), key=_SEVERITY.index)


@dataclass(frozen=True)
class _Rows:
    """A batch as the conditions of objects see it."""

    batch: Batch
    leaves: Mapping[str, LeafBatch]
    objects: Mapping[str, "_ObjectValidator"]

    @property
    def count(self) -> int:
        return self.batch.count

    def leaf(self, column: str) -> LeafBatch:
        return self.leaves[column]

    def is_object(self, column: str) -> pa.Array:
        return self.objects[column].are_objects(self.batch)

    def undeclared(self, column: str) -> pa.Array:
        found = self.batch.undeclared.get(column)
        return pa.repeat(pa.scalar(0, pa.int64()), self.count) if found is None else found


class _ObjectValidator:
    """The rules of an object inside the payload: it is an object, and it is there where it is required."""

    def __init__(self, node: ObjectField, columns: Iterable[str]) -> None:
        self.column = node.column
        self._required = node.required
        self._parents = node.parents
        # Whether the schema nests a member's name or has it flat is no matter: flattening made the column.
        self._members = tuple(name for name in columns if name.startswith(node.member_prefix))

    def is_object(self, batch: Batch, n: int) -> bool:
        """Whether a version has an object here.

        Flattening leaves nothing of an object but its members' columns, or the text `{}` when it was empty.
        Members that are null count as absent, as everywhere in Standardized.
        """
        return (
            batch.text(n, self.column) == _EMPTY_OBJECT
            or any(batch.text(n, name) is not None for name in self._members)
            or batch.holds_members(n, self.column)
        )

    def are_objects(self, batch: Batch) -> pa.Array:
        """What is_object says of all versions."""
        found = pc.fill_null(pc.equal(batch.texts(self.column), _EMPTY_OBJECT), False)
        for name in self._members:
            found = pc.or_(found, pc.is_valid(batch.texts(name)))
        return _with_members(found, batch, self.column)

    def validate(self, batch: Batch, objects: Mapping[str, "_ObjectValidator"], report: _Report) -> None:
        column, texts = self.column, batch.texts(self.column)
        others = indices_where(pc.not_equal(texts, _EMPTY_OBJECT))
        report.add(others, (column,), "type", batch, "is no object")
        if self._required:
            missing = [
                n
                for n in indices_where(pc.is_null(texts))
                if not objects[column].is_object(batch, n)
                and _parent_is_object(batch, n, self._parents, objects)
            ]
            report.add(missing, (column,), "required", batch, "is missing")


def _with_members(found: pa.Array, batch: Batch, *columns: str) -> pa.Array:
    """Returns a boolean array with those versions added that hold a member of one of the columns."""
    members = {n for column in columns for n in batch.members.get(column, ())}
    return pc.or_(found, mask_at(sorted(members), batch.count)) if members else found


class _FieldValidator:
    """The rules of a field: it is there where it is required, it has one of its types, and it keeps its
    constraints."""

    def __init__(self, field: Field, conditions: Conditions) -> None:
        self.column = field.column
        self._field = field
        self._is_double = field.data_type == "float"
        compiler, by_value = conditions.compiler(field), []
        self._constraints: list[tuple[str, str, Broken | None]] = []
        for keyword, limit in field.constraints.items():
            broken: Broken | None = None
            if is_columnar(field, keyword, limit):
                broken = constraint_of(field, keyword, limit).broken
            else:
                check = compiler.keyword(keyword, field.spec)
                if check is None:
                    continue
                by_value.append(check)
            self._constraints.append((keyword, message_of(keyword, limit), broken))
        self._interpret = interpreter(field.types, as_doubles=field.data_type in ("double", "float"))
        looks_inside = bool(by_value) and field.types == ("array",)
        self._cast = (
            _texts_of(self._interpret)
            if len(field.types) > 1 or field.types == ("object",) or looks_inside
            else column_cast_of(field.data_type, field.types[0], field.times)
        )
        conditional = conditions.checks.get(field.column, [])
        self._checks = by_value + [one.check for one in conditional if not one.only_odd]
        self._odd_checks = [one.check for one in conditional if one.only_odd]
        self._own_checks = len(by_value)
        self._is_odd = [one.only_odd for one in conditional]

    def validate(
        self,
        batch: Batch,
        objects: Mapping[str, _ObjectValidator],
        report: _Report,
        leaves: dict[str, LeafBatch] | None = None,
    ) -> pa.Array:
        """Returns the field's values, including those that break a constraint.

        leaves: takes what the conditions of objects need to know of the field, if any.
        """
        field, column, sources = self._field, self.column, self._field.sources
        texts = batch.texts(*sources)
        absent = indices_where(pc.is_null(texts)) if texts.null_count else []
        if absent:
            # Flattening made columns of an object's members, so an object in the place of a value looks
            # absent.
            instead = {n for n in absent if any(batch.holds_members(n, source) for source in sources)}
            report.add(sorted(instead), sources, "type", batch, "is an object")
        if absent and (field.cde or field.required):
            missing = [
                n
                for n in absent
                if n not in instead and (field.cde or _parent_is_object(batch, n, field.parents, objects))
            ]
            report.add(missing, sources, "required", batch, "is missing")
        read = batch.reading(column)
        values = self._cast(texts, read)
        if values.null_count > len(absent):
            wrong = indices_where(pc.and_(pc.is_null(values), pc.is_valid(texts)))
            is_text = field.types == ("string",)
            rule = "format" if is_text and field.data_type != "string" else "type"
            report.add(wrong, sources, rule, batch, f"is no {_kind(field)}")
        compared = values
        if self._is_double and (self._constraints or leaves is not None):
            # 0.1 as a float is greater than 0.1, and the constraint is about the number as it was sent.
            compared = _DOUBLES(pc.if_else(pc.is_valid(values), texts, None), read)
        judged = judge_texts(texts, self._interpret, self._checks, read) if self._checks else []
        own = iter(judged)
        for keyword, message, columnar in self._constraints:
            if columnar is None:
                broken = pc.and_(pc.is_valid(values), pc.invert(next(own)))
            else:
                broken = columnar(compared, read)
            report.add(indices_where(broken), sources, keyword, batch, message)
        if leaves is not None:
            leaves[column] = self._leaf(batch, texts, compared, judged[self._own_checks :], read)
        return values

    def _leaf(
        self, batch: Batch, texts: pa.Array, compared: pa.Array, judged: Sequence[pa.Array], read: Read
    ) -> LeafBatch:
        nothing = pa.repeat(pa.scalar(False), batch.count)
        instead = pc.and_(_with_members(nothing, batch, *self._field.sources), pc.is_null(texts))
        odd = pc.and_(pc.is_valid(texts), pc.is_null(compared))
        odd_judged: Sequence[pa.Array] = [pa.nulls(batch.count, pa.bool_())] * len(self._odd_checks)
        if self._odd_checks and pc.any(odd).as_py():
            odd_judged = judge_texts(pc.if_else(odd, texts, None), self._interpret, self._odd_checks, read)
        of_all, of_odd = iter(judged), iter(odd_judged)
        return LeafBatch(
            texts=texts,
            compared=compared,
            instead=instead,
            judged=[next(of_odd if is_odd else of_all) for is_odd in self._is_odd],
            read=read,
        )


def _texts_of(interpret: Interpret) -> ColumnCast:
    """Returns the cast of a column that holds several types, or what is inside of an array or an object: the
    texts that can be read as a value stay as they are."""

    def cast(texts: pa.Array, read: Read = unlimited) -> pa.Array:
        return pc.if_else(are_values(texts, interpret, read), texts, None)

    return cast


def _parent_is_object(
    batch: Batch, n: int, parents: Sequence[str], objects: Mapping[str, _ObjectValidator]
) -> bool:
    return not parents or objects[parents[-1]].is_object(batch, n)


def _kind(field: Field) -> str:
    if field.data_type == DATE_TIME:
        if field.times.unit is not None:
            return f"time in {_UNITS[field.times.unit]} since 1970"
        return "RFC 3339 date-time" + ("" if field.times.zone else " with an offset")
    return (
        field.data_type if field.types[0] not in ("array", "object", "string") else " or ".join(field.types)
    )


def error_id(
    schema: TopicSchema,
    key: str | None,
    message_id: str | None,
    produced_at: str | None,
    disposition: str,
    columns: Texts,
) -> str:
    """Returns the id of a bad message's error: SHA-256 in hex, the same for all copies of the message.

    So neither times of arrival nor the cycle go into it, nor the nulls that a row read from Standardized has
    in columns which only other messages fill.
    """
    present = {name: columns[name] for name in sorted(columns) if columns[name] is not None}
    parts = [schema.topic, str(schema.version), key, message_id, produced_at, disposition, present]
    return hashlib.sha256(compact(parts).encode("utf-8", "replace")).hexdigest()


def error_record(envelope: Texts, columns: Texts, rescued_data: str | None) -> str:
    """Returns the Standardized row without its nulls, as JSON text. The envelope's times are text already."""
    row = {**envelope, **columns, names.RESCUED: rescued_data}
    return compact({name: text for name, text in row.items() if text is not None})


def violations_text(violations: Sequence[Violation]) -> str:
    """Returns the violations as JSON text, a list of objects in which nulls are kept."""
    return compact([one._asdict() for one in violations])
