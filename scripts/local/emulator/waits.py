"""Waits before answers, as a network and a service's own work make them, and counts of requests by operation.

On loopback an answer takes a millisecond or two. What a job does one after another therefore looks as fast as
what it does at once, and only with waits can a benchmark tell the two apart.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from emulator.errors import EmulatorError

_SCOPE = re.compile(rb"Credential=[^/,\s]+/\d{8}/[^/,\s]+/([a-z0-9-]+)/aws4_request")
_NAME = re.compile(r"[a-z0-9-]+:(?:[A-Za-z]+|\*)")
_LONGEST_MS = 10_000


class WaitsError(EmulatorError):
    """The request for waits cannot be used."""


def operation_of(scope: Mapping[str, Any]) -> str | None:
    """The operation of a signed request as `service:Operation`, or `service:METHOD` for S3 and REST APIs."""
    headers = dict(scope["headers"])
    signed = _SCOPE.search(headers.get(b"authorization", b""))
    if signed is None:
        return None
    target = headers.get(b"x-amz-target", b"").rpartition(b".")[2]
    return f"{signed[1].decode()}:{target.decode() or scope['method']}"


def read_waits(body: Any) -> dict[str, float]:
    """The milliseconds by operation of {"milliseconds": {"glue:GetTable": 15, "dynamodb:*": 5}}.

    Raises WaitsError for any other body.
    """
    given = body.get("milliseconds") if isinstance(body, dict) else None
    if not isinstance(given, dict) or not all(_NAME.fullmatch(name) for name in given):
        raise WaitsError('{"milliseconds": {"service:Operation": N, "service:*": N}} is wanted')
    for name, value in given.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _LONGEST_MS:
            raise WaitsError(f"{name} must be a number of milliseconds from 0 to {_LONGEST_MS}")
    return {name: float(value) for name, value in given.items()}


class Waits:
    """The waits in force, and the requests since they were set. Before that, nothing is counted.

    A wait holds up its own request only: it takes neither the event loop nor a thread. Used on the event loop
    only.
    """

    def __init__(self) -> None:
        self._milliseconds: dict[str, float] | None = None
        self._requests: Counter[str] = Counter()

    def start(self, milliseconds: Mapping[str, float]) -> None:
        """Replaces the waits, and counts from zero."""
        self._milliseconds = dict(milliseconds)
        self._requests = Counter()

    def status(self) -> dict[str, Any]:
        return {"milliseconds": self._milliseconds or {}, "requests": dict(self._requests)}

    async def before(self, scope: Mapping[str, Any]) -> None:
        """Counts a request and waits as long as is due for its operation."""
        if self._milliseconds is None or scope["type"] != "http":
            return
        operation = operation_of(scope)
        if operation is None:
            return
        self._requests[operation] += 1
        service = operation.partition(":")[0]
        wait = self._milliseconds.get(operation, self._milliseconds.get(f"{service}:*", 0))
        if wait:
            await asyncio.sleep(wait / 1000)
