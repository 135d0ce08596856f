"""In both engines of the pipeline a pattern means what it means in JavaScript, and takes a long text."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from lean_ops.columns.row_indices import indices_where
from lean_ops.validation.constraints import constraint_of
from lean_ops.validation.patterns import python_pattern, re2_pattern
from lean_ops.validation.topic_schema import Field

CASES = json.loads((Path(__file__).parents[2] / "conformance" / "patterns.json").read_text("utf-8"))
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


def by_re2(pattern, texts):
    """Searches as a schema's constraint does. RE2 refuses none of these patterns."""
    assert takes(pattern)
    return found(pattern, texts)


def by_python(pattern, texts):
    search = re.compile(python_pattern(pattern), re.ASCII).search
    return [text for text in texts if search(text)]


def takes(pattern):
    try:
        pa.compute.match_substring_regex(pa.array([""]), re2_pattern(pattern))
    except pa.ArrowInvalid:
        return False
    return True


def found(pattern, texts):
    field = Field(
        column="x",
        member_prefix="x__",
        types=("string",),
        data_type="string",
        cde=False,
        required=False,
        parents=(),
        constraints={"pattern": pattern},
    )
    constraint = constraint_of(field, "pattern", pattern)
    broken = set(indices_where(constraint.broken(pa.array([*texts, None], pa.string()))))
    return [text for n, text in enumerate(texts) if n not in broken]


@pytest.mark.parametrize("engine", [by_re2, by_python])
def test_the_engine_finds_what_javascript_finds(engine):
    """tests/conformance/patterns.json has what JavaScript finds; packages/common/tests/core holds it to
    that."""
    wrong = {
        case["pattern"]: case
        for case in CASES
        if engine(case["pattern"], [*case["found"], *case["not_found"]]) != case["found"]
    }
    assert wrong == {}
    assert sum(len(case["found"]) for case in CASES) > 400
    assert sum(")*" in case["pattern"] or ")+" in case["pattern"] for case in CASES) > 50


@pytest.mark.parametrize("engine", [by_re2, by_python])
@pytest.mark.parametrize(("pattern", "unit", "with_more"), LONG)
def test_a_megabyte_is_searched(engine, pattern, unit, with_more):
    whole = unit * (_MEGABYTE // len(unit))
    assert engine(pattern, [whole, whole + "!"]) == [whole, *([whole + "!"] if with_more else [])]


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        ("^a.c$", ["a\u0085c", "a😀c"], ["a\nc", "a\rc", "a\u2028c", "a\u2029c", "abc\n", "xabc"]),
        (r"^\.[.$]\$$", ["..$", ".$$"], [".a$", "..$\n"]),
        (r"^[\u00e0-\u00ff\u2028]\u0041\\u$", ["éA\\u", "\u2028A\\u"], ["eA\\u", "\u00e9A\u0041"]),
        (r"^\d\D\w\W$", ["1٣_é"], ["٣a__", "1aéé"]),
        (r"^[^\d.]+$", ["a\n\u2028"], ["1", ".", ""]),
        (r"[--/]\/[a\-]\x41\t$", ["x./-A\t"], ["x./bA\t"]),
        ("b+", ["abc"], ["ac", ""]),
    ],
)
@pytest.mark.parametrize("engine", [by_re2, by_python])
def test_a_pattern_keeps_its_meaning(engine, pattern, matches, others):
    assert engine(pattern, [*matches, *others]) == matches


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        # A repeat above 1000, also of nested ones together.
        ("^a{2,1001}$", ["a" * 1001], ["a", "a" * 1002, "aa\n"]),
        ("^(?:a.){1001}$", ["ab" * 1001], ["ab" * 1000, "a\n" * 1001]),
        ("^(?:[a-c]{50}){21}$", ["abc" * 350], ["abc" * 349]),
        ("^(?:){1001}a$", ["a"], ["aa", ""]),
        (r"^(?:\d|é\u0041){1001}$", ["1éA" * 500 + "1"], ["٣" * 1001]),
        # A program that is too large: each character is several steps of bytes.
        (f"^{'[^é]{1000}' * 30}$", ["a" * 30_000], ["a" * 29_999]),
    ],
)
def test_what_re2_refuses_pythons_engine_takes(pattern, matches, others):
    assert not takes(pattern)
    assert found(pattern, [*matches, *others]) == matches
