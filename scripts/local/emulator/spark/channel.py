"""Messages between the emulator and its Spark worker: JSON objects over a socket pair.

The socket is also the worker's life line: when the emulator is gone, however it went, the worker reads the
end of the stream and leaves.
"""

import json
import threading
from multiprocessing.connection import Connection
from typing import Any


class Channel:
    """Thread-safe sending, one reader. `receive` raises EOFError when the other side is gone."""

    def __init__(self, descriptor: int) -> None:
        self._connection = Connection(descriptor)
        self._sending = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message, separators=(",", ":")).encode()
        with self._sending:
            self._connection.send_bytes(data)

    def receive(self) -> dict[str, Any]:
        try:
            message = json.loads(self._connection.recv_bytes())
        except OSError as error:
            raise EOFError from error
        assert isinstance(message, dict)
        return message

    def close(self) -> None:
        self._connection.close()
