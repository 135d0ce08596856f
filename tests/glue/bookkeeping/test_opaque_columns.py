"""packages/common/tests/core/schema/opaque-columns.test.ts holds schema-validator to the same vectors."""

import json
from pathlib import Path

import pytest

from lean_ops.bookkeeping.opaque_columns import opaque_columns
from lean_ops.validation.topic_schema import read_schema

VECTORS = Path(__file__).parents[2] / "conformance" / "opaque_columns.json"
TOPIC = "telemetry.climate"


def text_of(properties):
    return json.dumps({"type": "object", "x-topic": TOPIC, "x-version": 1, "properties": properties})


class Texts:
    def __init__(self, properties):
        self._text = text_of(properties)

    def active(self, topic):
        return self._text if topic == TOPIC else None


@pytest.mark.parametrize(
    "vector", [pytest.param(one, id=one["name"]) for one in json.loads(VECTORS.read_text("utf-8"))]
)
def test_a_schema_has_the_opaque_columns_that_the_vector_says(vector):
    assert read_schema(text_of(vector["properties"]), TOPIC).opaque_columns == frozenset(vector["columns"])


def test_the_registry_says_which_columns_are_opaque_without_a_look_at_any_schema():
    items = [
        {"topic_name": TOPIC, "opaque_columns": ["meta__raw", "raw"]},
        {"topic_name": "other"},
        {"topic_name": "table#other", "owner": "other"},
        {"topic_name": "none", "opaque_columns": []},
    ]
    assert opaque_columns(items, None) == {TOPIC: {"meta__raw", "raw"}}


def test_a_list_that_is_too_long_for_the_item_is_read_of_the_schema():
    items = [{"topic_name": one, "opaque_columns": "IN_SCHEMA"} for one in (TOPIC, "gone")]
    found = opaque_columns(items, Texts({"raw": {"type": "object", "x-flatten": False}}))
    assert found == {TOPIC: {"raw"}}
