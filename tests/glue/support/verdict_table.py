"""The table of verdicts to which tests hold both ajv and the pipeline: see tests/conformance/README.md."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lean_ops.validation.json_value import KEYWORDS
from lean_ops.validation.topic_schema import TopicSchema, read_schema

_FOLDER = Path(__file__).parents[2] / "conformance" / "verdicts"
_DIFFERENCES = "differences.json"

Case = dict[str, str]
Rules = set[tuple[str, str]]
"""The (column, rule) of everything that is wrong with a row."""


def _read(file: str) -> Any:
    return json.loads((_FOLDER / file).read_text("utf-8"))


@dataclass(frozen=True)
class Row:
    """A payload that is sent to a topic, and the rules that it breaks."""

    label: str
    payload: str
    rules: Rules


@dataclass(frozen=True)
class Topic:
    name: str
    properties: dict[str, Any]
    required: list[str]
    rows: list[Row]
    root: dict[str, Any] = field(default_factory=dict)
    rejects: bool = False

    @property
    def opaque(self) -> set[str]:
        """The fields of the root that hold objects as JSON text."""
        return {name for name, spec in self.properties.items() if spec.get("x-flatten") is False}

    @cached_property
    def schema(self) -> TopicSchema:
        document = {
            "type": "object",
            "x-topic": self.name,
            "x-version": 1,
            "required": self.required,
            "properties": self.properties,
            **self.root,
        }
        return read_schema(json.dumps(document), self.name)


def _rules(case: Case) -> Rules:
    verdict = case.get("pipeline", case["json_schema"])
    if verdict == "valid":
        return set()
    places = [one.rpartition(": ") for one in verdict.split(", ")]
    return {(place or "v", rule) for place, _, rule in places}


def _payload(case: Case) -> str:
    return case["payload"] if "payload" in case else f'{{"v":{case["value"]}}}'


def _is_of_one_field(group: dict[str, Any]) -> bool:
    return (
        list(group["properties"]) == ["v"]
        and "root" not in group
        and all("value" in case or case["payload"] == "{}" for case in group["cases"])
    )


def _has_opaque(group: dict[str, Any]) -> bool:
    return any(spec.get("x-flatten") is False for spec in group["properties"].values())


def _is_constrained(group: dict[str, Any]) -> bool:
    return any(keyword in group["properties"]["v"] for keyword in KEYWORDS)


def _critical(group: dict[str, Any]) -> dict[str, Any]:
    return {**group, "properties": {"v": {**group["properties"]["v"], "x-cde": True}}}


def _good_value(group: dict[str, Any]) -> str:
    return next(
        case["value"]
        for case in group["cases"]
        if "value" in case and case["json_schema"] == "valid" and "because" not in case
    )


def _together(name: str, groups: list[dict[str, Any]]) -> Topic:
    """Makes one topic of groups of one field each, a field for each group, because many topics take long.

    A row is one case. All other fields of the row hold a good value, so whatever is found is about that case.
    """
    columns = [f"f{n}" for n in range(len(groups))]
    good = dict(zip(columns, map(_good_value, groups), strict=True))
    rows = []
    for column, group in zip(columns, groups, strict=True):
        for case in group["cases"]:
            values = good | {column: case.get("value", "")}
            members = [f'"{key}":{value}' for key, value in values.items() if value]
            rules = {(column, rule) for _, rule in _rules(case)}
            rows.append(Row(f"{group['name']}: {_payload(case)}", f"{{{','.join(members)}}}", rules))
    properties = {c: group["properties"]["v"] for c, group in zip(columns, groups, strict=True)}
    required = [c for c, group in zip(columns, groups, strict=True) if "required" in group]
    return Topic(name, properties, required, rows)


def _alone(name: str, group: dict[str, Any]) -> Topic:
    rows = [
        Row(f"{group['name']}: {_payload(case)}", _payload(case), _rules(case)) for case in group["cases"]
    ]
    return Topic(
        name,
        group["properties"],
        group.get("required", []),
        rows,
        group.get("root", {}),
        group.get("rejects", False),
    )


_groups = [
    group
    for path in sorted(_FOLDER.glob("*.json"))
    if path.name != _DIFFERENCES
    for group in _read(path.name)
]
CASES = sum(len(group["cases"]) for group in _groups)
_normal = [group for group in _groups if "normal_form" in group]
_of_one_field = [group for group in _groups if group not in _normal and _is_of_one_field(group)]
_normal_of_one_field = [group for group in _normal if _is_of_one_field(group)]
FIELDS = _together("verdicts.fields", _of_one_field)
"""All groups with one field, as they are in the table."""
CRITICAL = _together("verdicts.critical", [_critical(one) for one in _of_one_field if _is_constrained(one)])
"""The groups of one field with a keyword once more, as critical fields. What the type alone means for
critical fields is in the table itself."""
OTHERS = [
    _alone(f"verdicts.group{n}", group)
    for n, group in enumerate(_groups)
    if not _is_of_one_field(group) and group not in _normal
]
_normal_flat = [group for group in _normal_of_one_field if not _has_opaque(group)]
_opaque = [group for group in _normal_of_one_field if _has_opaque(group)]
NORMAL_FIELDS = _together("verdicts.normal", _normal_flat)
"""The groups of one field that the SQL of `schema plan` does not know yet."""
NORMAL_CRITICAL = _together(
    "verdicts.normal_critical", [_critical(one) for one in _normal_flat if _is_constrained(one)]
)
OPAQUE_FIELDS = _together("verdicts.opaque", _opaque)
"""Those with a field that holds an object as JSON text."""
OPAQUE_CRITICAL = _together(
    "verdicts.opaque_critical", [_critical(one) for one in _opaque if _is_constrained(one)]
)
NORMAL_OTHERS = [
    _alone(f"verdicts.normal{n}", group)
    for n, group in enumerate(_normal)
    if group not in _normal_of_one_field
]
