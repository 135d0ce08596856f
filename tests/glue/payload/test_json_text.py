import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lean_ops.payload.json_text import InvalidJsonError, Number, compact, parse, parse_deep

numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?([eE][-+]?[0-9]{1,3})?", fullmatch=True).map(
    Number
)
scalars = st.none() | st.booleans() | numbers | st.text(st.characters(codec="utf-8"), max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
broken_texts = st.text(alphabet='{}[]",:0123456789.eE+-\\utrnfalse \n\t\u0001x', max_size=30)


def outcome(read, text):
    try:
        return read(text)
    except InvalidJsonError as error:
        return str(error)


@given(values)
def test_compact_text_reads_back_as_the_same_value(value):
    assert parse(compact(value)) == value


@given(values)
def test_what_is_compact_stays_as_it_is(value):
    assert compact(parse(compact(value))) == compact(value)


@given(values, st.sampled_from(["", " ", "\n", "\t\r"]))
def test_the_iterative_parser_reads_what_the_fast_one_reads(value, space):
    text = space + compact(value).replace(",", f"{space},{space}") + space
    assert outcome(parse_deep, text) == outcome(parse, text)


@given(broken_texts)
def test_both_parsers_refuse_the_same_texts(text):
    assert _accepts(parse, text) == _accepts(parse_deep, text)


def _accepts(read, text):
    try:
        read(text)
    except InvalidJsonError:
        return False
    return True


@given(broken_texts)
def test_it_accepts_nothing_that_a_plain_json_parser_refuses(text):
    if _accepts(parse, text):
        json.loads(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_half_a_million_levels_are_read_and_written(opening, closing):
    text = opening * 500_000 + "1.10" + closing * 500_000
    started = time.monotonic()
    assert compact(parse(text)) == text
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("text", ["[" * 500_000, '{"a":' * 100_000, "[" * 500_000 + "]" * 499_999])
def test_deep_text_that_is_not_complete_is_refused(text):
    with pytest.raises(InvalidJsonError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"a":\n  NaN}', "Expecting value at line 2 column 3 (character 8)"),
        ('{"a":1,}', "line 1 column 8 (character 7)"),
        ("", "Expecting value at line 1 column 1 (character 0)"),
        ('["\\q"]', "line 1 column 3 (character 2)"),
    ],
)
def test_the_message_says_where(text, where):
    with pytest.raises(InvalidJsonError) as caught:
        parse(text)
    assert where in str(caught.value)


def test_the_message_holds_nothing_of_the_text():
    with pytest.raises(InvalidJsonError) as caught:
        parse('{"a": "secret" secret}')
    assert "secret" not in str(caught.value)
