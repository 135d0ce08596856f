"""Services assume a role only when its trust policy lets them, as AWS documents what each says of itself."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_stack import ACCOUNT, REGION, Stack

EXTERNAL_ID = {"StringEquals": {"sts:ExternalId": ACCOUNT}}


def create_stream(stack: Stack, name: str, condition: dict[str, Any]) -> None:
    """Creates a stream whose role trusts Firehose under a condition."""
    role = stack.role(name, "firehose.amazonaws.com", (["s3:*"], ["arn:aws:s3:::lake/*"]))
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "firehose.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    stack.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        IcebergDestinationConfiguration={
            "RoleARN": role,
            "CatalogConfiguration": {"CatalogARN": f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog"},
            "DestinationTableConfigurationList": [
                {"DestinationDatabaseName": "d", "DestinationTableName": "events"}
            ],
            "S3Configuration": {"RoleARN": role, "BucketARN": "arn:aws:s3:::lake"},
        },
    )


def test_firehose_says_its_account_by_the_external_id(stack: Stack) -> None:
    create_stream(stack, "by-external-id", EXTERNAL_ID)


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("another-account", {"StringEquals": {"sts:ExternalId": "111111111111"}}),
        ("source-account", {"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        ("both", {"StringEquals": {**EXTERNAL_ID["StringEquals"], "aws:SourceAccount": ACCOUNT}}),
        ("source-arn", {"ArnLike": {"aws:SourceArn": f"arn:aws:firehose:*:{ACCOUNT}:deliverystream/*"}}),
    ],
)
def test_firehose_meets_no_other_condition(stack: Stack, name: str, condition: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="Firehose is unable to assume role"):
        create_stream(stack, name, condition)
