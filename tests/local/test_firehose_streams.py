"""A stream is made and changed as on AWS: by CloudFormation or the API, with every setting checked."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_stack import ACCOUNT, REGION, Stack, wait_for

CATALOG = f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog"


def role_of(stack: Stack, name: str) -> str:
    return stack.role(name, "firehose.amazonaws.com", (["s3:*"], ["arn:aws:s3:::lake/*"]))


def destination(role: str, **settings: Any) -> dict[str, Any]:
    return {
        "RoleARN": role,
        "CatalogConfiguration": {"CatalogArn": CATALOG},
        "AppendOnly": True,
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "S3Configuration": {
            "RoleARN": role,
            "BucketARN": "arn:aws:s3:::lake",
            "ErrorOutputPrefix": "errors/",
        },
        **settings,
    }


def template(name: str, iceberg: dict[str, Any], **properties: Any) -> str:
    given = {
        "DeliveryStreamName": name,
        "DeliveryStreamType": "DirectPut",
        "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"},
        "IcebergDestinationConfiguration": iceberg,
        **properties,
    }
    return json.dumps(
        {"Resources": {"Events": {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": given}}}
    )


def settled(stack: Stack, name: str) -> tuple[str, str]:
    """Waits until the CloudFormation stack is at rest. Returns its status, and the reasons of its events."""
    cloudformation = stack.client("cloudformation")

    def status() -> str:
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return "" if found["StackStatus"].endswith("_IN_PROGRESS") else str(found["StackStatus"])

    ended = wait_for(status, f"the end of {name}", 20)
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return ended, " ".join(event.get("ResourceStatusReason", "") for event in events)


def create(stack: Stack, name: str, body: str) -> tuple[str, str]:
    made = stack.client("cloudformation").create_stack(StackName=name, TemplateBody=body, OnFailure="DELETE")
    return settled(stack, made["StackId"])


def update(stack: Stack, name: str, body: str) -> tuple[str, str]:
    stack.client("cloudformation").update_stack(StackName=name, TemplateBody=body)
    return settled(stack, name)


def described(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.client("firehose").describe_delivery_stream(DeliveryStreamName=name)[
        "DeliveryStreamDescription"
    ]
    return found


def test_cloudformation_makes_a_stream_that_only_appends_and_changes_the_rest_in_place(stack: Stack) -> None:
    role = role_of(stack, "formed")
    assert create(stack, "formed", template("formed", destination(role)))[0] == "CREATE_COMPLETE"
    before = described(stack, "formed")
    (made,) = before["Destinations"]
    assert made["IcebergDestinationDescription"]["AppendOnly"] is True
    assert made["IcebergDestinationDescription"]["CatalogConfiguration"] == {"CatalogARN": CATALOG}
    assert made["IcebergDestinationDescription"]["S3DestinationDescription"]["ErrorOutputPrefix"] == "errors/"
    assert before["DeliveryStreamEncryptionConfiguration"]["KeyType"] == "AWS_OWNED_CMK"

    hints = {"SizeInMBs": 128, "IntervalInSeconds": 30}
    changed_template = template("formed", destination(role, BufferingHints=hints))
    assert update(stack, "formed", changed_template)[0] == "UPDATE_COMPLETE"
    after = described(stack, "formed")
    (changed,) = after["Destinations"]
    assert changed["IcebergDestinationDescription"]["BufferingHints"] == hints
    assert changed["IcebergDestinationDescription"]["AppendOnly"] is True
    # The same destination, so that what it holds is delivered by the new settings.
    assert changed["DestinationId"] == made["DestinationId"]
    assert after["CreateTimestamp"] == before["CreateTimestamp"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"AppendOnly": False}, "AppendOnly can be chosen only when a stream is made"),
        (
            {"CatalogConfiguration": {"CatalogArn": CATALOG.replace(ACCOUNT, "000000000001")}},
            "cannot update a stack when a custom-named resource requires replacing",
        ),
    ],
)
def test_what_can_be_chosen_only_once_is_refused_later(
    stack: Stack, change: dict[str, Any], reason: str
) -> None:
    name = f"fixed-{next(iter(change)).lower()}"
    role = role_of(stack, name)
    create(stack, name, template(name, destination(role)))
    status, reasons = update(stack, name, template(name, destination(role, **change)))
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert reason in reasons
    (kept,) = described(stack, name)["Destinations"]
    assert kept["IcebergDestinationDescription"]["AppendOnly"] is True
    assert kept["IcebergDestinationDescription"]["CatalogConfiguration"] == {"CatalogARN": CATALOG}


def test_the_api_refuses_a_later_choice_of_append_only_too(stack: Stack) -> None:
    role = role_of(stack, "plain")
    iceberg = {**destination(role), "AppendOnly": False, "CatalogConfiguration": {"CatalogARN": CATALOG}}
    firehose = stack.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName="plain", IcebergDestinationConfiguration=iceberg)
    found = described(stack, "plain")
    with pytest.raises(ClientError, match="AppendOnly"):
        firehose.update_destination(
            DeliveryStreamName="plain",
            CurrentDeliveryStreamVersionId=found["VersionId"],
            DestinationId=found["Destinations"][0]["DestinationId"],
            IcebergDestinationUpdate={"AppendOnly": True},
        )


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"CatalogConfiguration": {"CatalogARN": CATALOG}}, "CatalogARN"),
        ({"AppendsOnly": True}, "AppendsOnly"),
        ({"AppendOnly": "yes"}, "AppendOnly"),
        ({"BufferingHints": {"SizeInMBs": 129, "IntervalInSeconds": 60}}, "SizeInMBs"),
        ({"RetryOptions": {"DurationInSeconds": 7201}}, "DurationInSeconds"),
        ({"S3Configuration": {"BucketARN": "arn:aws:s3:::lake"}}, "RoleARN"),
        (
            {
                "ProcessingConfiguration": {
                    "Processors": [
                        {
                            "Type": "Lambda",
                            "Parameters": [{"ParameterName": "BufferSizeInMB", "ParameterValue": "1"}],
                        }
                    ]
                }
            },
            "BufferSizeInMB",
        ),
        ({}, "unable to assume role"),
    ],
)
def test_settings_that_aws_would_refuse_are_refused(stack: Stack, change: dict[str, Any], names: str) -> None:
    # No role is needed, because the settings are looked at first.
    role = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    status, reasons = create(stack, "refused", template("refused", destination(role, **change)))
    assert status == "DELETE_COMPLETE"
    assert names in reasons
    with pytest.raises(ClientError, match="not found"):
        described(stack, "refused")
