"""The verdict on versions of records, each on its own, by their topic's schema. Without Spark.

Judging each alone makes Curated a maximum over the valid events, which no batch border can change. A batch is
judged column by column, in Arrow: Python objects are made of what is wrong only.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lean_ops.columns import names
from lean_ops.columns.row_indices import flags_at, places_where
from lean_ops.payload.json_text import compact
from lean_ops.validation.casts import Value
from lean_ops.validation.column_casts import column_cast_of
from lean_ops.validation.constraints import constraints_of
from lean_ops.validation.topic_schema import Field, ObjectField, TopicSchema

REJECTED = "rejected"
NULLED = "nulled"

Texts = Mapping[str, str | None]
"""A version's columns as Standardized has them. A column that is not there is as one that is null."""

_MEMBER = re.compile("(?=__)")
_EMPTY_OBJECT = "{}"
_SHOWN = 200
"""Characters of a value that a violation repeats; the record beside it has all of them."""


class Violation(NamedTuple):
    column: str
    rule: str
    value: str | None
    message: str


class Verdict(NamedTuple):
    """values: of the schema's columns; None where there is none, or none that is valid. violations: all there
    are, objects' before fields', in the schema's order. disposition: REJECTED when a critical data element is
    among them, NULLED when only others are, None when there are none."""

    values: Mapping[str, Value | None]
    violations: Sequence[Violation]
    disposition: str | None


class Verdicts(NamedTuple):
    """Of some versions, by their places. values: column to one value for each, in the column's type.
    violations, dispositions: of those only that have any."""

    values: Mapping[str, pa.Array]
    violations: Mapping[int, Sequence[Violation]]
    dispositions: Mapping[int, str]


@dataclass(frozen=True)
class Batch:
    """The texts of some versions as a judge reads them.

    columns: to one text for each version, where any has it. inside: column to the versions (their places)
    that hold a member of it which no field names.
    """

    count: int
    columns: Mapping[str, pa.Array]
    inside: Mapping[str, Set[int]]
    _lists: dict[str, list[str | None]] = field(default_factory=dict)

    def texts(self, column: str) -> pa.Array:
        found = self.columns.get(column)
        return pa.nulls(self.count, pa.string()) if found is None else found

    def text(self, n: int, column: str) -> str | None:
        if column not in self.columns:
            return None
        if column not in self._lists:
            self._lists[column] = self.columns[column].to_pylist()
        return self._lists[column][n]

    def holds_members(self, n: int, column: str) -> bool:
        return n in self.inside.get(column, ())


class Judge:
    """Judges by one schema. Made in less than a millisecond, where it is used: it cannot be pickled."""

    def __init__(self, schema: TopicSchema) -> None:
        self.schema = schema
        self._nodes = [_ObjectJudge(node, schema.objects) for node in schema.objects]
        # Objects whose names differ by case share a column: the last one says what is an object there.
        self._objects = {node.column: node for node in self._nodes}
        self._fields = [_FieldJudge(field) for field in schema.fields]
        self._critical = frozenset(field.column for field in schema.fields if field.cde)
        self.columns = frozenset((*(field.column for field in schema.fields), *self._objects))

    def judge(self, columns: Texts) -> Verdict:
        [verdict] = self.judge_rows([columns])
        return verdict

    def judge_rows(self, rows: Sequence[Texts]) -> list[Verdict]:
        found = self.judge_batch(batch_of_rows(rows, self.columns))
        columns = {column: values.to_pylist() for column, values in found.values.items()}
        return [
            Verdict(
                {column: values[n] for column, values in columns.items()},
                found.violations.get(n, ()),
                found.dispositions.get(n),
            )
            for n in range(len(rows))
        ]

    def judge_batch(self, batch: Batch) -> Verdicts:
        report = _Report()
        for node in self._nodes:
            node.judge(batch, self._objects, report)
        values = {field.column: field.judge(batch, self._objects, report) for field in self._fields}
        for column, places in report.violated.items():
            if column in values:
                values[column] = pc.if_else(flags_at(places, batch.count), None, values[column])
        dispositions = {
            n: REJECTED if any(one.column in self._critical for one in violations) else NULLED
            for n, violations in report.violations.items()
        }
        return Verdicts(values, report.violations, dispositions)


def batch_of_rows(rows: Sequence[Texts], known: Set[str]) -> Batch:
    """known: the columns that the schema names."""
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in known}
    holders = holders_of(set(chain.from_iterable(rows)), known)
    inside: dict[str, set[int]] = defaultdict(set)
    if holders:
        for n, row in enumerate(rows):
            for name, text in row.items():
                if text is not None:
                    for holder in holders.get(name, ()):
                        inside[holder].add(n)
    return Batch(len(rows), columns, inside)


