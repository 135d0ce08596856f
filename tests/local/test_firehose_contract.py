"""The transform's contract and the strictness of columns, as AWS has them."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg import types as t
from pyiceberg.schema import Schema

from emulator.firehose.records import Record
from emulator.firehose.rows import InvalidRecordError, read_row
from emulator.firehose.transform import TransformError, _batches, check_answer

SCHEMA = Schema(
    t.NestedField(1, "id", t.StringType(), required=True),
    t.NestedField(2, "at", t.TimestampType()),
    t.NestedField(3, "n", t.LongType()),
    t.NestedField(4, "ok", t.BooleanType()),
    t.NestedField(5, "price", t.DecimalType(5, 2)),
    t.NestedField(6, "tags", t.ListType(7, t.StringType(), element_required=False)),
)


def answer(*records: dict[str, Any]) -> bytes:
    return json.dumps({"records": records}).encode()


def returned(record_id: str, **changes: Any) -> dict[str, Any]:
    return {"recordId": record_id, "result": "Ok", "data": base64.b64encode(b"{}").decode(), **changes}


def test_an_answer_with_every_record_is_taken() -> None:
    found = check_answer(answer(returned("b"), returned("a", result="ProcessingFailed")), ["a", "b"])
    assert found["b"]["data"] == b"{}"
    assert found["a"]["result"] == "ProcessingFailed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (answer(returned("a")), "Lambda.MissingRecordId"),
        (answer(returned("a"), returned("b"), returned("b")), "Lambda.DuplicatedRecordId"),
        (answer(returned("a"), returned("b"), returned("c")), "Lambda.JsonProcessingException"),
        (answer(returned("a"), returned("b", result="Maybe")), "Lambda.JsonProcessingException"),
        (answer(returned("a"), returned("b", data="not base64!")), "Lambda.JsonProcessingException"),
        (answer(returned("a"), {"recordId": "b", "result": "Ok"}), "Lambda.JsonProcessingException"),
        (b"null", "Lambda.JsonProcessingException"),
        (b"{}", "Lambda.JsonProcessingException"),
        (b"<html>", "Lambda.JsonProcessingException"),
    ],
)
def test_a_broken_answer_fails_the_whole_batch(body: bytes, code: str) -> None:
    with pytest.raises(TransformError) as refused:
        check_answer(body, ["a", "b"])
    assert refused.value.code == code


def test_a_row_of_the_right_types_is_read() -> None:
    row = read_row(
        b'{"id":"x","at":1795428000000000,"n":9007199254740993,"ok":null,"price":1.5,"tags":["a",null]}',
        SCHEMA,
    )
    assert row["at"] == 1795428000000000
    assert row["n"] == 9007199254740993
    assert row["tags"] == ["a", None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id":"x","at":"2026-11-23T10:00:00Z"}', "column at is timestamp"),
        ('{"id":"x","at":1.5}', "column at is timestamp"),
        ('{"id":"x","n":"1"}', "column n is long"),
        ('{"id":"x","n":true}', "column n is long"),
        ('{"id":"x","n":9223372036854775808}', "column n is long"),
        ('{"id":1}', "column id is string"),
        ('{"id":"x","ok":"true"}', "column ok is boolean"),
        ('{"id":"x","price":12345.6}', "too many digits"),
        ('{"id":"x","tags":{"a":1}}', "column tags is list"),
        ('{"id":"x","nope":1}', "no column nope"),
        ('{"id":"\\ud800"}', "lone surrogate"),
        ('{"n":1}', "column id is required"),
        ('{"id":"x","n":NaN}', "NaN is not JSON"),
        ("[]", "not a JSON object"),
        ('{"id":"x"}{"id":"y"}', "not JSON"),
    ],
)
def test_a_row_of_wrong_types_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidRecordError, match=r"column|JSON|surrogate|digits") as refused:
        read_row(text.encode(), SCHEMA)
    assert message in str(refused.value)


@given(
    st.lists(st.integers(min_value=0, max_value=1_000_000), max_size=40),
    st.sampled_from([200_000, 1_048_576]),
)
def test_batches_hold_every_record_once_in_order_and_fit_a_request(sizes: list[int], limit: int) -> None:
    records = [Record(str(number), b"x" * size, 0) for number, size in enumerate(sizes)]
    batches = _batches(records, limit)
    assert [record for batch in batches for record in batch] == records
    for batch in batches:
        assert len(batch) == 1 or sum(len(record.data) for record in batch) <= limit
        assert sum((len(record.data) + 2) // 3 * 4 for record in batch) < 6 * 1024 * 1024
