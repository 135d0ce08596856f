"""The rows that a topic's tables must hold for a set of events, in plain Python and without the jobs'
own code."""

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from lake import Event

Row = dict[str, Any]

_PIPELINE = ("message_id", "event_time", "cycle_id", "rescued_data", "schema_version")
_ENGINES = ("_deleted", "_file", "_pos", "_row_id")


class Number(str):
    """A number of a payload, as it was written."""


def parsed(text: str) -> Any:
    """Returns the value of a payload. Raises ValueError for a text that is no JSON."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    def loaded(json_text: str) -> Any:
        return json.loads(
            re.sub("^\ufeff+", "", json_text), parse_int=Number, parse_float=Number, parse_constant=refuse
        )

    value = loaded(text)
    if type(value) is str:
        with contextlib.suppress(ValueError):
            held = loaded(value)
            return held if isinstance(held, dict | list) else value
    return value


def is_readable(event: Event) -> bool:
    try:
        parsed(event.text)
    except ValueError:
        return False
    return True


def shown(value: Any) -> str | None:
    if isinstance(value, Number) or value is None:
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else written(value)


def written(value: Any) -> str:
    """Returns a value as compact JSON, with numbers as they were written."""
    if isinstance(value, dict):
        inner = (f"{json.dumps(key, ensure_ascii=False)}:{written(one)}" for key, one in value.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, Number):
        return value
    return json.dumps(value, ensure_ascii=False)


Comments = Mapping[str, str | None]
"""Column of a topic's Standardized table to its comment, the path that has it."""


def flat(event: Event, comments: Comments) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """The columns of an event, and by path the values that got none: docs/data-contracts.md, Flattening."""
    value = parsed(event.text)
    if not isinstance(value, dict):
        return {"value": value if type(value) is str else written(value)}, {}
    columns: dict[str, str | None] = {}
    rescued: dict[str, str | None] = {}

    def walk(members: Mapping[str, Any], path: tuple[str, ...]) -> None:
        for name, inner in members.items():
            here = (*path, name)
            if isinstance(inner, dict) and inner:
                walk(inner, here)
                continue
            column = re.sub("[^a-z0-9_]", "_", "__".join(here).lower())
            if column in (*_PIPELINE, *_ENGINES):
                column = f"payload__{column}"
            text = ".".join(here)
            if comments.get(column) == f"$.{text}":
                columns[column] = shown(inner)
            else:
                rescued[rf"{text}\(path)" if text == column else text] = shown(inner)

    walk(value, ())
    return columns, rescued


def rank(event: Event) -> tuple:
    """An event as it compares with others: docs/data-contracts.md, The order of versions."""
    event_time = float("-inf") if event.event is None else event.event
    return (event.produced, event.message_id, -event.ingested, event.row()[9], -event.ingested, event_time)


def winners(events: Iterable[Event], valid: Callable[[Event], bool] = lambda _: True) -> dict[str, Event]:
    """Returns the greatest valid event of each key."""
    best: dict[str, Event] = {}
    for event in filter(is_readable, events):
        key = event.row()[2]
        if valid(event) and (key not in best or rank(event) > rank(best[key])):
            best[key] = event
    return best


def standardized(events: Iterable[Event], comments: Comments) -> dict[str, Row]:
    """Returns rows by key, all text and without cycle_id, in the columns that any readable event had."""
    listed = list(events)
    columns = {name: None for one in listed if is_readable(one) for name in flat(one, comments)[0]}
    rows = {}
    for key, event in winners(listed).items():
        own, rescued = flat(event, comments)
        text = json.dumps(rescued, ensure_ascii=False, separators=(",", ":")) if rescued else None
        times = {name: at and at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for name, at in _envelope(event).items()}
        rows[key] = {**columns, **own, **times, "message_id": event.message_id, "rescued_data": text}
    return rows


def curated(
    events: Iterable[Event], fields: Mapping[str, Mapping[str, Any]], comments: Comments
) -> dict[str, Row]:
    """Returns rows by key. fields: the schema's properties by column, all at the root."""
    rows = {}
    for key, event in winners(events, lambda one: not rejected(one, fields, comments)).items():
        values = {name: _value(flat(event, comments)[0].get(name), spec) for name, spec in fields.items()}
        rows[key] = {**values, **_envelope(event), "message_id": event.message_id}
    return rows


def rejected(event: Event, fields: Mapping[str, Mapping[str, Any]], comments: Comments) -> bool:
    columns = flat(event, comments)[0]
    critical = (name for name, spec in fields.items() if spec.get("x-cde"))
    return any(_value(columns.get(name), fields[name]) is None for name in critical)


def errors(
    events: Iterable[Event], fields: Mapping[str, Mapping[str, Any]], comments: Comments
) -> set[tuple[str, str, str, frozenset[str]]]:
    """Returns message, key, disposition and the columns that break a rule, of each readable event where one
    does."""
    found = set()
    for event in filter(is_readable, events):
        columns = flat(event, comments)[0]
        wrong = {name for name, spec in fields.items() if _is_wrong(columns.get(name), spec)}
        if wrong:
            disposition = "rejected" if rejected(event, fields, comments) else "nulled"
            found.add((event.message_id, event.row()[2], disposition, frozenset(wrong)))
    return found


def _is_wrong(text: str | None, spec: Mapping[str, Any]) -> bool:
    return bool(spec.get("x-cde")) if text is None else _value(text, spec) is None


def _value(text: str | None, spec: Mapping[str, Any]) -> Any:
    """Returns the typed value, or None for a text that is absent, is no value of the type, or breaks a
    constraint."""
    if text is None:
        return None
    if spec["type"] == "string" and "format" not in spec:
        return text if len(text) <= spec.get("maxLength", len(text)) else None
    if "format" in spec:
        at = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(Z|[+-]\d\d:\d\d)", text)
        return at and datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    if spec["type"] == "boolean":
        return {"true": True, "false": False}.get(text)
    if not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", text):
        return None
    number = Decimal(text)
    if number > spec.get("maximum", number):
        return None
    if spec["type"] == "integer":
        return int(number) if -(2**63) <= number < 2**63 and number == int(number) else None
    # A double beyond all finite ones, or a 0 that the text is not, is none of the value.
    value = float(number)
    return value if isfinite(value) and (value or not number) else None


def _envelope(event: Event) -> dict[str, datetime | None]:
    start = datetime(2026, 11, 23, 10, tzinfo=UTC).replace(tzinfo=None)
    seconds = {"event_time": event.event, "produced_at": event.produced}
    seconds |= {"received_at": event.ingested, "ingested_at": event.ingested}
    return {name: None if n is None else start + timedelta(seconds=n) for name, n in seconds.items()}
