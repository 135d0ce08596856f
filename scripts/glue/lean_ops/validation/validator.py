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
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns import names
from lean_ops.columns.row_indices import indices_where, mask_at
from lean_ops.payload.json_text import compact
from lean_ops.validation.batch import Batch, Texts, batch_of_rows
from lean_ops.validation.casts import Value
from lean_ops.validation.column_casts import column_cast_of
from lean_ops.validation.constraints import constraints_of
from lean_ops.validation.topic_schema import Field, ObjectField, TopicSchema

REJECTED = "rejected"
NULLED = "nulled"

_EMPTY_OBJECT = "{}"
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
    violations: every broken rule, objects before fields, each in the schema's order.
    disposition: REJECTED when a critical data element breaks a rule, NULLED when only other fields do, else
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
        self._nodes = [_ObjectValidator(node, self.columns) for node in schema.objects]
        self._objects = {node.column: node for node in self._nodes}
        self._fields = [_FieldValidator(field) for field in schema.fields]
        self._critical = frozenset(field.column for field in schema.fields if field.cde)

    def validate(self, columns: Texts) -> Verdict:
        [verdict] = self.validate_rows([columns])
        return verdict

    def validate_rows(self, rows: Sequence[Texts]) -> list[Verdict]:
        verdicts = self.validate_batch(batch_of_rows(rows, self.columns, self.holders))
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
        report = _Report()
        for node in self._nodes:
            node.validate(batch, self._objects, report)
        values = {field.column: field.validate(batch, self._objects, report) for field in self._fields}
        for column, indices in report.violated.items():
            if column in values:
                values[column] = pc.if_else(mask_at(indices, batch.count), None, values[column])
        dispositions = {
            n: REJECTED if any(one.column in self._critical for one in violations) else NULLED
            for n, violations in report.violations.items()
        }
        return Verdicts(values, report.violations, dispositions)


class _Report:
    """The broken rules of a batch. violations: by row index. violated: column to row indices."""

    def __init__(self) -> None:
        self.violations: dict[int, list[Violation]] = defaultdict(list)
        self.violated: dict[str, list[int]] = defaultdict(list)

    def add(
        self, indices: Iterable[int], sources: Sequence[str], rule: str, batch: Batch, message: str
    ) -> None:
        """sources: the column, and the former columns that its text may come from."""
        column = sources[0]
        for n in indices:
            text = batch.text(n, *sources)
            value = None if text is None else text[:_MAX_VALUE_LENGTH]
            self.violations[n].append(Violation(column, rule, value, message))
            self.violated[column].append(n)


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


class _FieldValidator:
    """The rules of a field: it is there where it is required, it has its type, and it keeps its
    constraints."""

    def __init__(self, field: Field) -> None:
        self.column = field.column
        self._field = field
        self._cast = column_cast_of(field.data_type, field.json_type)
        self._constraints = constraints_of(field)

    def validate(self, batch: Batch, objects: Mapping[str, _ObjectValidator], report: _Report) -> pa.Array:
        """Returns the field's values, including those that break a constraint."""
        field, column, sources = self._field, self.column, self._field.sources
        texts = batch.texts(*sources)
        absent = indices_where(pc.is_null(texts)) if texts.null_count else []
        if absent:
            # Flattening made columns of an object's members, so an object in the place of a value looks
            # absent.
            instead = {n for n in absent if any(batch.holds_members(n, source) for source in sources)}
            rule, message = _object_instead(field)
            report.add(sorted(instead), sources, rule, batch, message)
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
            rule = "format" if field.data_type in ("date", "timestamp_ntz") else "type"
            report.add(wrong, sources, rule, batch, f"is no {_kind(field)}")
        if self._constraints:
            compared = values
            if field.data_type == "float":
                # 0.1 as a float is greater than 0.1, and the constraint is about the number as it was sent.
                compared = _DOUBLES(pc.if_else(pc.is_valid(values), texts, None), read)
            for constraint in self._constraints:
                broken = constraint.broken(compared, read)
                report.add(broken, sources, constraint.keyword, batch, constraint.message)
        return values


def _parent_is_object(
    batch: Batch, n: int, parents: Sequence[str], objects: Mapping[str, _ObjectValidator]
) -> bool:
    return not parents or objects[parents[-1]].is_object(batch, n)


def _object_instead(field: Field) -> tuple[str, str]:
    """The rule that is broken, and the message, where the members of an object have come in a field's place.

    An opaque field may have an object. One in columns was taken before the schema kept it as sent, and
    Standardized cannot tell what its text was.
    """
    if field.opaque:
        return "opaque", "came in columns: lean-ops topic rebuild TOPIC --from raw brings its text back"
    return "type", "is an object"


def _kind(field: Field) -> str:
    if field.json_type == "array":
        return "array"
    return {"timestamp_ntz": "RFC 3339 date-time with an offset"}.get(field.data_type, field.data_type)


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
