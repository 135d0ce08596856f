"""Starts processes that are killed (SIGKILL, Spark and all) after some time, whatever they are doing then."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_PATHS = [_ROOT / "tests" / "glue" / "support", _ROOT / "scripts" / "glue", _ROOT / "scripts" / "local"]
_LONGEST = 600
"""Seconds after which a process that nobody is to kill has hung."""


def live(script: str, folder: Path, for_seconds: float | None) -> str | None:
    """Runs a script of this folder, with the folder that has its state as the only argument, for so many
    seconds from when it says "ready". Gives what it said after that; None if it was killed."""
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / script), str(folder)],
        stdout=subprocess.PIPE,
        stderr=(folder / "errors.log").open("a"),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, _PATHS))},
        text=True,
        start_new_session=True,
    )
    try:
        assert child.stdout is not None
        # Spark says things of its own.
        ready = any(line == "ready\n" for line in child.stdout)
        assert ready, last_words(folder)
        if for_seconds is None:
            return child.communicate(timeout=_LONGEST)[0]
        try:
            return child.communicate(timeout=for_seconds)[0]
        except subprocess.TimeoutExpired:
            return None
    finally:
        _kill(child)


def last_words(folder: Path) -> str:
    """The end of what the processes of a folder have written to stderr."""
    return (folder / "errors.log").read_text("utf-8")[-3000:]


def _kill(child: "subprocess.Popen[str]") -> None:
    """With its JVM and its Python workers, which are of its group."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
