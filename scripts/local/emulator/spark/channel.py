"""Messages between the emulator and its Spark worker: JSON objects over a socket pair.

The socket is also the worker's life line. When the emulator is gone, however it ended, the worker reads the
end of the stream and ends too.
"""

import json
import threading
from multiprocessing.connection import Connection
from typing import Any


class Channel:
    """One end of the socket pair. Any thread may send, and one thread reads."""

    def __init__(self, descriptor: int) -> None:
        self._connection = Connection(descriptor)
        self._sending = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message, separators=(",", ":")).encode()
        with self._sending:
            self._connection.send_bytes(data)

    def receive(self) -> dict[str, Any]:
        """Waits for the next message. Raises EOFError when the other side is gone."""
        try:
            message = json.loads(self._connection.recv_bytes())
        except OSError as error:
            raise EOFError from error
        assert isinstance(message, dict)
        return message

    def close(self) -> None:
        self._connection.close()
