"""A delivery stream end to end: records are transformed and appended, or kept in the error prefix."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_stack import ACCOUNT, REGION, Stack

ALL = ["*"]
LAKE = ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]

TRANSFORM = """
exports.handler = async (event) => ({ records: event.records.map((record) => {
  const text = Buffer.from(record.data, 'base64').toString();
  const recordId = record.recordId;
  if (text.startsWith('bad')) return { recordId, result: 'ProcessingFailed', data: record.data };
  const row = { id: text, at: text.startsWith('late') ? '2026-11-23' : 1795428000000000, n: text.length };
  const otfMetadata = { destinationDatabaseName: 'd', destinationTableName: 'events', operation: 'insert' };
  const data = Buffer.from(JSON.stringify(row)).toString('base64');
  return { recordId, result: 'Ok', data, metadata: { otfMetadata } };
}) });
"""


def create_stream(stack: Stack, name: str, role: str, function: str) -> None:
    processor = {"Type": "Lambda", "Parameters": [{"ParameterName": "LambdaArn", "ParameterValue": function}]}
    errors = {"RoleARN": role, "BucketARN": "arn:aws:s3:::lake", "ErrorOutputPrefix": f"errors-{name}/"}
    stack.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        IcebergDestinationConfiguration={
            "RoleARN": role,
            "CatalogConfiguration": {"CatalogARN": f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog"},
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "S3Configuration": errors,
            "ProcessingConfiguration": {"Enabled": True, "Processors": [processor]},
        },
    )


def errors_of(stack: Stack, stream: str) -> list[dict[str, Any]]:
    s3 = stack.client("s3")
    listed = s3.list_objects_v2(Bucket="lake", Prefix=f"errors-{stream}/").get("Contents", [])
    bodies = [s3.get_object(Bucket="lake", Key=item["Key"])["Body"].read().decode() for item in listed]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def test_firehose_appends_as_its_role_and_keeps_what_fails(stack: Stack) -> None:
    nothing = stack.role("transform", "lambda.amazonaws.com", (["logs:*"], ALL))
    function = stack.function("transform", nothing, TRANSFORM)
    role = stack.role("delivery", "firehose.amazonaws.com", (["s3:*"], LAKE))
    create_stream(stack, "events", role, function)
    firehose = stack.client("firehose")

    def put(*texts: str) -> None:
        answer = firehose.put_record_batch(
            DeliveryStreamName="events", Records=[{"Data": t.encode()} for t in texts]
        )
        assert answer["FailedPutCount"] == 0
        assert stack.post("firehose/flush") == 200

    put("no right to invoke")
    assert [error["errorCode"] for error in errors_of(stack, "events")] == ["Lambda.InvokeAccessDenied"]
    stack.allow("delivery", (["s3:*"], LAKE), (["lambda:InvokeFunction"], [function]))
    put("no right to the catalog")
    assert errors_of(stack, "events")[-1]["errorCode"] in (
        "Iceberg.AccessDenied",
        "Lambda.InvokeAccessDenied",
    )
    rights = (["glue:GetTable", "glue:GetDatabase", "glue:UpdateTable"], ALL)
    stack.allow("delivery", (["s3:*"], LAKE), (["lambda:InvokeFunction"], [function]), rights)
    put("one", "two", "bad", "late")
    assert stack.query("SELECT id, at, n FROM events WHERE id IN ('one', 'two') ORDER BY 1").rows[1:] == [
        ["one", "2026-11-23 10:00:00.000000", "3"],
        ["two", "2026-11-23 10:00:00.000000", "3"],
    ]
    codes = sorted(error["errorCode"] for error in errors_of(stack, "events"))
    assert codes == sorted(
        [
            "Iceberg.AccessDenied",
            "Iceberg.InvalidRecord",
            "Lambda.InvokeAccessDenied",
            "Lambda.ProcessingFailedStatus",
        ]
    )
    assert stack.status()["firehose"]["events"] == {"buffered_records": 0, "delivered": 2, "failed": 4}

    # The row that the transform made is what could not be delivered.
    late = next(e for e in errors_of(stack, "events") if e["errorCode"] == "Iceberg.InvalidRecord")
    assert json.loads(base64.b64decode(late["rawData"]))["at"] == "2026-11-23"

    reading = (["glue:GetTable", "glue:GetDatabase"], ALL)
    stack.allow("delivery", (["s3:*"], LAKE), (["lambda:InvokeFunction"], [function]), reading)
    put("three", "four")
    (uncommitted,) = [error for error in errors_of(stack, "events") if "dataFiles" in error]
    assert uncommitted["errorCode"] == "Iceberg.AccessDenied"
    for uri in uncommitted["dataFiles"]:
        assert uri.startswith("s3://lake/warehouse/d/events/")
        stack.client("s3").head_object(Bucket="lake", Key=uri.removeprefix("s3://lake/"))
    assert stack.query("SELECT id FROM events WHERE id IN ('three', 'four')").rows[1:] == []
    assert stack.status()["firehose"]["events"] == {"buffered_records": 0, "delivered": 2, "failed": 6}


def test_firehose_limits_a_request_as_aws_does(stack: Stack) -> None:
    firehose = stack.client("firehose")
    with pytest.raises(ClientError, match="1000 KB"):
        firehose.put_record(DeliveryStreamName="any", Record={"Data": b"x" * 1_024_001})
    with pytest.raises(ClientError, match="4 MB"):
        firehose.put_record_batch(DeliveryStreamName="any", Records=[{"Data": b"x" * 1_000_000}] * 5)
