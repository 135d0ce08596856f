"""What `lean-ops schema diff` says of two schemas is held to the validation of the Curated job.

Pairs of schemas are drawn, the second a small change of the first, and rows near the borders of both. Where
the verdict on any row differs, the diff lists a change. Where the diff calls every change compatible, no row
breaks a rule that it kept, but of a field or object that is new, and no other value changes. The diff is
packages/common/src/core/drift.
"""

import json
import random
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import budget
import pytest

from lean_ops.validation.topic_schema import Field, ObjectField, TopicSchema, read_schema
from lean_ops.validation.validator import REJECTED, RowValidator, Verdict

ROOT = Path(__file__).parents[3]
TOPIC = "drawn.pairs"
PAIRS = budget.budget(each_run=800, thorough=40_000)
ROWS = budget.budget(each_run=60, thorough=150)

Row = dict[str, str]
Node = dict[str, Any]

_NAMES = ["a", "b", "A", "a__b", "b__c", "a__b__c", "c", "event_time", "_file", "a_", "2"]
_LEAVES: list[Node] = [
    {"type": "string"},
    {"type": "string", "minLength": 1},
    {"type": "string", "maxLength": 2},
    {"type": "string", "enum": ["on", "off"]},
    {"type": "string", "pattern": "^o"},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "date-time", "x-cde": True},
    {"type": "array"},
    {"type": "boolean"},
    {"type": "integer", "enum": [1, 2]},
    {"type": "integer", "minimum": 1},
    {"type": "integer", "x-type": "int", "exclusiveMaximum": 5},
    {"type": "number", "minimum": Decimal("0.1")},
    {"type": "number", "x-type": "float", "maximum": Decimal("0.1")},
    {"type": "number", "x-type": "decimal(38,25)", "maximum": Decimal("0.1000000000000000000002")},
    {"type": "number", "x-type": "decimal(5,2)", "exclusiveMinimum": 1},
]
_TYPES = [
    {"type": "string"},
    {"type": "array"},
    {"type": "integer"},
    {"type": "integer", "x-type": "int"},
    {"type": "number"},
    {"type": "number", "x-type": "float"},
    {"type": "number", "x-type": "decimal(5,2)"},
    {"type": "number", "x-type": "decimal(38,25)"},
    {"type": "number", "x-type": "decimal(38,2)"},
]
_BOUNDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
_TINY = Decimal("1e-22")
_TEXTS = [
    *["{}", "", "o", "on", "off", "text", "true", "[1]", "2026-11-29", "2026-11-29T10:00:00Z"],
    *["0", "-0.0", "1", "1.5", "5", "1e2", "123.45", "123456.5", "2147483648", "0.1", "1e-50", "16777217"],
]


