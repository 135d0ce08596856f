"""Starts the local account: `python -m emulator`. Prints `ready URL` when the APIs answer."""

import asyncio
import logging
import os
import signal
import sys
from typing import NoReturn

import uvloop

from emulator.owner_process import call_on_exit
from emulator.settings import (
    LOOPBACK,
    Settings,
    SettingsError,
    port_is_free,
    prepare_environment,
    read_settings,
)


def main() -> NoReturn:
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        _refuse(str(error))
    if not port_is_free(settings.port):
        _refuse(
            f"port {settings.port} on {LOOPBACK} is taken: "
            "end what listens there, or set GATEWAY_PORT to another"
        )
    prepare_environment(settings)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
    # It warns of a missing package that nothing here needs.
    logging.getLogger("kms").setLevel(logging.ERROR)
    # ministack reads the environment when it is imported, so that comes only now.
    from emulator import patches

    missing = patches.missing()
    if missing:
        _refuse(
            f"this ministack has no {', '.join(missing)}: "
            "install the version that scripts/local/requirements.txt pins"
        )
    sys.exit(uvloop.run(_serve(settings)))


async def _serve(settings: Settings) -> NoReturn:
    from ministack import app
    from ministack.core import lambda_runtime

    from emulator import patches
    from emulator.admin import Admin
    from emulator.iam import credentials
    from emulator.server import Server, listen

    credentials.configure(settings)
    engines = patches.install(settings)
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        engines.spark.closing = True
        ending.set()

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(name, end)
    if settings.owner_pid is not None:
        call_on_exit(settings.owner_pid, lambda: loop.call_soon_threadsafe(end))
    engines.spark.start()
    announce = asyncio.create_task(_announce(settings))
    code = 0
    try:
        await Server(Admin(app.app, engines)).serve_until(ending, listen(settings.port))
    except OSError as error:
        code = _fail(f"cannot listen on {settings.endpoint}: {error.strerror or error}")
    finally:
        announce.cancel()
        engines.spark.stop()
        with lambda_runtime._lock:
            workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
            lambda_runtime._workers.clear()
        lambda_runtime.kill_workers(workers)
        sys.stdout.flush()
        # Threads of ministack may sit in calls that nobody waits for any more.
        os._exit(code)


async def _announce(settings: Settings) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, settings.port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        print(f"ready {settings.endpoint}", flush=True)
        return


def _refuse(message: str) -> NoReturn:
    sys.exit(_fail(message))


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    main()
