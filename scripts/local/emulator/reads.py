"""Counts the bytes that S3 serves by GET, so that a benchmark can tell what a job has read."""

from collections.abc import Sequence
from typing import Any


class ServedBytes:
    """Requests and bytes by prefix of `/bucket/key`. `start` gives the prefixes; before it, nothing counts.

    A range counts with the bytes that are sent. A reader that asks for the rest of an object and hangs up
    early is served more than it reads, as Iceberg's reader is in files of many megabytes. The counts are used
    on the event loop only.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, int]] = {}

    def start(self, prefixes: Sequence[str]) -> None:
        """Counts from zero, and for these prefixes only."""
        self._counts = {prefix: {"requests": 0, "bytes": 0} for prefix in prefixes}

    def status(self) -> dict[str, dict[str, int]]:
        return {prefix: dict(count) for prefix, count in self._counts.items()}

    def watch(self, scope: dict[str, Any], send: Any) -> Any:
        """Wraps this request's `send` so that it counts when the request is for an object under a prefix."""
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
