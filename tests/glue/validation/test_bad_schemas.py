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
