"""Routes of the local stack's own, beside AWS's APIs: what is under way, and Firehose's flush."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.athena_engine import AthenaEngine
from emulator.firehose_engine import FirehoseEngine
from emulator.glue_engine import GlueEngine
from emulator.spark_client import SparkClient

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_PREFIX = "/_lean_ops/"
_HOSTS = ("127.0.0.1", "localhost")


class Admin:
    """An ASGI application in front of ministack's."""

    def __init__(
        self, app: App, spark: SparkClient, firehose: FirehoseEngine, glue: GlueEngine, athena: AthenaEngine
    ) -> None:
        self._app = app
        self._spark = spark
        self._firehose = firehose
        self._glue = glue
        self._athena = athena

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_PREFIX):
            status, body = await self._answer(scope)
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})
            return
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope) -> tuple[int, dict[str, Any]]:
        headers = dict(scope["headers"])
        # A web page that resolves its own name to 127.0.0.1 still sends its own Host.
        if headers.get(b"host", b"").decode().split(":")[0] not in _HOSTS:
            return 403, {"error": "this route answers on 127.0.0.1 only"}
        route = (scope["method"], scope["path"].removeprefix(_PREFIX))
        if route == ("GET", "status"):
            return 200, self._status()
        if route == ("POST", "firehose/flush"):
            done = await asyncio.to_thread(self._firehose.flush)
            return (200 if done else 504), {"flushed": done, "firehose": self._firehose.status()}
        return 404, {"error": f"no route {' '.join(route)}"}

    def _status(self) -> dict[str, Any]:
        return {
            "ready": True,
            "spark": self._spark.state,
            "firehose": self._firehose.status(),
            "glue_runs": self._glue.states(),
            "athena_running": self._athena.running,
        }
