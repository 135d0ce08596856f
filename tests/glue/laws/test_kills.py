"""Jobs whose process is killed (SIGKILL, Spark and all) at random moments: the next one finishes the work,
and the tables are the model's."""

import os
import pickle
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from budget import SEED, budget
from histories import histories, is_simplest
from hypothesis import HealthCheck, Phase, given, seed, settings

KILLS = budget(each_run=2, thorough=50)
KILLS_A_HISTORY = min(KILLS, 6)
# The simplest example is not played, and Hypothesis may draw it more than once.
EXAMPLES = 1 + -(-KILLS // KILLS_A_HISTORY) + KILLS // 25
TOPICS = budget(each_run=4, thorough=12)
LONGEST_LIFE = budget(each_run=8.0, thorough=14.0)
"""Seconds from when Spark is up. A life without a kill takes about twice that."""
_choose = random.Random(SEED)
ROOT = Path(__file__).parents[3]


def environment():
    paths = [ROOT / "tests" / "glue" / "support", ROOT / "scripts" / "glue", ROOT / "scripts" / "local"]
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

    @seed(SEED)
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
