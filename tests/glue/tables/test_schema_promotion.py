"""Which rows a schema can read, by the vectors that the TypeScript twin is held to as well."""

import json
from pathlib import Path

import pytest

from lean_ops.tables.schema_promotion import hidden_columns, reads_as

CASES = json.loads(
    (Path(__file__).parents[2] / "conformance" / "promotions.json").read_text(encoding="utf-8")
)["cases"]


def schema(*fields):
    return {"type": "struct", "fields": [{"id": one, "name": "n", "type": kind} for one, kind in fields]}


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one['written']} as {one['reading']}")
def test_types_are_read_as_themselves_or_wider(case):
    assert reads_as(schema((1, case["written"])), schema((1, case["reading"]))) is case["reads"]


def test_columns_go_by_their_ids():
    """A column that was rebuilt under another type has another id."""
    assert reads_as(schema((1, "string")), schema((2, "long")))
    assert reads_as(schema((1, "string"), (2, "int")), schema((2, "long")))
    assert not reads_as(schema((1, "string"), (2, "long")), schema((2, "int"), (1, "string")))


def test_a_column_that_came_anew_hides_what_it_had_before():
    def named(*fields):
        return {"fields": [{"id": one, "name": name, "type": "string"} for one, name in fields]}

    assert hidden_columns(named((1, "n"), (2, "m")), named((10_001, "n"), (2, "m"))) == ["n"]
    assert hidden_columns(named((1, "n")), named((1, "renamed"), (3, "n"))) == []
    assert hidden_columns(named((1, "n")), named((2, "m"))) == []


def test_the_types_in_a_map_count():
    def of(value):
        kind = {"type": "map", "key-id": 2, "key": "string", "value-id": 3, "value": value}
        return schema((1, kind))

    assert reads_as(of("int"), of("long"))
    assert not reads_as(of("long"), of("int"))
