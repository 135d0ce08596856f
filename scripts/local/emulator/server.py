"""Serves the emulator's application. See docs/decisions/0015."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from emulator.settings import LOOPBACK

_BACKLOG = 1024


def listen(port: int) -> socket.socket:
    """Raises OSError when the port is taken."""
    return socket.create_server((LOOPBACK, port), backlog=_BACKLOG)


class Server(uvicorn.Server):
    """uvicorn, ended by an event and not by signals of its own."""

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
                # ministack sends its own, as the services do.
                server_header=False,
                date_header=False,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve_until(self, asked: asyncio.Event, listener: socket.socket) -> None:
        async def end() -> None:
            await asked.wait()
            self.should_exit = True

        ending = asyncio.create_task(end())
        try:
            await self.serve(sockets=[listener])
        finally:
            ending.cancel()