def holders_of(names: Iterable[str], known: Set[str]) -> dict[str, list[str]]:
    """Columns that are none of the schema's to those of the schema's that they are members of."""
    holders = {
        name: [name[: mark.start()] for mark in _MEMBER.finditer(name) if name[: mark.start()] in known]
        for name in names
        if "__" in name and name not in known
    }
    return {name: columns for name, columns in holders.items() if columns}


class _Report:
    """What was found wrong. violations: by place. violated: column to places."""

    def __init__(self) -> None:
        self.violations: dict[int, list[Violation]] = defaultdict(list)
        self.violated: dict[str, list[int]] = defaultdict(list)

    def add(self, places: Iterable[int], column: str, rule: str, batch: Batch, message: str) -> None:
        for n in places:
            text = batch.text(n, column)
            shown = None if text is None else text[:_SHOWN]
            self.violations[n].append(Violation(column, rule, shown, message))
            self.violated[column].append(n)


class _ObjectJudge:
    def __init__(self, node: ObjectField, objects: Sequence[ObjectField]) -> None:
        self.column = node.column
        self._required = node.required
        self._parents = node.parents
        inner = (one.column for one in objects if node.column in one.parents)
        self._members = (*node.leaves, *inner)

    def is_object(self, batch: Batch, n: int) -> bool:
        """An object shows by its members only, be they in the schema or not, or as `{}`; null counts as
        absent, as everywhere in Standardized."""
        return (
            batch.text(n, self.column) == _EMPTY_OBJECT
            or any(batch.text(n, name) is not None for name in self._members)
            or batch.holds_members(n, self.column)
        )

    def judge(self, batch: Batch, objects: Mapping[str, "_ObjectJudge"], report: _Report) -> None:
        column, texts = self.column, batch.texts(self.column)
        others = places_where(pc.not_equal(texts, _EMPTY_OBJECT))
        report.add(others, column, "type", batch, "is no object")
        if self._required:
            missing = [
                n
                for n in places_where(pc.is_null(texts))
                if not objects[column].is_object(batch, n)
                and _parent_is_object(batch, n, self._parents, objects)
            ]
            report.add(missing, column, "required", batch, "is missing")


class _FieldJudge:
    def __init__(self, field: Field) -> None:
        self.column = field.column
        self._field = field
        self._cast = column_cast_of(field.data_type, field.json_type)
        self._constraints = constraints_of(field)

    def judge(self, batch: Batch, objects: Mapping[str, _ObjectJudge], report: _Report) -> pa.Array:
        """The values, those too that break a constraint."""
        field, column = self._field, self.column
        texts = batch.texts(column)
        absent = places_where(pc.is_null(texts)) if texts.null_count else []
        if absent:
            # Flattening made columns of an object's members: where no object was due the field looks absent.
            instead = [n for n in absent if batch.holds_members(n, column)]
            report.add(instead, column, "type", batch, "is an object")
        if absent and (field.cde or field.required):
            missing = [
                n
                for n in absent
                if not batch.holds_members(n, column)
                and (field.cde or _parent_is_object(batch, n, field.parents, objects))
            ]
            report.add(missing, column, "required", batch, "is missing")
        values = self._cast(texts)
        if values.null_count > len(absent):
            wrong = places_where(pc.and_(pc.is_null(values), pc.is_valid(texts)))
            rule = "format" if field.data_type in ("date", "timestamp_ntz") else "type"
            report.add(wrong, column, rule, batch, f"is no {_kind(field)}")
        if self._constraints:
            judged = values
            if field.data_type == "float":
                # 0.1 as a float is greater than 0.1: what counts is what was sent.
                judged = _DOUBLES(pc.if_else(pc.is_valid(values), texts, None))
            for constraint in self._constraints:
                places = constraint.broken(judged)
                report.add(places, column, constraint.keyword, batch, constraint.message)
        return values


_DOUBLES = column_cast_of("double", "number")


def _parent_is_object(
    batch: Batch, n: int, parents: Sequence[str], objects: Mapping[str, _ObjectJudge]
) -> bool:
    return not parents or objects[parents[-1]].is_object(batch, n)


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
    """SHA-256 (hex). Copies of one bad message share it: neither times of arrival nor the cycle are in it,
    nor the nulls that a row read from Standardized has for the columns of others."""
    there = {name: columns[name] for name in sorted(columns) if columns[name] is not None}
    parts = [schema.topic, str(schema.version), key, message_id, produced_at, disposition, there]
    return hashlib.sha256(compact(parts).encode("utf-8", "replace")).hexdigest()


def error_record(envelope: Texts, columns: Texts, rescued_data: str | None) -> str:
    """The standardized row without its nulls, as JSON text. envelope: times as Standardized has them."""
    row = {**envelope, **columns, names.RESCUED: rescued_data}
    return compact({name: text for name, text in row.items() if text is not None})


def violations_text(violations: Sequence[Violation]) -> str:
    """JSON text, nulls kept."""
    return compact([one._asdict() for one in violations])
