"""Runs a Glue job's own script in the warm Spark process, as Glue would in a fresh one."""

import hashlib
import io
import logging
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from pyspark.sql import SparkSession

from emulator.athena.spark_text import CATALOG
from emulator.spark.channel import Channel
from emulator.spark_process.session import catalog_settings, open_session

# Settings of a catalog that the emulator decides, whatever the job says: where the APIs are, and whose the
# keys are.
_OURS = (
    "client.credentials-provider",
    "s3.endpoint",
    "s3.access-key-id",
    "s3.secret-access-key",
    "s3.session-token",
    "glue.endpoint",
)
_MAX_MESSAGE_CHARS = 1900


class GlueRunner:
    """Runs one script at a time: it owns sys.argv, the environment and standard output of the process."""

    def __init__(self, spark: SparkSession, config: Mapping[str, Any], channel: Channel) -> None:
        self._spark = spark
        self._config = config
        self._channel = channel

    def run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Runs a request with run_id, script and py_files (local paths), arguments, conf and credentials.

        Returns {"failure": None, "usage": …}, or Glue's ErrorMessage as the failure: the request does not
        fail with its script.
        """
        run = _Run(self._spark, self._config, self._channel, request)
        before = _usage(self._spark)
        with run.environment(), run.modules(), run.output(), run.session():
            failure = run.execute()
        after = _usage(self._spark)
        used = {name: round(after[name] - before[name], 3) for name in after}
        return {"failure": failure, "usage": {**used, "jvm_cpu_since_start": round(after["jvm_cpu"], 3)}}


def _usage(spark: SparkSession) -> dict[str, float]:
    """Seconds so far: of the clock, and of CPU of the JVM, its JIT compilers and the driver's Python."""
    jvm: Any = spark._jvm
    compilers = jvm.java.lang.management.ManagementFactory.getCompilationMXBean()
    return {
        "seconds": time.monotonic(),
        "jvm_cpu": _cpu_seconds(spark.sparkContext._gateway.proc.pid),  # type: ignore[union-attr]
        "jit": compilers.getTotalCompilationTime() / 1e3,
        "python_cpu": time.process_time(),
    }


