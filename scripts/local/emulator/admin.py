"""The local stack's own routes beside AWS's APIs.

They show what is under way, flush Firehose, inject faults, count the bytes that S3 serves, delay answers, and
choose whether each Glue run gets a JVM of its own.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.errors import EmulatorError
from emulator.events.repeats import Repeats
from emulator.fault_injection.plan import FaultPlanError, read_plan
from emulator.patches import Engines
from emulator.reads import ServedBytes
from emulator.settings import LOOPBACK
from emulator.waits import Waits, WaitsError, read_waits

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_PREFIX = "/_lean_ops/"
_HOSTS = (LOOPBACK, "localhost")


class PrefixesError(EmulatorError):
    """The request to count reads does not name prefixes."""


class Admin:
    """An ASGI application in front of ministack's."""

    def __init__(self, app: App, engines: Engines) -> None:
        self._app = app
        self._engines = engines
        self._reads = ServedBytes()
        self._repeats = Repeats()
        self._waits = Waits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_PREFIX):
            status, body = await self._answer(scope, receive)
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})
            return
        await self._waits.before(scope)
        repeated = self._repeats.answer(scope)
        if repeated is not None:
            await _body(receive)
            for message in repeated:
                await send(message)
            return
        await self._app(scope, receive, self._repeats.watch(scope, self._reads.watch(scope, send)))

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, Any]]:
        headers = dict(scope["headers"])
        # A web page that resolves its own name to 127.0.0.1 still sends its own Host.
        if headers.get(b"host", b"").decode().split(":")[0] not in _HOSTS:
            return 403, {"error": "this route answers on 127.0.0.1 only"}
        route = (scope["method"], scope["path"].removeprefix(_PREFIX))
        if route == ("GET", "status"):
            return 200, self._status()
        if route == ("POST", "firehose/flush"):
            done = await asyncio.to_thread(self._engines.firehose.flush)
            return (200 if done else 504), {"flushed": done, "firehose": self._engines.firehose.status()}
        if route == ("GET", "faults"):
            return 200, self._engines.faults.status()
        if route == ("POST", "faults"):
            try:
                self._engines.faults.configure(read_plan(json.loads(await _body(receive))))
            except (FaultPlanError, ValueError) as error:
                return 400, {"error": str(error)}
            return 200, self._engines.faults.status()
        if route == ("GET", "reads"):
            return 200, self._reads.status()
        if route == ("POST", "reads"):
            try:
                self._reads.start(_prefixes(json.loads(await _body(receive))))
            except (PrefixesError, ValueError) as error:
                return 400, {"error": str(error)}
            return 200, self._reads.status()
        if route == ("GET", "waits"):
            return 200, self._waits.status()
        if route == ("POST", "waits"):
            try:
                self._waits.start(read_waits(json.loads(await _body(receive))))
            except (WaitsError, ValueError) as error:
                return 400, {"error": str(error)}
            return 200, self._waits.status()
        if route == ("POST", "fresh-jvm"):
            wanted = json.loads(await _body(receive))
            if not isinstance(wanted, bool):
                return 400, {"error": "true or false is wanted"}
            self._engines.glue.fresh_jvm = wanted
            return 200, {"fresh_jvm": wanted}
        return 404, {"error": f"no route {' '.join(route)}"}

    def _status(self) -> dict[str, Any]:
        return {
            "ready": True,
            "spark": self._engines.spark.state,
            "firehose": self._engines.firehose.status(),
            "glue_runs": self._engines.glue.states(),
            "glue_usage": self._engines.glue.usage(),
            "athena_running": self._engines.athena.running,
        }


def _prefixes(body: Any) -> list[str]:
    """The prefixes of {"prefixes": ["/bucket/…"]}. Raises PrefixesError for any other body."""
    prefixes = body.get("prefixes") if isinstance(body, dict) else None
    if not isinstance(prefixes, list) or not all(
        isinstance(prefix, str) and prefix.startswith("/") for prefix in prefixes
    ):
        raise PrefixesError('{"prefixes": ["/bucket/key…"]} is wanted')
    return prefixes


async def _body(receive: Receive) -> bytes:
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)
