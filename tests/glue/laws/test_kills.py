"""Jobs whose process is killed (SIGKILL, Spark and all) at random moments: the next one finishes the work,
and the tables are the model's."""

import pickle
import random
from pathlib import Path
from tempfile import mkdtemp

from budget import SEED, budget
from histories import histories, is_simplest
from hypothesis import HealthCheck, Phase, given, seed, settings
from killing import last_words, live

KILLS = budget(each_run=1, thorough=50)
KILLS_A_HISTORY = min(KILLS, 6)
# The simplest example is not played, and Hypothesis may draw it more than once.
EXAMPLES = 1 + -(-KILLS // KILLS_A_HISTORY) + KILLS // 25
TOPICS = budget(each_run=4, thorough=12)
LONGEST_LIFE = budget(each_run=8.0, thorough=14.0)
"""Seconds from when Spark is up. A life without a kill takes about twice that."""
_choose = random.Random(SEED)


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
            seconds = _choose.uniform(0.2, LONGEST_LIFE) if deaths < KILLS_A_HISTORY else None
            said = live("killed_process.py", folder, seconds)
            deaths += said is None
            assert said is None or said.endswith("equal\n"), last_words(folder)
    print(f"{deaths} processes killed over {lakes} lakes")
    return deaths
