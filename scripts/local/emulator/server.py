"""Serves the emulator's application; docs/decisions/0015 says why with uvicorn."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from emulator.settings import LOOPBACK

_BACKLOG = 1024


def listen(port: int) -> socket.socket:
    """Opens the listening socket. Raises OSError when the port is taken."""
    return socket.create_server((LOOPBACK, port), backlog=_BACKLOG)


class Server(uvicorn.Server):
    """uvicorn, which an event ends in place of signals of its own."""

    def __init__(self, application: Any) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="none",
                http="httptools",
                ws="none",
                # Clients keep their connections, as with AWS.
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                # ministack sends these two itself, as the services do.
                server_header=False,
                date_header=False,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve_until(self, ending: asyncio.Event, listener: socket.socket) -> None:
        async def end() -> None:
            await ending.wait()
            self.should_exit = True

        waiting = asyncio.create_task(end())
        try:
            await self.serve(sockets=[listener])
        finally:
            waiting.cancel()