def _cpu_seconds(pid: int) -> float:
    """Seconds of CPU of a process, from the kernel: the JVM's own bean is closed to py4j."""
    text = subprocess.run(
        ["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True
    ).stdout.strip()
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + 86400 * int(days or 0)


class _Run:
    def __init__(
        self, spark: SparkSession, config: Mapping[str, Any], channel: Channel, request: Mapping[str, Any]
    ) -> None:
        self._spark = spark
        self._config = config
        self._channel = channel
        self._request = request

    def execute(self) -> str | None:
        script = self._request["script"]
        try:
            code = compile(Path(script).read_text(encoding="utf-8"), script, "exec")
            exec(code, {"__name__": "__main__", "__file__": script, "__builtins__": __builtins__})
        except SystemExit as leaving:
            if leaving.code in (None, 0):
                return None
            print(f"SystemExit: {leaving.code}", file=sys.stderr)
            return f"SystemExit: {leaving.code}"
        except BaseException as error:
            traceback.print_exc()
            return _error_message(error, script)
        return None

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Gives boto3 the job's own keys, on the driver and in the workers, and the script the arguments that
        Glue passes.

        Glue's documents do not say that a job finds its region in the environment, so here it does not.
        """
        before, argv, cwd = dict(os.environ), sys.argv, os.getcwd()
        keys = self._request["credentials"]
        own = {
            "AWS_ACCESS_KEY_ID": keys["access_key"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
            "AWS_SESSION_TOKEN": keys["token"],
            "AWS_ENDPOINT_URL": self._config["endpoint"],
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        os.environ.update(own)
        # Workers with other variables are other processes, so no run meets the keys of another.
        workers = self._spark.sparkContext.environment
        workers.update(own)
        sys.argv = [self._request["script"], *self._request["arguments"]]
        boto3.DEFAULT_SESSION = None
        os.chdir(Path(self._request["script"]).parent)
        try:
            yield
        finally:
            for name in own:
                del workers[name]
            os.chdir(cwd)
            boto3.DEFAULT_SESSION = None
            sys.argv = argv
            os.environ.clear()
            os.environ.update(before)

    @contextmanager
    def modules(self) -> Iterator[None]:
        """Puts --extra-py-files on the driver's and the workers' path.

        Their modules are forgotten afterwards, so that the next run loads its own.
        """
        context = self._spark.sparkContext
        python_includes = context._python_includes
        assert python_includes is not None
        known, path, includes = set(sys.modules), list(sys.path), list(python_includes)
        # Spark keeps workers with different environments apart, so a run with other files has other modules.
        context.environment["LEAN_PY_FILES"] = _digest(self._request["py_files"])
        sys.path[:0] = [str(Path(self._request["script"]).parent), *self._request["py_files"]]
        for file in self._request["py_files"]:
            context.addPyFile(file)
        try:
            yield
        finally:
            # Spark puts its own copies of the files on the path as well.
            ours = tuple(entry for entry in sys.path if entry not in path)
            python_includes[:] = includes
            sys.path[:] = path
            for name in set(sys.modules) - known:
                if str(getattr(sys.modules[name], "__file__", None) or "").startswith(ours):
                    del sys.modules[name]

    @contextmanager
    def output(self) -> Iterator[None]:
        """Sends print and logging to the run's CloudWatch streams, line by line."""
        before = sys.stdout, sys.stderr
        root = logging.getLogger()
        handlers, level = list(root.handlers), root.level
        out, err = self._stream("output"), self._stream("error")
        sys.stdout, sys.stderr = out, err
        try:
            yield
        finally:
            out.finish()
            err.finish()
            sys.stdout, sys.stderr = before
            root.handlers[:] = handlers
            root.setLevel(level)

    def _stream(self, name: str) -> "_Lines":
        run_id = self._request["run_id"]
        return _Lines(
            lambda lines: self._channel.send(
                {"event": "log", "run_id": run_id, "stream": name, "lines": lines}
            )
        )

    @contextmanager
    def session(self) -> Iterator[None]:
        """Lets `SparkSession.builder.getOrCreate()` in the script find this run's session.

        `stop()` does not end the JVM.
        """
        context = self._spark.sparkContext
        settings = self._settings()
        session = open_session(self._spark, settings)
        # On Glue the settings are the context's, so that `spark.newSession()` in the script has them too.
        context_settings = context._jsc.sc().conf()
        before = {name: context_settings.get(name, None) for name in settings}
        for name, value in settings.items():
            context_settings.set(name, value)
        # On Glue every job has a context of its own, which it may stop.
        session.stop = lambda: None  # type: ignore[method-assign]
        context.stop = lambda: None  # type: ignore[method-assign]
        jvm = context._jvm
        assert jvm is not None
        java = jvm.SparkSession
        SparkSession._instantiatedSession = session
        java.setActiveSession(session._jsparkSession)
        java.setDefaultSession(session._jsparkSession)
        try:
            yield
        finally:
            for name, value in before.items():
                _ = context_settings.remove(name) if value is None else context_settings.set(name, value)
            del context.stop
            SparkSession._instantiatedSession = self._spark
            SparkSession._activeSession = self._spark
            java.setActiveSession(self._spark._jsparkSession)
            java.setDefaultSession(self._spark._jsparkSession)
            session.catalog.clearCache()

    def _settings(self) -> dict[str, str]:
        static = {"spark.sql.extensions", "spark.sql.catalogImplementation", "spark.sql.warehouse.dir"}
        requested = {
            name: value
            for name, value in self._request["conf"].items()
            if name.startswith("spark.sql.") and name not in static and not _is_ours(name)
        }
        named = {name.split(".")[3] for name in requested if name.startswith("spark.sql.catalog.")}
        settings = dict(requested)
        for name in named | {CATALOG}:
            settings |= catalog_settings(name, self._request["credentials"], self._config["endpoint"])
        return settings


def _digest(files: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(Path(file).read_bytes()).digest())
    return digest.hexdigest()


def _is_ours(setting: str) -> bool:
    parts = setting.split(".", 4)
    return setting.startswith("spark.sql.catalog.") and len(parts) == 5 and parts[4].startswith(_OURS)


def _error_message(error: BaseException, script: str) -> str:
    """Glue's ErrorMessage: the error, and the line of the script at which it came out."""
    text = str(error).strip().splitlines()
    summary = f"{type(error).__name__}: {text[0] if text else ''}".rstrip(": ")
    java = getattr(error, "java_exception", None)
    if java is not None:
        summary += " " + str(java.toString()).splitlines()[0]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    where = f" (line {lines[-1]} of {Path(script).name})" if lines else ""
    return summary[:_MAX_MESSAGE_CHARS] + where


class _Lines(io.TextIOBase):
    """A text stream that hands over whole lines."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            self._send(lines)
        return len(text)

    def finish(self) -> None:
        if self._rest:
            self._send([self._rest])
            self._rest = ""
