"""Nothing of the stack outlives it, however it ends, and a test's account does not outlive the test run."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack import ROOT, Stack, alive, descendants, wait_for

from emulator.owner_process import wait_for_exit

SECONDS = 20
"""The emulator gives Spark 5 seconds to end before it kills it; the rest is for a busy machine."""

_PATH = [str(ROOT / "tests" / "local"), str(ROOT / "scripts" / "local")]

RUNNER = """
import signal, sys
from pathlib import Path
from local_stack import Stack, start_stack

folder, how = Path(sys.argv[1]), sys.argv[2]
stack = Stack(folder, detached=True) if how == "detached" else start_stack(folder)
print(stack.process.pid, stack.port, flush=True)
signal.pause()
"""


@contextmanager
def run_of_tests(folder: Path, how: str) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """A process that has started an account. Yields it, and the account's process id and port."""
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder), how],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_PATH), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert runner.stdout is not None
        emulator, port = map(int, runner.stdout.readline().split())
        yield runner, emulator, port
    finally:
        runner.kill()
        runner.wait()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_killed_emulator_takes_spark_and_its_jvm_along(start: Callable[[], Stack]) -> None:
    stack = start()
    assert len(descendants(stack.process.pid)) >= 2
    assert stack.end(signal.SIGKILL) == set()


def test_a_killed_test_run_takes_its_emulator_spark_and_the_jvm_along(tmp_path: Path) -> None:
    with run_of_tests(tmp_path, "ready") as (runner, emulator, _):
        processes = {emulator} | descendants(emulator)
        assert len(processes) >= 3
        runner.kill()
        wait_for(lambda: not alive(processes), "the end of the account", SECONDS)


def test_an_account_without_an_owner_outlives_what_started_it(tmp_path: Path) -> None:
    with run_of_tests(tmp_path, "detached") as (runner, emulator, port):
        try:
            wait_for(lambda: is_open(port), "the start of the APIs")
            runner.kill()
            runner.wait()
            time.sleep(2)
            assert is_open(port)
        finally:
            processes = {emulator} | descendants(emulator)
            os.kill(emulator, signal.SIGTERM)
            wait_for(lambda: not alive(processes), "the end of the account", SECONDS)


def test_an_owner_that_nobody_waited_for_counts_as_ended() -> None:
    owner = subprocess.Popen([sys.executable, "-c", ""])
    wait_for(lambda: not alive({owner.pid}), "its end")
    wait_for_exit(owner.pid)
    owner.wait()
    wait_for_exit(owner.pid)
