"""Jobs whose process is killed (SIGKILL, Spark and all) at random moments: the next one finishes the work,
and the tables are the model's. LEAN_KILLS=50 for the long run."""

import os
import pickle
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from histories import histories, is_simplest
from hypothesis import HealthCheck, Phase, given, settings

KILLS = int(os.environ.get("LEAN_KILLS", "3"))
KILLS_A_HISTORY = min(KILLS, 6)
EXAMPLES = 1 + -(-KILLS // KILLS_A_HISTORY) + KILLS // 25
"""The simplest one is not played, which Hypothesis may draw more than once."""
TOPICS = 12
LONGEST_LIFE = 14.0
"""Seconds from when Spark is up; a life without a kill takes about twice that."""
_choose = random.Random(7)
ROOT = Path(__file__).parents[3]


def environment():
    paths = [ROOT / "tests" / "glue", ROOT / "scripts" / "glue", ROOT / "scripts" / "local"]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}


def last_words(folder):
    return (folder / "errors.log").read_text("utf-8")[-3000:]


def live(folder, for_seconds):
    """One process. Gives what it said; None if it was killed."""
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).parents[1] / "support" / "killed_process.py"), str(folder)],
        stdout=subprocess.PIPE,
        stderr=(folder / "errors.log").open("a"),
        env=environment(),
        text=True,
        start_new_session=True,
    )
    try:
        assert child.stdout is not None
        # Spark says things of its own.
        ready = any(line == "ready\n" for line in child.stdout)
        assert ready, last_words(folder)
        if for_seconds is None:
            return child.communicate(timeout=600)[0]
        try:
            return child.communicate(timeout=for_seconds)[0]
        except subprocess.TimeoutExpired:
            return None
    finally:
        kill(child)


def kill(child):
    """With its JVM and its Python workers, which are of its group."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def test_processes_that_are_killed_at_any_moment_leave_the_tables_right(tmp_path):
    deaths = []

    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(histories(TOPICS))
    def hold(played):
        if not is_simplest(played):
            deaths.append(play_and_kill(tmp_path, played))

    hold()
    assert sum(deaths) >= KILLS, f"{deaths}: Hypothesis drew the simplest example too often"


def play_and_kill(tmp_path, played):
    """In lakes of their own, until enough processes have died. Gives how many."""
    deaths = lakes = 0
    while deaths < KILLS_A_HISTORY:
        folder = Path(mkdtemp(dir=tmp_path))
        (folder / "histories.pickle").write_bytes(pickle.dumps(played))
        lakes += 1
        said = None
        while said is None:
            said = live(folder, _choose.uniform(0.2, LONGEST_LIFE) if deaths < KILLS_A_HISTORY else None)
            deaths += said is None
            assert said is None or said.endswith("equal\n"), last_words(folder)
    print(f"{deaths} processes killed over {lakes} lakes")
    return deaths
