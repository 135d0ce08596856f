"""The assertions of objects over whole columns: what many branches cost."""

import json
import random
import time

import pyarrow as pa

from lean_ops.validation.batch import Batch
from lean_ops.validation.topic_schema import read_schema
from lean_ops.validation.validator import RowValidator

ROWS, BRANCHES, FACTOR = 20_000, 20, 3
FIELDS = {
    "kind": {"type": "string"},
    "id": {"type": "string"},
    "n": {"type": "integer", "minimum": 0},
    "x": {"type": "number", "maximum": 100},
    "at": {"type": "string", "format": "date-time"},
    **{f"f{n}": {"type": "integer"} for n in range(BRANCHES)},
}


def validator(**words):
    document = {"type": "object", "x-topic": "a.b", "x-version": 1, "properties": FIELDS, **words}
    return RowValidator(read_schema(json.dumps(document), "a.b"))


def columns():
    chance = random.Random(21)
    texts = {
        "kind": [f"k{chance.randrange(BRANCHES)}" for _ in range(ROWS)],
        "id": [f"id-{n}" for n in range(ROWS)],
        "n": [str(chance.randrange(10**6)) for _ in range(ROWS)],
        "x": [f"{chance.random() * 99:.4f}" for _ in range(ROWS)],
        "at": [f"2026-11-23T10:{chance.randrange(60):02d}:{chance.randrange(60):02d}Z" for _ in range(ROWS)],
        **{f"f{n}": [chance.choice(["7", None]) for _ in range(ROWS)] for n in range(BRANCHES)},
    }
    return {name: pa.array(values, pa.string()) for name, values in texts.items()}


def test_twenty_branches_cost_no_more_than_three_times_a_flat_schema():
    batch = Batch(ROWS, columns(), {})
    branches = [
        {
            "properties": {
                "kind": {"const": f"k{n}"},
                "n": {"minimum": 0, "maximum": 10**6 + n},
                "x": {"exclusiveMaximum": 100 + n},
                "id": {"pattern": "^id-[0-9]+$", "maxLength": 9 + n % 2},
                f"f{n}": {"enum": [7, 8]},
            },
            "required": ["kind", "n", "x"],
        }
        for n in range(BRANCHES)
    ]
    seconds = {}
    for name, judge in {"flat": validator(), "branches": validator(oneOf=branches)}.items():
        taken = []
        for _ in range(4):
            started = time.thread_time()
            assert judge.validate_batch(batch).violations == {}
            taken.append(time.thread_time() - started)
        seconds[name] = min(taken)
    assert seconds["branches"] <= FACTOR * seconds["flat"], seconds


def test_a_number_and_the_text_of_its_digits_are_two_things_to_say():
    fields = {"v": {"type": ["number", "string"]}}
    branches = [{"properties": {"v": {"const": 1.5}}}, {"properties": {"v": {"const": "1.5"}}}]
    document = {"type": "object", "x-topic": "a.b", "x-version": 1, "properties": fields}
    judge = RowValidator(read_schema(json.dumps({**document, "oneOf": branches}), "a.b"))
    assert [one.disposition for one in judge.validate_rows([{"v": "1.5"}, {"v": "x"}])] == [None, "noted"]
