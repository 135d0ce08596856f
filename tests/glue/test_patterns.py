"""Patterns mean in Spark what they mean in JavaScript, and no value of a pattern's field can end the JVM."""

import json
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from lean_ops.constraints import java_pattern

CASES = json.loads((Path(__file__).parent / "vectors" / "patterns.json").read_text("utf-8"))
_MEGABYTE = 1 << 20

# Each form in which the accepted subset repeats without a bound, what a text that matches is made of, and
# whether it still does with ! behind it.
LONG = [
    ("^[a-z]+$", "a", False), ("^[a-z]*?$", "a", False), ("^[^x]{2,}$", "a😀", True),
    ("^[^x]{2,}?$", "a😀", True), ("^.*-prod$", "-prod", False), ("[0-9]+", "1", True),
    ("^(?:ab)*$", "ab", False), ("^(?:ab|c)*$", "ab", False), ("^(?:ab|c)*$", "c", False),
    ("^(?:ab|c)*?$", "abc", False), ("^(?:ab|c){2,}$", "abc", False), ("^(ab|c)+$", "c", False),
    ("^(?:[A-Z][a-z]?)+$", "Aa", False), ("^(?:[A-Z]+-)*$", "AAA-", False),
    ("^[a-z]+(?:-[a-z]+)*$", "a-a", False), ("^(?:(?:(?:ab)*c)*d)*$", "ababcd", False),
    ("^(?:(?:(?:(?:a|b)|c)|d)|e)*$", "ade", False), ("^(?:😀|é)+$", "😀é", False),
    ("^(?:.|\n)*$", "a\n", True), ("^(?:(?:(?:(?:(?:(?:(?:(?:(?:a|b)|c)|d)|e)|f)|g)|h)|i)|j)+$", "aj", False),
]  # fmt: skip


def test_spark_finds_what_javascript_finds(spark):
    """One query for each pattern, as it is a constant there; expected: packages/common/tests/core."""
    texts = sorted({text for case in CASES for text in (*case["found"], *case["not_found"])})
    rows = spark.createDataFrame([(text,) for text in texts], "text string").repartition(1).cache()
    wrong = {}
    for start in range(0, len(CASES), 50):
        chunk = CASES[start : start + 50]
        columns = [
            F.col("text").rlike(java_pattern(c["pattern"])).alias(f"p{n}") for n, c in enumerate(chunk)
        ]
        verdicts = {row["text"]: row for row in rows.select("text", *columns).collect()}
        for n, case in enumerate(chunk):
            found = {text for text in (*case["found"], *case["not_found"]) if verdicts[text][f"p{n}"]}
            if found != set(case["found"]):
                wrong[case["pattern"]] = found ^ set(case["found"])
    assert wrong == {}
    assert sum(len(case["found"]) for case in CASES) > 400
    assert sum(")*" in case["pattern"] or ")+" in case["pattern"] for case in CASES) > 50


@pytest.mark.parametrize(("pattern", "unit", "with_more"), LONG)
def test_a_megabyte_is_judged(spark, pattern, unit, with_more):
    """Without possessive repeats `^(?:ab|c)*$` needs 4 KB of text for a StackOverflowError, which ends the
    JVM."""
    whole = unit * (_MEGABYTE // len(unit))
    rows = spark.createDataFrame([(whole,), (whole + "!",)], "text string")
    found = [row[0] for row in rows.select(F.col("text").rlike(java_pattern(pattern))).collect()]
    assert found == [True, with_more]
