"""JSON Schema over one JSON value: no payload takes it too deep or too long. Which values are valid is in the
table of verdicts and in test_verdict_model.py."""

import json
import re
import time

import pytest
from slow_texts import Shape, check_growth

from lean_ops.payload.json_text import Number, parse
from lean_ops.validation.exact_number import digits_of, is_multiple
from lean_ops.validation.json_value import Compiler, Run, judge

_TREE = {
    "type": "object",
    "required": ["v"],
    "properties": {"v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
}
_TWICE = {
    "anyOf": [{"items": {"$ref": "#/$defs/twice"}, "maxItems": 0}, {"items": {"$ref": "#/$defs/twice"}}]
}
_BOTH = {"allOf": [{"items": {"$ref": "#/$defs/both"}}, {"items": {"$ref": "#/$defs/both"}}]}
_NOT = {"type": "array", "items": {"not": {"$ref": "#/$defs/not"}}}
_UNIQUE = {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/unique"}}
_SOME = {"type": "array", "contains": {"$ref": "#/$defs/some"}, "minContains": 0, "maxContains": 1}
_DEFINITIONS = {"tree": _TREE, "twice": _TWICE, "both": _BOTH, "not": _NOT, "unique": _UNIQUE, "some": _SOME}


def valid(name, text):
    return judge(Compiler(_DEFINITIONS).schema({"$ref": f"#/$defs/{name}"}), parse(text))


def tree(depth, leaf="1"):
    return '{"v":1,"kids":[' * depth + f'{{"v":{leaf}}}' + "]}" * depth


@pytest.mark.parametrize("depth", [0, 1, 50, 500, 10_000, 30_000])
def test_a_deep_tree_is_judged_to_its_end(depth):
    assert valid("tree", tree(depth))
    assert not valid("tree", tree(depth, '"x"'))


@pytest.mark.parametrize("name", ["twice", "both", "unique", "some"])
def test_lists_in_lists_are_judged_to_their_end(name):
    assert valid(name, "[" * 50_000 + "]" * 50_000)


def test_what_is_not_turns_at_each_level():
    for depth in (1, 2, 399, 400, 401, 9_999, 10_000):
        innermost_is_no_list = "[" * depth + "1" + "]" * depth
        assert valid("not", innermost_is_no_list) is (depth % 2 == 1)


_DEEP = [
    ("tree", Shape("", '{"v":1,"kids":[', "]}", "")),
    ("both", Shape("", "[", "]", "")),
    ("twice", Shape("", "[", "]", "")),
    ("unique", Shape("", "[1,", "]", "[]")),
    ("both", Shape("[", f"{'[' * 600}{']' * 600},", "", "1]")),
    ("not", Shape("[", f"{'[' * 600}{']' * 600},", "", "1]")),
    ("some", Shape("[", f"{'[' * 600}{']' * 600},", "", "1]")),
    ("unique", Shape("[", '{"a":[1,2]},', "", "1]")),
]
"""Definitions with lists that are deep, or deep and many."""


@pytest.mark.parametrize(("name", "shape"), _DEEP)
def test_the_time_grows_with_the_length(name, shape):
    check_growth(lambda text: valid(name, text), shape, 1 << 17)


def test_definitions_that_come_to_the_same_in_many_ways_are_judged_once():
    """Followed again and again, 40 definitions that name the next one twice would take a trillion steps."""
    chain = {
        f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(40)
    }
    check = Compiler({**chain, "d40": False}).schema({"$ref": "#/$defs/d0"})
    started = time.process_time()
    for value in (Number("1"), "x", [Number("1")], {}, True, None):
        assert not judge(check, value)
    assert time.process_time() - started < 5


def test_equal_values_have_one_identity():
    run = Run()
    same = [
        ["1", "1.0", "10e-1", "0.1e+1"],
        ["[1,2]", "[ 1 , 2.0 ]"],
        ['{"a":1,"b":[true]}', '{"b":[true],"a":1.0}'],
        ["0", "-0", "0.0", "0e99999999999999999999"],
    ]
    others = [
        "true",
        '"1"',
        "[2,1]",
        "null",
        "false",
        '""',
        "{}",
        "[]",
        "[[]]",
        "[null]",
        '{"a":1}',
        "[true,2]",
    ]
    values = [parse(text) for group in same for text in group] + [parse(text) for text in others]
    numbers = [run.identity(value) for value in values]
    sizes = [len(group) for group in same] + [1] * len(others)
    expected = [n for n, size in enumerate(sizes) for _ in range(size)]
    first = {number: at for at, number in reversed(list(enumerate(numbers)))}
    assert [sorted(first.values()).index(first[number]) for number in numbers] == expected


@pytest.mark.parametrize("text", ["7" * (1 << 20), "1" + "0" * (1 << 20), "1e" + "0" * (1 << 20) + "5"])
def test_a_long_number_is_divided_in_linear_time(text):
    divisor = digits_of("7")
    started = time.process_time()
    assert is_multiple(text, divisor) is bool(re.fullmatch("7+", text))
    assert time.process_time() - started < 10


def test_a_multiple_is_one_by_all_digits():
    def multiple(text, of):
        return is_multiple(text, digits_of(of))

    assert multiple("0.3", "0.1")
    assert multiple("1e999999999", "1e-400")
    assert multiple("1e99999999999999999999", "5e17")
    assert multiple("1e99999999999999999999", "1e99")
    assert not multiple("1e99999999999999999999", "7")
    assert not multiple("1e-99999999999999999999", "0.1")
    assert not multiple("0.30000000000000000000001", "0.1")
    assert not multiple("12345678901234567890123", "2")
    assert multiple("12345678901234567890124", "2")
    assert json.loads("9007199254740993") == 3 * 3002399751580331
    assert multiple("9007199254740993", "3")
