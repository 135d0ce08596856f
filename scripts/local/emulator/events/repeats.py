"""Terraform's requests that come again because their answer was lost on the way.

It happens once in some twenty applies, and why is not known. AWS's APIs do not know a repetition either, but
lose answers far less often; here a role that was just made would be refused as one that exists.
"""

import logging
from collections import OrderedDict
from typing import Any

_KEPT = 500
_log = logging.getLogger(__name__)

Messages = list[dict[str, Any]]


class Repeats:
    """The answers to Terraform's last writes, by the SDK's id of the call. Used on the event loop only."""

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, Messages] = OrderedDict()

    def answer(self, scope: dict[str, Any]) -> Messages | None:
        """What the first attempt was told, of a request that is a repetition."""
        call = _call(scope)
        if call is None or _header(scope, b"amz-sdk-request").startswith(b"attempt=1;"):
            return None
        found = self._answers.get(call)
        if found is not None:
            _log.warning("%s %s came again: its first answer was lost", scope["method"], scope["path"])
        return found

    def watch(self, scope: dict[str, Any], send: Any) -> Any:
        """`send` of this request; one that remembers what it is told when somebody may ask again."""
        call = _call(scope)
        if call is None:
            return send
        told: Messages = []

        async def remembering(message: dict[str, Any]) -> None:
            told.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._keep(call, told)
            await send(message)

        return remembering

    def _keep(self, call: bytes, told: Messages) -> None:
        if not 200 <= told[0].get("status", 0) < 300:
            return
        self._answers[call] = told
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)


def _call(scope: dict[str, Any]) -> bytes | None:
    """None for what may be done twice without harm, and for other clients, whose faults are wanted."""
    if (
        scope["type"] != "http"
        or scope["method"] in ("GET", "HEAD")
        or b"Terraform/" not in _header(scope, b"user-agent")
    ):
        return None
    return _header(scope, b"amz-sdk-invocation-id") or None


def _header(scope: dict[str, Any], name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")
