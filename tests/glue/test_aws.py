"""The adapters against recorded answers: what is asked, and what is made of what comes back."""

import io
import json

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from lean_ops import aws
from lean_ops.ports import Provisioned


@pytest.fixture(autouse=True)
def _no_account(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def test_the_registry_is_read_to_its_last_page():
    registry = aws.DynamoRegistry("registry")
    item = {"topic_name": {"S": "a.b"}, "processing_enabled": {"BOOL": True}, "schema_version": {"N": "3"}}
    with Stubber(registry._table.meta.client) as stub:
        stub.add_response("scan", {"Items": [item], "LastEvaluatedKey": {"topic_name": {"S": "a.b"}}})
        expected = {"TableName": "registry", "ExclusiveStartKey": {"topic_name": "a.b"}}
        stub.add_response("scan", {"Items": [{"topic_name": {"S": "c.d"}}]}, expected)
        items = list(registry.items())
    assert [one["topic_name"] for one in items] == ["a.b", "c.d"]
    assert items[0]["processing_enabled"] is True


def test_a_checkpoint_keeps_ids_as_text_and_never_goes_back():
    checkpoints = aws.DynamoCheckpoints("points")
    item = {
        "cycle_id": "c2",
        "snapshot_id": "9007199254740993",
        "counts": {"written": 2},
        "complete_through": None,
    }
    typed = {
        "topic_name": {"S": "*"},
        "layer": {"S": "raw"},
        "cycle_id": {"S": "c2"},
        "snapshot_id": {"S": "9007199254740993"},
        "counts": {"M": {"written": {"N": "2"}}},
    }
    expected = {
        "TableName": "points",
        "Item": typed,
        "ConditionExpression": "attribute_not_exists(cycle_id) OR cycle_id <= :cycle",
        "ExpressionAttributeValues": {":cycle": {"S": "c2"}},
    }
    with Stubber(checkpoints._client) as stub:
        stub.add_response("put_item", {}, expected)
        stub.add_client_error("put_item", "ConditionalCheckFailedException")
        stub.add_client_error("put_item", "AccessDeniedException")
        stub.add_response("get_item", {"Item": typed})
        stub.add_response("get_item", {})
        checkpoints.put("*", "raw", item)
        checkpoints.put("*", "raw", item)  # a later run was here: not an error
        with pytest.raises(ClientError):
            checkpoints.put("*", "raw", item)
        read = checkpoints.get("*", "raw")
        assert read is not None
        assert (read["snapshot_id"], read["counts"]) == ("9007199254740993", {"written": 2})
        assert checkpoints.get("a.b", "standardized") is None


def test_a_missing_schema_is_none_and_other_failures_are_not():
    schemas = aws.S3Schemas("bucket")
    with Stubber(schemas._client) as stub:
        stub.add_client_error("get_object", "NoSuchKey")
        stub.add_client_error("get_object", "AccessDenied")
        body = StreamingBody(io.BytesIO('{"title":"é"}'.encode()), 14)
        expected = {"Bucket": "bucket", "Key": "schemas/a.b/active/schema.json"}
        stub.add_response("get_object", {"Body": body}, expected)
        assert schemas.active("a.b") is None
        with pytest.raises(ClientError):
            schemas.active("a.b")
        assert schemas.active("a.b") == '{"title":"é"}'


def answer(payload, **more):
    text = json.dumps(payload).encode()
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(text), len(text)), **more}


def test_each_topic_gets_its_own_answer_from_the_provisioner():
    provisioner = aws.LambdaProvisioner("provisioner")
    tables = [
        {"topic_name": "a.b", "table_name": "a_b", "status": "READY"},
        {
            "topic_name": "a-b",
            "table_name": "a_b",
            "status": "REFUSED",
            "error_code": "TOPIC_COLLISION",
            "error_message": "no",
        },
    ]
    request = {"action": "standardized", "topics": ["a.b", "a-b", "c"]}
    with Stubber(provisioner._client) as stub:
        expected = {"FunctionName": "provisioner", "Payload": json.dumps(request).encode()}
        stub.add_response("invoke", answer({"tables": tables}), expected)
        outcomes = provisioner.ensure(["a.b", "a-b", "c"])
    assert outcomes[:2] == [Provisioned("a.b"), Provisioned("a-b", "TOPIC_COLLISION", "no")]
    assert outcomes[2].error_code == "PROVISIONER_FAILED"


def test_a_provisioner_that_fails_is_an_answer_for_its_topics_only():
    provisioner = aws.LambdaProvisioner("provisioner")
    topics = [f"t{n}" for n in range(51)]
    with Stubber(provisioner._client) as stub:
        failed = answer({"errorMessage": "Athena is tired"}, FunctionError="Unhandled")
        stub.add_response("invoke", failed, {"FunctionName": "provisioner", "Payload": ANY})
        stub.add_client_error("invoke", "TooManyRequestsException")
        outcomes = provisioner.ensure(topics)
    assert [one.topic for one in outcomes] == topics
    assert {one.error_code for one in outcomes} == {"PROVISIONER_FAILED"}
    assert outcomes[0].error_message == "Athena is tired"
