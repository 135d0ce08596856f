"""The emulator's side of the Spark worker: starts it, asks it, replaces it when it dies."""

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

from emulator.settings import ICEBERG_PACKAGES, Settings, trust_store
from emulator.spark.channel import Channel

logger = logging.getLogger("lean_ops.spark")
_WORKER = "emulator.spark_process.worker"

LogSink = Callable[[str, str, list[str]], None]


class WorkerLost(Exception):
    """The worker ended while it worked on the request."""


class RequestFailed(Exception):
    """The worker's own words; code: an Athena error code, if it is one."""

    def __init__(self, message: str, code: str | None) -> None:
        super().__init__(message)
        self.code = code


class SparkClient:
    """state: starting, ready, failed or stopped. A worker that dies while ready is started again."""

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
        self.failure = ""
        # A signal to the process group may reach Spark first: then its end is not a crash.
        self.closing = False

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
        }
        ours, theirs = socket.socketpair()
        package = str(Path(__file__).parents[2])
        environment = {**os.environ, "PYTHONPATH": package, "PYTHONUNBUFFERED": "1"}
        with self._lock, (self._settings.logs / "spark.log").open("ab") as log:
            if self.state == "stopped":
                return
            self.state = "starting"
            self._ready.clear()
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "emulator.spark_process.worker",
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

    def ask(self, op: str, request: dict[str, Any], sink: LogSink | None = None) -> dict[str, Any]:
        """Waits for the answer. @raises WorkerLost, RequestFailed."""
        self.wait_ready()
        key = request.get("run_id") or uuid.uuid4().hex
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            if self._channel is None:
                raise WorkerLost("Spark is not running")
            self._waiting[key] = future
            if sink is not None:
                self._sinks[key] = sink
            try:
                self._channel.send({"id": key, "op": op, **request})
            except OSError as error:
                self._waiting.pop(key, None)
                raise WorkerLost("Spark is not running") from error
        try:
            answer = future.result()
        finally:
            self._sinks.pop(key, None)
        if not answer["ok"]:
            raise RequestFailed(answer["error"], answer.get("code"))
        return answer

    def wait_ready(self, timeout: float = 120) -> None:
        if not self._ready.wait(timeout) or self.state in ("failed", "stopped"):
            raise WorkerLost(self.failure or "Spark did not start in time")

    def restart(self) -> None:
        """Ends the worker with whatever it does; the reader starts the next one."""
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
                connection.shutdown(socket.SHUT_RDWR)  # the worker reads the end and takes its JVM along
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
            future.set_exception(WorkerLost("Spark's process ended"))
        if restart:
            logger.warning("Spark's process ended; starting it again")
            self.start()
