"""The formats that are enforced: schemas/formats.json has their patterns for other languages. Which texts
they take is in the table of verdicts, tests/conformance/verdicts/formats.json."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from budget import SEED, budget
from slow_texts import check_linear, shapes

from lean_ops.validation.casts import RFC_3339
from lean_ops.validation.formats import FORMATS, format_check
from lean_ops.validation.patterns import re2_pattern

ROOT = Path(__file__).parents[3]
_SAMPLES = {
    "time": "10:00:00.5+01:00",
    "duration": "P1Y2M3DT4H5M6S",
    "uuid": "urn:uuid:6f1c9a3e-8d2b-4e5f-9a7c-0b1d2e3f4a5b",
    "uri": "http://u:p@[::1]:80/a/%20?b#c",
    "uri-reference": "//u:p@h:80/a/%20?b#c",
    "email": "a.b@c-d.e.f",
    "ipv4": "127.0.0.1",
    "ipv6": "1:2::ffff:192.0.2.1",
    "hostname": "a-b.c.",
    "json-pointer": "/a~0b/~1",
}
_TOKENS = ("a", "1", "-", ".", ":", "/", "@", "%20", "~0", "[", "#", "?", "Z", "P", "D", "T", "H", " ")


def test_the_patterns_are_those_that_other_languages_read():
    shared = json.loads((ROOT / "schemas" / "formats.json").read_text("utf-8"))
    own = {
        word: {"pattern": form.pattern} | ({"maxLength": form.max_length} if form.max_length else {})
        for word, form in FORMATS.items()
    }
    assert own == shared


@pytest.mark.parametrize("word", FORMATS)
def test_a_format_is_found_out_in_linear_time(word):
    check = format_check(word, RFC_3339)
    assert check(_SAMPLES[word])
    candidates = shapes((_SAMPLES[word],), _TOKENS, repeat=budget(each_run=2, thorough=3))
    count = budget(each_run=500, thorough=100_000)
    check_linear(check, candidates.drawn(count, SEED), budget(each_run=1, thorough=10))


@pytest.mark.parametrize("word", FORMATS)
def test_both_engines_take_the_same_texts(word):
    """A whole column is matched by RE2, and a value inside of JSON text by Python's engine."""
    sample = _SAMPLES[word]
    texts = [
        sample,
        f"{sample}\n",
        f" {sample}",
        *(sample[:n] + token + sample[n:] for n in range(len(sample)) for token in _TOKENS),
        *(sample[:n] + sample[n + 1 :] for n in range(len(sample))),
    ]
    found = pc.match_substring_regex(pa.array(texts), re2_pattern(FORMATS[word].pattern)).to_pylist()
    check = format_check(word, RFC_3339)
    assert [check(text) for text in texts] == found
    assert found[0]
    assert False in found
