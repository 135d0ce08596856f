"""Answers that wait as on AWS, as the benchmarks set them, and the requests that they count."""

import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from local_stack import Stack

from emulator.waits import WaitsError, operation_of, read_waits


def scope(authorization: bytes, target: bytes = b"", method: str = "POST") -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "headers": [(b"authorization", authorization), (b"x-amz-target", target)],
    }


@pytest.mark.parametrize(
    ("service", "target", "method", "operation"),
    [
        (b"glue", b"AWSGlue.UpdateTable", "POST", "glue:UpdateTable"),
        (b"dynamodb", b"DynamoDB_20120810.PutItem", "POST", "dynamodb:PutItem"),
        (b"s3", b"", "GET", "s3:GET"),
    ],
)
def test_an_operation_is_named_by_its_target_and_else_by_its_method(
    service: bytes, target: bytes, method: str, operation: str
) -> None:
    signed = b"AWS4-HMAC-SHA256 Credential=A/20261129/eu-west-1/" + service + b"/aws4_request, Signature=0"
    assert operation_of(scope(signed, target, method)) == operation


def test_a_request_without_a_signature_is_no_operation() -> None:
    assert operation_of(scope(b"")) is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"milliseconds": 5},
        {"milliseconds": {"glue": 5}},
        {"milliseconds": {"glue:GetTable": "5"}},
        {"milliseconds": {"glue:GetTable": -1}},
        {"milliseconds": {"glue:GetTable": True}},
    ],
)
def test_waits_that_are_none_are_refused(body: object) -> None:
    with pytest.raises(WaitsError):
        read_waits(body)


@pytest.fixture
def waiting(stack: Stack) -> Iterator[Stack]:
    yield stack
    assert stack.post("waits", {"milliseconds": {}}) == 200


def requests_of(stack: Stack) -> dict[str, int]:
    with urllib.request.urlopen(f"{stack.endpoint}/_lean_ops/waits", timeout=5) as answer:
        found: dict[str, int] = json.load(answer)["requests"]
        return found


def test_only_the_named_operations_wait_and_they_wait_at_the_same_time(waiting: Stack) -> None:
    glue, s3 = waiting.client("glue"), waiting.client("s3")
    s3.put_object(Bucket="lake", Key="waits/one", Body=b"x")
    glue.get_databases()
    assert waiting.post("waits", {"milliseconds": {"glue:GetTable": 400, "s3:*": 0}}) == 200
    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: glue.get_table(DatabaseName="d", Name="events"), range(8)))
    # One after the other they would take 3.2 s.
    assert 0.4 <= time.monotonic() - began < 2
    s3.head_object(Bucket="lake", Key="waits/one")
    assert requests_of(waiting) == {"glue:GetTable": 8, "s3:HEAD": 1}


def test_the_route_refuses_what_it_cannot_read(stack: Stack) -> None:
    assert stack.post("waits", {"milliseconds": {"glue:GetTable": "long"}}) == 400
    assert stack.post("fresh-jvm", {"jvm": 1}) == 400
