"""The bytes that S3 has served, as the benchmarks count them."""

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError
from local_stack import Stack


def served(stack: Stack) -> dict[str, dict[str, int]]:
    with urllib.request.urlopen(f"{stack.endpoint}/_lean_ops/reads", timeout=5) as answer:
        found: dict[str, dict[str, int]] = json.load(answer)
        return found


def test_bytes_are_counted_by_prefix_and_of_a_range_only_what_is_served(stack: Stack) -> None:
    s3 = stack.client("s3")
    for key in ("reads/a=1/one", "reads/two"):
        s3.put_object(Bucket="lake", Key=key, Body=b"x" * 1000)
    assert stack.post("reads", {"prefixes": ["/lake/reads/", "/lake/reads/a=1/"]}) == 200
    s3.get_object(Bucket="lake", Key="reads/a=1/one", Range="bytes=900-949")["Body"].read()
    s3.get_object(Bucket="lake", Key="reads/a=1/one", Range="bytes=-7")["Body"].read()
    s3.get_object(Bucket="lake", Key="reads/two")["Body"].read()
    s3.head_object(Bucket="lake", Key="reads/two")
    s3.list_objects_v2(Bucket="lake", Prefix="reads/")
    assert served(stack) == {
        "/lake/reads/": {"requests": 3, "bytes": 1057},
        "/lake/reads/a=1/": {"requests": 2, "bytes": 57},
    }


def test_an_answer_that_is_an_error_is_no_read_and_a_new_start_counts_from_zero(stack: Stack) -> None:
    s3 = stack.client("s3")
    s3.put_object(Bucket="lake", Key="reads/there", Body=b"x")
    assert stack.post("reads", {"prefixes": ["/lake/reads/"]}) == 200
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="lake", Key="reads/none")
    assert served(stack) == {"/lake/reads/": {"requests": 0, "bytes": 0}}
    s3.get_object(Bucket="lake", Key="reads/there")["Body"].read()
    assert stack.post("reads", {"prefixes": ["/lake/reads/"]}) == 200
    assert served(stack) == {"/lake/reads/": {"requests": 0, "bytes": 0}}
    assert stack.post("reads", {"prefixes": []}) == 200


@pytest.mark.parametrize("body", [{}, [], {"prefixes": "/lake/"}, {"prefixes": ["lake/"]}, {"prefixes": [1]}])
def test_what_names_no_prefixes_is_refused(stack: Stack, body: object) -> None:
    assert stack.post("reads", body) == 400
