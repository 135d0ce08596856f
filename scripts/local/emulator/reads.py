"""Counts the bytes that S3 serves by GET, so that a benchmark can tell what a job has read."""

from collections.abc import Sequence
from typing import Any


class ServedBytes:
    """By prefix of `/bucket/key`. Of a range, what is sent of it. Counts nothing until it is told prefixes.

    A reader that asks for the rest of an object and hangs up early is served more than it reads, as Iceberg's
    is in files of many megabytes. Used on the event loop only.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, int]] = {}

    def start(self, prefixes: Sequence[str]) -> None:
        """From zero, these prefixes only."""
        self._counts = {prefix: {"requests": 0, "bytes": 0} for prefix in prefixes}

    def status(self) -> dict[str, dict[str, int]]:
        return {prefix: dict(count) for prefix, count in self._counts.items()}

    def watch(self, scope: dict[str, Any], send: Any) -> Any:
        """`send` of this request; one that counts when the request is for an object that is watched."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return send
        counts = [count for prefix, count in self._counts.items() if scope["path"].startswith(prefix)]
        if not counts:
            return send
        served = False

        async def counted(message: dict[str, Any]) -> None:
            nonlocal served
            if message["type"] == "http.response.start":
                served = message["status"] in (200, 206)
                for count in counts:
                    count["requests"] += served
            elif served:
                for count in counts:
                    count["bytes"] += len(message.get("body", b""))
            await send(message)

        return counted
