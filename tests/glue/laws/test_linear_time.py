"""Whatever reads the text of a payload takes time in proportion to it.

One message with a text that takes the square of its length holds up a whole layer for hours. The worst texts
are searched for, not thought of: support/slow_texts.py says how. What TypeScript reads is held to the same by
tests/unit/linear-time.test.ts, and the SQL of `schema plan` by tests/glue/validation/test_sql_time.py.
"""

import re

import pyarrow as pa
import pytest
from budget import SEED, budget
from slow_texts import MEGABYTE, Shape, check_growth, check_linear, finds_slow, shapes

from lean_ops.bookkeeping.drift_log import rescue_of
from lean_ops.columns.names import column_name, path_text
from lean_ops.columns.time_text import micros_of_text
from lean_ops.payload.flatten import Flattener
from lean_ops.payload.json_text import compact, parse, parse_deep
from lean_ops.payload.opaque import OpaqueReader
from lean_ops.validation.casts import DATE_TIME, TimeForms, cast_of
from lean_ops.validation.column_casts import column_cast_of

REPEAT = budget(each_run=2, thorough=3)
"""The tokens of a repeated part."""
WORST = budget(each_run=1, thorough=10)
CANDIDATES = budget(each_run=10_000, thorough=200_000)

_NUMBER = (("-1.01e+10",), ("0", "1", ".", "e", "-", "+", "x"))
_TIME = (
    ("2026-11-23T10:00:00.5+01:00", "2026-11-23T10:00:00Z"),
    ("0", "1", "-", ":", "T", ".", "Z", "+", "x"),
)
_WORD = (("true", "[1]"), ("t", "[", "]", "x"))
_CASTS = {
    **dict.fromkeys(("bigint", "int", "double", "float", "decimal(5,2)", "decimal(38,38)"), _NUMBER),
    **dict.fromkeys(("date", "timestamp_ntz"), _TIME),
    **dict.fromkeys(("boolean", "array"), _WORD),
}

_JSON_SAMPLES = ('{"a":[1,{"b":"\\ud800"}],"c":-1.0e+1}',)
_JSON_TOKENS = (
    *("[", "]", "{", "}", ",", ":", '"', '"a":', '"#":', '"a.b_#":', '"\\ud800#":', "1,"),
    *("\\", "\\ud800", "0", "1", "-", ".", "e", "true", "NaN", " ", "\n"),
)
_CLOSINGS = ("", "]", "}", "0}")
_PATH_TOKENS = (".", "\\", "\\.", "\\\\", "a", "_", "1", "Ä", "İ", "a#.")


def _casts(data_type):
    return cast_of("string" if data_type == "array" else data_type, data_type)


def _whole_column(data_type):
    cast = column_cast_of("string" if data_type == "array" else data_type, data_type)
    return lambda text: cast(pa.array([text]))


@pytest.mark.parametrize("data_type", _CASTS)
def test_a_cast_is_linear(data_type):
    samples, tokens = _CASTS[data_type]
    worst = check_linear(
        _casts(data_type), shapes(samples, tokens, repeat=REPEAT).drawn(CANDIDATES, SEED), WORST
    )
    # A column's cast reads by RE2 and hands to the cast what has another form.
    for shape in worst[:WORST]:
        check_growth(_whole_column(data_type), shape)


def test_the_zeros_of_an_exponent_are_read_once():
    for data_type in ("double", "float", "decimal(5,2)", "bigint"):
        check_growth(_casts(data_type), Shape("1e", "0", "", "x"))


@pytest.mark.parametrize(
    ("forms", "shape"),
    [
        (TimeForms(unit="s"), Shape("1e", "0", "", "x")),
        (TimeForms(unit="ms"), Shape("1.", "9", "", "")),
        (TimeForms(zone="Europe/Zurich", lenient=True), Shape("2026-11-23T10:00:00.", "9", "", "")),
        (TimeForms(lenient=True), Shape("2026-11-23T10:00:00.", "0", "", "+01x")),
    ],
)
def test_a_time_as_devices_send_it_is_read_in_linear_time(forms, shape):
    check_growth(cast_of(DATE_TIME, "number", forms), shape)


def _flattened(text):
    result = Flattener().flatten(text)
    return result.rescued_text


def _written(text):
    return compact(parse(text))


def _read_opaque(text):
    return OpaqueReader(["a", "b__a", "value"]).read(text)


@pytest.mark.parametrize(
    "parser",
    [parse, parse_deep, _written, _flattened, _read_opaque],
    ids=["parse", "parse_deep", "compact", "flatten", "opaque"],
)
def test_json_is_read_in_linear_time(parser):
    candidates = shapes(_JSON_SAMPLES, _JSON_TOKENS, repeat=REPEAT, closings=_CLOSINGS)
    check_linear(parser, candidates.drawn(CANDIDATES, SEED), WORST)


_DEEP_NAMES = [
    Shape("", '{"a":', "}", ""),
    Shape('{"a":', f'{{"{"b" * 200}":', "}", "}"),
    Shape("", f'{{"{"b" * 10}#":1,"a":', "}", ""),
    Shape("{" + "".join(f'"{"c" * 14}":{{' for _ in range(15)), '"#":1,', "", '"z":1' + "}" * 16),
    Shape("{" + "".join(f'"{"c" * 14}":{{' for _ in range(17)), '"#":1,', "", '"z":1' + "}" * 18),
    Shape('{"a":{"a":1},', '"a\\ud800#":1,"a\\udfff#":2,', "", '"z":1}'),
    Shape("{", '"\\ud800":1,"\\udfff":2,"\\ud8#":2,', "", '"z":1}'),
]
"""Payloads whose paths grow with their depth, and whose names are as long as a column's may be."""


def test_flattening_deep_and_many_names_is_linear():
    for shape in _DEEP_NAMES:
        check_growth(_flattened, shape, budget(each_run=MEGABYTE // 4, thorough=MEGABYTE))


def _segments_of(text):
    return column_name([text]), rescue_of(path_text([text]))


@pytest.mark.parametrize("parser", [_segments_of, micros_of_text], ids=["names", "times"])
def test_names_and_times_are_read_in_linear_time(parser):
    samples, tokens = (("a.b\\.c",), _PATH_TOKENS) if parser is _segments_of else _TIME
    check_linear(parser, shapes(samples, tokens, repeat=REPEAT).drawn(CANDIDATES // 5, SEED), WORST)


def test_the_search_finds_what_takes_the_square():
    """A search that finds nothing shows nothing: the pattern that once was there is found."""
    number = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE]([-+]?)0*([0-9]+))?").fullmatch
    samples, tokens = _NUMBER
    assert finds_slow(lambda: check_linear(number, shapes(samples, tokens, repeat=1), 5, most=1 << 14))