def _copy(node: Node) -> Node:
    """Returns a copy that shares nothing. json would make floats of decimals."""
    return {
        name: _copy(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
        for name, value in node.items()
    }


def _text(node: Any) -> str:
    """Writes a schema with every digit of its numbers."""
    if isinstance(node, dict):
        members = ",".join(f"{json.dumps(name)}:{_text(value)}" for name, value in node.items())
        return f"{{{members}}}"
    if isinstance(node, list):
        return f"[{','.join(_text(one) for one in node)}]"
    return str(node) if isinstance(node, Decimal) else json.dumps(node)


def _object(chance: random.Random, depth: int) -> Node:
    members = chance.sample(_NAMES, chance.randint(1, 3))
    properties = {
        name: _object(chance, depth - 1) if depth and chance.random() < 0.35 else _leaf(chance)
        for name in members
    }
    node: Node = {"type": "object", "properties": properties}
    required = [name for name in members if chance.random() < 0.3]
    return {**node, "required": required} if required else node


def _leaf(chance: random.Random) -> Node:
    leaf = _copy(chance.choice(_LEAVES))
    if chance.random() < 0.15:
        leaf["x-cde"] = True
    if chance.random() < 0.1:
        leaf["x-renamed-from"] = [chance.choice(["x", "a.y", "old"])]
    return leaf


def _objects(node: Node) -> Iterator[Node]:
    yield node
    for inner in node["properties"].values():
        if inner["type"] == "object":
            yield from _objects(inner)


def _changed(schema: Node, chance: random.Random) -> Node:
    """Returns a copy of a schema with one small change, which need not be a legal schema."""
    changed = _copy(schema)
    node = chance.choice(list(_objects(changed)))
    properties, required = node["properties"], node.setdefault("required", [])
    name = chance.choice(list(properties))
    field = properties[name]
    is_object = field["type"] == "object"
    kind = chance.choice(
        ["required"] * 3
        + ["nesting"] * 4
        + ["add", "remove", "rename", "declared", "declared", "names", "words", "order", "head"]
        + ["cde", "type", "constraint", "constraint"]
    )
    if kind == "required":
        required.remove(name) if name in required else required.append(name)
    elif kind == "nesting" and is_object:
        _flatten(node, name)
    elif kind == "nesting":
        _nest(node, name)
    elif kind == "add":
        new = _object(chance, 1) if chance.random() < 0.4 else _leaf(chance)
        properties.setdefault(chance.choice(_NAMES), new)
    elif kind == "remove" and len(properties) > 1:
        del properties[name]
        node["required"] = [one for one in required if one != name]
    elif kind == "rename":
        other = chance.choice([name.upper(), name.lower(), name.replace("_", "-"), *_NAMES])
        node["properties"] = {other if one == name else one: inner for one, inner in properties.items()}
        node["required"] = [other if one == name else one for one in required]
    elif kind == "declared" and not is_object:
        _rename(schema, node, name, chance)
    elif kind == "names" and not is_object:
        field["x-renamed-from"] = chance.sample([*_NAMES, "x", "a.y"], chance.randint(1, 2))
    elif kind == "words":
        field[chance.choice(["title", "description", "$comment"])] = chance.choice(["one", "another"])
    elif kind == "order":
        node["properties"] = dict(chance.sample(list(properties.items()), len(properties)))
        chance.shuffle(required)
    elif kind == "head":
        word = chance.choice(["x-event-time-stable", "x-backfill", "x-event-time"])
        changed[word] = name if word == "x-event-time" else not changed.get(word, False)
    elif not is_object:
        _change_leaf(field, kind, chance)
    if not node["required"]:
        del node["required"]
    return changed


def _rename(schema: Node, node: Node, name: str, chance: random.Random) -> None:
    """Gives a field another name, under which the schema says what it was called. Only fields at the top have
    a path that is their name."""
    if name not in schema["properties"]:
        return
    field, new = node["properties"][name], chance.choice(["new", "b__new", "N"])
    before = field.get("x-renamed-from", [])
    field["x-renamed-from"] = [name, *before] if chance.random() < 0.9 else name
    node["properties"] = {new if one == name else one: inner for one, inner in node["properties"].items()}
    node["required"] = [new if one == name else one for one in node["required"]]


def _flatten(node: Node, name: str) -> None:
    """Writes the members of an object beside it, in flat names."""
    inner = node["properties"].pop(name)
    for member, field in inner["properties"].items():
        node["properties"].setdefault(f"{name}__{member}", field)
    node["required"] = [one for one in node["required"] if one != name]
    node["required"] += [
        flat for member in inner.get("required", []) if (flat := f"{name}__{member}") not in node["required"]
    ]


def _nest(node: Node, name: str) -> None:
    """Writes a field with a flat name as a member of an object."""
    outer, _, member = name.partition("__")
    holder = node["properties"].get(outer, {"type": "object", "properties": {}})
    if not member or holder["type"] != "object" or member in holder["properties"]:
        return
    holder["properties"][member] = node["properties"].pop(name)
    node["properties"][outer] = holder
    if name in node["required"]:
        node["required"].remove(name)
        holder.setdefault("required", []).append(member)


def _change_leaf(field: Node, kind: str, chance: random.Random) -> None:
    if kind == "cde":
        field["x-cde"] = not field.get("x-cde", False)
    elif kind == "type":
        field.pop("x-type", None)
        field.pop("format", None)
        field.update(chance.choice(_TYPES))
    elif kind == "constraint":
        bound = next((one for one in _BOUNDS if one in field), None)
        if bound is not None and chance.random() < 0.7:
            step = chance.choice([_TINY, -_TINY, Decimal(1), Decimal(-1), Decimal(0)])
            limit = Decimal(field.pop(bound))
            field[bound if chance.random() < 0.7 else chance.choice(_BOUNDS)] = limit + step
        elif "enum" in field:
            field["enum"] = chance.choice([[1], [2, 1], [1, 2, 3], ["on"], ["off", "on"], ["on", "off", ""]])
        elif field["type"] == "string" and "format" not in field:
            word, value = chance.choice(
                [
                    ("minLength", 0),
                    ("minLength", 2),
                    ("maxLength", 3),
                    ("maxLength", 1),
                    ("pattern", "^(?:o|t)"),
                ]
            )
            if field.get(word) == value:
                del field[word]
            else:
                field[word] = value
        elif field["type"] in ("integer", "number"):
            field[chance.choice(_BOUNDS)] = chance.choice([0, 1, Decimal("0.1"), Decimal("1.00")])


def _drawn(chance: random.Random) -> tuple[str, str]:
    root = {"x-topic": TOPIC, "x-version": 1, **_object(chance, 2)}
    active = {"$schema": "https://json-schema.org/draft/2020-12/schema", **root}
    candidate = _changed(active, chance)
    for _ in range(chance.choice([0, 0, 1])):
        candidate = _changed(candidate, chance)
    return _text(active), _text(candidate)


def _rows(schemas: Sequence[TopicSchema], chance: random.Random) -> list[Row]:
    """Returns rows over the columns of both schemas, and of members that neither names, with texts near the
    borders of their constraints."""
    texts: dict[str, list[str]] = {}
    for schema in schemas:
        for node in schema.objects:
            texts.setdefault(node.column, []).extend(["{}", "text"])
        for field in schema.fields:
            near = texts.setdefault(field.column, ["{}"])
            for former in field.former_names:
                texts.setdefault(former.column, near)
            for keyword, limit in field.constraints.items():
                if keyword in ("minLength", "maxLength"):
                    near += ["o" * n for n in range(int(limit) + 2)]
                elif keyword == "enum":
                    near += [str(one) for one in limit]
                elif keyword != "pattern":
                    near += [str(Decimal(limit) + step) for step in (0, _TINY, -_TINY, 1, -1)]
    known = sorted(texts)
    strangers = {f"{column}__z" for column in known} | {
        column.removeprefix("payload__") + "__z" for column in known
    }
    columns = [*known, *sorted(strangers)]
    rows: list[Row] = [{}]
    for _ in range(ROWS):
        shown = chance.sample(columns, chance.randint(1, min(len(columns), 4)))
        if chance.random() < 0.5:
            shown = [column for column in known if chance.random() < 0.8]
        rows.append(
            {
                column: chance.choice(texts[column] if column in texts and chance.random() < 0.6 else _TEXTS)
                for column in shown
            }
        )
    return rows


def _broken(verdict: Verdict) -> set[tuple[str, str]]:
    return {(one.column, one.rule) for one in verdict.violations}


def _same(before: Any, after: Any) -> bool:
    """Whether a value is kept. A float that became a double has the digits that it lacked."""
    if isinstance(before, float) and isinstance(after, float) and before != after:
        return bool(struct.unpack("<f", struct.pack("<f", after))[0] == before)
    return bool(before == after)


def _renamed(active: TopicSchema, candidate: TopicSchema) -> dict[str, Field]:
    """The fields of the candidate that have another name in the active schema, by that name."""
    before = {field.column for field in active.fields}
    after = {field.column for field in candidate.fields}
    found: dict[str, Field] = {}
    for field in candidate.fields:
        names = [former.column for former in field.former_names]
        was = next((name for name in names if name in before - after), None)
        if was is not None and field.column not in before:
            found[was] = field
    return found


def _under_new_names(verdict: Verdict, renamed: Mapping[str, Field]) -> Verdict:
    """The verdict of the active schema as if its fields were called as in the candidate."""

    def name(column: str) -> str:
        return renamed[column].column if column in renamed else column

    return Verdict(
        {name(column): value for column, value in verdict.values.items()},
        [one._replace(column=name(one.column)) for one in verdict.violations],
        verdict.disposition,
    )


def _has_new_name(row: Row, renamed: Mapping[str, Field]) -> bool:
    """Whether an event from before a rename has something under the new name: it counts from now on."""
    for was, field in renamed.items():
        new = field.sources[: field.sources.index(was)]
        prefixes = (
            field.member_prefix,
            *(one.member_prefix for one in field.former_names if one.column in new),
        )
        if any(column in new or column.startswith(prefixes) for column in row):
            return True
    return False


def _objection(
    row: Row, old: Verdict, new: Verdict, change: Mapping[str, Any], added: set[str]
) -> str | None:
    """Returns what the verdicts on a row say against the diff, or None."""
    kinds = {one["kind"] for one in change["changes"]} - {"ANNOTATION_CHANGED"}
    lost = {column for column, value in old.values.items() if not _same(value, new.values.get(column))}
    if not kinds and (_broken(old) != _broken(new) or lost or old.disposition != new.disposition):
        return "the verdict differs, and no change is listed"
    if any(one["impact"] == "breaking" for one in change["changes"]):
        return None
    were = {column for column, _ in _broken(old)}
    worse = {column for column, _ in _broken(new)} - were - added
    if worse:
        return f"all changes are compatible, and {sorted(worse)} breaks a rule that it kept"
    if lost - were:
        return f"all changes are compatible, and {sorted(lost - were)} has another value"
    if new.disposition == REJECTED and old.disposition != REJECTED:
        return "all changes are compatible, and the row is rejected"
    return None


def _added(before: Sequence[Field | ObjectField], after: Sequence[Field | ObjectField]) -> set[str]:
    return {one.column for one in after} - {one.column for one in before}


def _objections(pair: tuple[str, str], change: Mapping[str, Any], seed: int) -> list[str]:
    active, candidate = (read_schema(text, TOPIC) for text in pair)
    rows = _rows((active, candidate), random.Random(seed))
    added = _added(active.fields, candidate.fields) | _added(active.objects, candidate.objects)
    renamed = _renamed(active, candidate)
    rows = [row for row in rows if not _has_new_name(row, renamed)]
    added -= {field.column for field in renamed.values()}
    verdicts = [RowValidator(schema).validate_rows(rows) for schema in (active, candidate)]
    verdicts[0] = [_under_new_names(verdict, renamed) for verdict in verdicts[0]]
    objections = []
    for row, old, new in zip(rows, *verdicts, strict=True):
        objection = _objection(row, old, new, change, added)
        if objection:
            objections.append(f"{row}: {objection}\n  {_broken(old)} -> {_broken(new)}")
    return objections


def _compared(pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    command = ["node", "--import", "tsx", "tests/glue/support/schema_changes.ts"]
    ran = subprocess.run(command, input=json.dumps(pairs), capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def test_where_a_verdict_can_differ_the_diff_says_so():
    chance = random.Random(budget.SEED)
    pairs = [_drawn(chance) for _ in range(PAIRS)]
    objections, reported = [], []
    for n, (pair, change) in enumerate(zip(pairs, _compared(pairs), strict=True)):
        if change["refused"]:
            continue
        reported.append(change)
        said = _objections(pair, change, n)
        objections += [(len(pair[0]) + len(pair[1]), pair, objection, change) for objection in said[:1]]
    # The shortest pairs say best what is wrong.
    shortest = [
        f"{pair[0]}\n{pair[1]}\n{objection}\n{[one['sentence'] for one in change['changes']]}"
        for _, pair, objection, change in sorted(objections, key=lambda one: one[0])[:3]
    ]
    if shortest:
        pytest.fail(
            f"{len(objections)} pairs of {len(reported)}, such as\n" + "\n\n".join(shortest), pytrace=False
        )
    # Most pairs are legal, and many of them differ without a word to say.
    assert len(reported) > PAIRS / 3
    assert sum(not one["changes"] for one in reported) > PAIRS / 20
    renamed = [one for one in reported if any(two["kind"] == "COLUMN_RENAMED" for two in one["changes"])]
    assert sum(all(two["impact"] == "compatible" for two in one["changes"]) for one in renamed) > PAIRS / 100
    for change in reported:
        counts = any(one["kind"] != "ANNOTATION_CHANGED" for one in change["changes"])
        assert ("VERSION_NOT_INCREASED" in change["problems"]) == counts
