"""The Curated job meets only schemas that schema-validator accepted. Should another ever lie under active/,
it is refused as a SchemaError, or read: it never ends the cycle of the other topics."""

import contextlib
import json
from pathlib import Path

import pytest

from lean_ops.validation.topic_schema import SchemaError, read_schema

ROOT = Path(__file__).parents[2] / "conformance" / "schemas"
CASES = json.loads((ROOT / "cases.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_it_reads_or_refuses_a_bad_schema(case: dict[str, str]) -> None:
    text = (ROOT / "bad" / case["file"]).read_text(encoding="utf-8")
    with contextlib.suppress(SchemaError):
        assert read_schema(text, case["topic"]).topic == case["topic"]


@pytest.mark.parametrize("number", ["0e99999999999999999999", "1e-99999999999999999999", "1" + "0" * 4300])
def test_a_number_that_python_cannot_read_is_named(number: str) -> None:
    text = f'{{"x-topic": "a.b", "x-version": 1, "type": "object", "examples": [{number}]}}'
    with pytest.raises(SchemaError, match=f"the number {number[:60]}"):
        read_schema(text, "a.b")


# schema-validator takes these versions, as JSON Schema calls such numbers whole.
@pytest.mark.parametrize("version", ["2.0", "2e0", "20e-1"])
def test_a_version_may_be_written_as_any_whole_number(version: str) -> None:
    text = f'{{"x-topic": "a.b", "x-version": {version}, "type": "object"}}'
    assert read_schema(text, "a.b").version == 2


@pytest.mark.parametrize("version", ["true", '"2"', "1.5", "1e999999999", "NaN", "null"])
def test_no_other_value_is_a_version(version: str) -> None:
    text = f'{{"x-topic": "a.b", "x-version": {version}, "type": "object"}}'
    with pytest.raises(SchemaError):
        read_schema(text, "a.b")
