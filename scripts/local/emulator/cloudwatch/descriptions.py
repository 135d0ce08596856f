"""CloudWatch's alarms, as a client of the query protocol reads them back.

ministack's answer in XML leaves most of an alarm out, so that Terraform's provider would find every alarm
changed in every plan. Its answer in JSON has all of it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from emulator.responses import Response

_LISTS = ("AlarmNames", "AlarmTypes")
_TEXTS = ("AlarmNamePrefix", "StateValue", "MaxRecords", "NextToken")


def complete(original: Callable[..., Response]) -> Callable[..., Response]:
    """Wraps DescribeAlarms so that its answer in XML has every field of an alarm."""

    def describe(
        params: dict[str, Any], body: dict[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Response:
        if is_cbor or is_json:
            return original(params, body, is_cbor, is_json)
        status, _, answer = original(params, _request(params), False, True)
        if status != 200:
            return original(params, body, is_cbor, is_json)
        result = _members(json.loads(answer))
        found: Response = cloudwatch._xml(
            200, "DescribeAlarmsResponse", f"<DescribeAlarmsResult>{result}</DescribeAlarmsResult>"
        )
        return found

    return describe


def _request(params: dict[str, Any]) -> dict[str, Any]:
    """The members of a request in the query protocol, where each entry of a list is a parameter."""
    request: dict[str, Any] = {name: value for name in _TEXTS if (value := cloudwatch._p(params, name))}
    for name in _LISTS:
        values = [value for at in range(1, 101) if (value := cloudwatch._p(params, f"{name}.member.{at}"))]
        if values:
            request[name] = values
    return request


def _members(structure: dict[str, Any]) -> str:
    return "".join(
        f"<{name}>{_value(name, value)}</{name}>" for name, value in structure.items() if value is not None
    )


def _value(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return _members(value)
    if isinstance(value, list):
        return "".join(f"<member>{_value('', each)}</member>" for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if name.endswith("Timestamp") and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat()
    return escape(str(value))
