"""The emulator's side of the Spark worker: starts it, sends it requests, and replaces it when it dies."""

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from emulator.errors import EmulatorError
from emulator.settings import ICEBERG_PACKAGES, Settings, trust_store
from emulator.spark.channel import Channel

logger = logging.getLogger("lean_ops.spark")
_WORKER = "emulator.spark_process.worker"

JOBS_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"
"""What the pipeline's jobs ask for by default, so that the first of them needs no other JVM."""

LogSink = Callable[[str, str, list[str]], None]
"""Takes a run's id, the name of its stream (output or error), and lines without their ends."""


class WorkerLostError(EmulatorError):
    """The worker ended while it worked on the request."""


class RequestFailedError(EmulatorError):
    """The worker could not do what the request asked for; the message is the worker's own.

    category and retryable: what Athena says of the failure, for a statement.
    """

    def __init__(self, message: str, category: int | None = None, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.category = category
        self.retryable = retryable


class SparkClient:
    """Owns the worker. A worker that dies while it is ready is started again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._socket: socket.socket | None = None
        self._waiting: dict[str, Future[dict[str, Any]]] = {}
        self._sinks: dict[str, LogSink] = {}
        self._ready = threading.Event()
        self.state = "starting"
        """starting, ready, failed or stopped."""
        self.failure = ""
        self.closing = False
        """Set when the account ends, because a signal to the process group may end Spark first."""
        self._java_options = JOBS_JAVA_OPTIONS
        """Options of the JVM that a Glue job asked for, beside the stack's own."""

    def start(self) -> None:
        scratch = self._settings.local_dir / "spark"
        scratch.mkdir(parents=True, exist_ok=True)
        config = {
            "endpoint": self._settings.endpoint,
            "region": self._settings.region,
            "jars": list(self._settings.jars),
            "packages": list(ICEBERG_PACKAGES),
            "trust_store": trust_store(),
            "local_dir": str(scratch),
            "cores": self._settings.spark_cores,
            "memory": self._settings.spark_memory,
            "java_options": self._java_options,
        }
        ours, theirs = socket.socketpair()
        # Scripts find the packages of Glue before those that the account itself needs at other versions.
        path = [str(Path(sys.prefix) / "glue-packages"), str(Path(__file__).parents[2])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
        with self._lock, (self._settings.logs / "spark.log").open("ab") as log:
            if self.state == "stopped":
                return
            self.state = "starting"
            self._ready.clear()
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    _WORKER,
                    str(theirs.fileno()),
                    json.dumps(config),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=scratch,
            )
            theirs.close()
            self._socket = ours
            self._channel = Channel(os.dup(ours.fileno()))
            threading.Thread(
                target=self._read, args=(self._channel, self._process), name="spark-client", daemon=True
            ).start()

    def request(self, op: str, arguments: dict[str, Any], sink: LogSink | None = None) -> dict[str, Any]:
        """Sends a request and waits for its answer. `sink` takes the lines that a script prints meanwhile.

        Raises WorkerLostError or RequestFailedError.
        """
        self.wait_ready()
        key = arguments.get("run_id") or uuid.uuid4().hex
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            if self._channel is None:
                raise WorkerLostError("Spark is not running")
            self._waiting[key] = future
            if sink is not None:
                self._sinks[key] = sink
            try:
                self._channel.send({"id": key, "op": op, **arguments})
            except OSError as error:
                self._waiting.pop(key, None)
                raise WorkerLostError("Spark is not running") from error
        try:
            answer = future.result()
        finally:
            self._sinks.pop(key, None)
        if not answer["ok"]:
            raise RequestFailedError(
                answer["error"], answer.get("category"), retryable=answer.get("retryable", False)
            )
        return answer

    def wait_ready(self, timeout: float = 120) -> None:
        """Waits until the worker takes requests. Raises WorkerLostError when it does not start in time."""
        if not self._ready.wait(timeout) or self.state in ("failed", "stopped"):
            raise WorkerLostError(self.failure or "Spark did not start in time")

    def use_java_options(self, options: str, *, anew: bool) -> None:
        """Has the next requests run in a JVM with these options; in a new one in any case if `anew`.

        On Glue every run has a JVM of its own. Here one JVM serves all, so it starts again when a job wants
        other options, and takes the statements of Athena that run meanwhile along.
        """
        with self._lock:
            if options == self._java_options and not anew:
                return
            self._java_options = options
            # Until the next worker is ready, nobody may take this one to be.
            self._ready.clear()
        self.restart()

    def restart(self) -> None:
        """Ends the worker with whatever it is doing. The thread that reads from it starts the next one."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def stop(self) -> None:
        with self._lock:
            self.state = "stopped"
            self._ready.set()
            process, connection = self._process, self._socket
            self._process = self._channel = self._socket = None
        if connection is not None:
            with contextlib.suppress(OSError):
                # The worker reads the end of the stream and takes its JVM along.
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        if process is not None:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def _read(self, channel: Channel, process: subprocess.Popen[bytes]) -> None:
        try:
            while True:
                message = channel.receive()
                if "event" in message:
                    self._event(message)
                elif (future := self._waiting.pop(message["id"], None)) is not None:
                    future.set_result(message)
        except (EOFError, OSError):
            process.wait()
        self._lost()

    def _event(self, message: dict[str, Any]) -> None:
        if message["event"] == "ready":
            self.state = "ready"
            self._ready.set()
        elif message["event"] == "failed":
            self.state, self.failure = "failed", f"Spark could not start: {message['error']}"
            logger.error("%s (see %s)", self.failure, self._settings.logs / "spark.log")
            self._ready.set()
        elif message["event"] == "log" and (sink := self._sinks.get(message["run_id"])) is not None:
            sink(message["run_id"], message["stream"], message["lines"])

    def _lost(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            restart = self.state == "ready" and not self.closing
            if self.state == "starting":
                self.state, self.failure = "failed", "Spark's process ended while it started"
                self._ready.set()
        for future in waiting.values():
            future.set_exception(WorkerLostError("Spark's process ended"))
        if restart:
            logger.warning("Spark's process ended; starting it again")
            self.start()
