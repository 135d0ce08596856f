"""Answers Terraform's requests that come again because their answer was lost on the way.

This happens once in some twenty applies, and why is not known. AWS's APIs do not recognise a repetition
either, but lose answers far less often. Here a role that was just made would be refused as one that exists.
"""

import logging
from collections import OrderedDict
from typing import Any

_MAX_ANSWERS = 500
_log = logging.getLogger(__name__)

Messages = list[dict[str, Any]]


class Repeats:
    """Keeps the answers to Terraform's last writes, by the SDK's id of the call.

    It is used on the event loop only.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, Messages] = OrderedDict()

    def answer(self, scope: dict[str, Any]) -> Messages | None:
        """The answer to the first attempt, for a request that is a repetition; None for any other request."""
        call = _call(scope)
        if call is None or _header(scope, b"amz-sdk-request").startswith(b"attempt=1;"):
            return None
        found = self._answers.get(call)
        if found is not None:
            _log.warning("%s %s came again: its first answer was lost", scope["method"], scope["path"])
        return found

    def watch(self, scope: dict[str, Any], send: Any) -> Any:
        """Wraps this request's `send` so that the answer is kept when the request may be repeated."""
        call = _call(scope)
        if call is None:
            return send
        answer: Messages = []

        async def remembering(message: dict[str, Any]) -> None:
            answer.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._keep(call, answer)
            await send(message)

        return remembering

    def _keep(self, call: bytes, answer: Messages) -> None:
        if not 200 <= answer[0].get("status", 0) < 300:
            return
        self._answers[call] = answer
        while len(self._answers) > _MAX_ANSWERS:
            self._answers.popitem(last=False)


def _call(scope: dict[str, Any]) -> bytes | None:
    """The SDK's id of the call, or None for a call whose answer is not kept.

    Reads may be repeated without harm, and other clients have to meet their own mistakes.
    """
    if (
        scope["type"] != "http"
        or scope["method"] in ("GET", "HEAD")
        or b"Terraform/" not in _header(scope, b"user-agent")
    ):
        return None
    return _header(scope, b"amz-sdk-invocation-id") or None


def _header(scope: dict[str, Any], name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")
