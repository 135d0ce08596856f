"""Names of topics, tables and columns, held to the vectors that the tests of packages/common read too."""

import json
from pathlib import Path

import pytest

from lean_ops.columns import names

VECTORS = Path(__file__).parents[2] / "conformance"


def vectors(file, name):
    return [pytest.param(one, id=ascii(one[name])) for one in json.loads((VECTORS / file).read_text("utf-8"))]


@pytest.mark.parametrize("vector", vectors("column_names.json", "name"))
def test_a_path_has_the_column_that_typescript_gives_it(vector):
    assert names.column_name(vector["path"]) == vector["column"]


@pytest.mark.parametrize("vector", vectors("topic_names.json", "topic"))
def test_a_topic_has_the_table_that_typescript_gives_it(vector):
    topic, table = vector["topic"], vector["table"]
    assert names.is_topic(topic) == (table is not None)
    if table is not None:
        assert names.table_name(topic) == table
        assert names.is_table(table)
