"""The SQL of `lean-ops schema plan` takes time in proportion to the texts that it reads, and so does that of
`schema infer`, which asks by the same casts.

Trino's expressions search by backtracking, as Java's do, so Spark shows here what a pattern costs there. The
worst texts are searched for as support/slow_texts.py says, but all of them in one query: a column with the
time stands before and behind each expression.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from budget import SEED, budget
from pyspark.sql import DataFrame, SparkSession
from slow_texts import (
    FACTOR,
    MEGABYTE,
    SHORT,
    Shape,
    Shapes,
    TooSlowError,
    check_steps,
    finds_slow,
    shapes,
)

from emulator.athena.sql import plan
from emulator.spark_process.athena_statements import _DIALECT

ROOT = Path(__file__).parents[3]
CANDIDATES = budget(each_run=300, thorough=5_000)
WORST = budget(each_run=1, thorough=2)
REPEAT = budget(each_run=1, thorough=2)
NUMBERS = shapes(("-1.01e+10", "-0.010"), ("0", "1", ".", "e", "-", "x"), repeat=REPEAT)
TIMES = shapes(("2026-11-23T10:00:00.5+01:00",), ("0", "1", "-", ":", "T", ".", "Z", "x"), repeat=REPEAT)
_CLOCK = "java_method('java.lang.System', 'nanoTime')"


@pytest.fixture
def athena(job_session):
    """A session with Athena's dialect, which computes what is there twice where it stands, so that the clock
    tells."""
    session = job_session.newSession()
    for name, value in {**_DIALECT, "spark.sql.subexpressionElimination.enabled": "false"}.items():
        session.conf.set(name, value)
    return session


def cast(athena_type: str, json_type: str) -> str:
    """The cast to a type as an expression of the column `t`."""
    request = json.dumps([{"types": [json_type], "athenaType": athena_type, "times": {"lenient": False}}])
    command = ["node", "--import", "tsx", "tests/glue/support/cast_sql.ts"]
    ran = subprocess.run(command, input=request, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    [expression] = json.loads(ran.stdout)
    return str(expression)


class Timed:
    """An expression of the column `t`, with the seconds that it takes for each of some texts."""

    def __init__(self, session: SparkSession, expression: str) -> None:
        self._session = session
        clock = "'clock' AS begun, {} AS v, 'clock' AS done"
        before, _, _ = plan(f"SELECT n, {clock.format(expression)} FROM texts", "d").sql.rpartition(" FROM ")
        self._sql = f"{before} FROM texts".replace("'clock'", _CLOCK)

    def seconds(self, texts: Sequence[tuple[Shape, int]], times: int) -> list[float]:
        """The least of so many measurements of each text, which is a shape with a length."""
        self._texts(texts).createOrReplaceTempView("texts")
        least = [float("inf")] * len(texts)
        for _ in range(times):
            for row in self._session.sql(self._sql).collect():
                least[row["n"]] = min(least[row["n"]], (int(row["done"]) - int(row["begun"])) / 1e9)
        return least

    def _texts(self, texts: Sequence[tuple[Shape, int]]) -> DataFrame:
        rows = [
            (n, one.beginning, one.part, one.end, one.rounds(length)) for n, (one, length) in enumerate(texts)
        ]
        pieces = self._session.createDataFrame(
            rows, "n int, beginning string, part string, end string, k int"
        )
        whole = pieces.selectExpr("n", "concat(beginning, repeat(part, k), `end`) AS t")
        return whole.coalesce(1).localCheckpoint()

    def worst(self, candidates: Sequence[Shape]) -> list[Shape]:
        """The candidates that take most time while they are short, and those whose time grows most."""
        short = self.seconds([(one, SHORT) for one in candidates], 2)
        longer = self.seconds([(one, FACTOR * SHORT) for one in candidates], 2)
        by_time = sorted(range(len(candidates)), key=lambda n: -longer[n])[: 10 * WORST]
        by_growth = sorted(by_time, key=lambda n: -longer[n] / short[n])
        return [candidates[n] for n in dict.fromkeys([*by_time[:WORST], *by_growth[:WORST]])]


def check(timed: Timed, candidates: Shapes, most: int = MEGABYTE) -> None:
    """Raises TooSlowError."""
    worst = timed.worst(list(candidates.drawn(CANDIDATES, SEED)))
    lengths = [most // FACTOR**n for n in range(4, -1, -1)]
    # A text that takes the square of its length shows it before it is long.
    for group in (lengths[:2], lengths[1:3], lengths[2:]):
        found = timed.seconds([(shape, length) for shape in worst for length in group], 2)
        for n, shape in enumerate(worst):
            try:
                check_steps(shape, zip(group, found[n * len(group) :], strict=False))
            except TooSlowError:
                # This clock is the wall's, so another process or collected garbage may have been in the way.
                again = timed.seconds([(shape, length) for length in group], 3)
                check_steps(shape, zip(group, again, strict=True))


TYPES = {
    "decimal(5,2)": ("number", NUMBERS),
    "timestamp": ("string", TIMES),
    "double": ("number", NUMBERS),
    "float": ("number", NUMBERS),
    "bigint": ("integer", NUMBERS),
    "decimal(38,38)": ("number", NUMBERS),
    "date": ("string", TIMES),
}
"""Athena's types, each with JSON Schema's. The others are read by parts of what reads the first two."""


@pytest.mark.parametrize("name", list(TYPES)[: budget(each_run=2, thorough=len(TYPES))])
def test_the_sql_of_a_cast_is_linear(athena, name):
    json_type, candidates = TYPES[name]
    check(Timed(athena, cast(name, json_type)), candidates)


@pytest.mark.parametrize(
    ("expression", "most"),
    [
        ("regexp_replace(t, '0+\\z', '')", 24_000),
        ("CASE WHEN regexp_like(t, '[.]') THEN TRY_CAST(t AS decimal(5,2)) END", MEGABYTE // 4),
    ][: budget(each_run=1, thorough=2)],
    ids=lambda one: "" if isinstance(one, int) else one[:12],
)
def test_the_search_finds_what_takes_the_square(athena, expression, most):
    """A search that finds nothing shows nothing. These once were part of the SQL."""
    candidates = shapes(("-0.01",), ("0", "1", "x"), repeat=1)
    assert finds_slow(lambda: check(Timed(athena, expression), candidates, most))
