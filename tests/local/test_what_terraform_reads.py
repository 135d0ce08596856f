"""What Terraform's provider reads back after an apply: what differs is a change in every plan."""

import json
import urllib.request
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.parsers import QueryParser
from local_stack import ACCOUNT, REGION, Stack

ALARM: dict[str, Any] = {
    "AlarmName": "lean-ops-ingest-age",
    "AlarmDescription": "Messages wait <too> long & nobody looks.",
    "ActionsEnabled": True,
    "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:on-call"],
    "OKActions": ["arn:aws:sns:us-east-1:000000000000:on-call"],
    "MetricName": "ApproximateAgeOfOldestMessage",
    "Namespace": "AWS/SQS",
    "Statistic": "Maximum",
    "Dimensions": [{"Name": "QueueName", "Value": "lean-ops-ingest"}],
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 900.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


def described(cloudwatch: Any, **params: str) -> list[dict[str, Any]]:
    """The alarms by the query protocol, which the provider speaks and boto3 no longer does."""
    data = {"Action": "DescribeAlarms", "Version": "2010-08-01", **params}
    request = AWSRequest("POST", f"{cloudwatch.meta.endpoint_url}/", data=data)
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    keys = cloudwatch._request_signer._credentials
    SigV4Auth(keys, "monitoring", cloudwatch.meta.region_name).add_auth(request)
    ready = request.prepare()
    sent = urllib.request.Request(
        ready.url,
        data=ready.body.encode() if isinstance(ready.body, str) else ready.body,
        headers=ready.headers,
    )
    with urllib.request.urlopen(sent, timeout=5) as answer:
        response = {"status_code": answer.status, "headers": dict(answer.headers), "body": answer.read()}
    shape = cloudwatch.meta.service_model.operation_model("DescribeAlarms").output_shape
    found: list[dict[str, Any]] = QueryParser().parse(response, shape)["MetricAlarms"]
    return found


def test_an_alarm_is_read_back_as_it_was_put(stack: Stack) -> None:
    cloudwatch = stack.client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM)
    cloudwatch.put_metric_alarm(**{**ALARM, "AlarmName": "lean-ops-another"})
    [alarm] = described(cloudwatch, **{"AlarmNames.member.1": "lean-ops-ingest-age"})
    assert {name: alarm.get(name) for name in ALARM} == ALARM
    assert alarm["StateValue"] == "OK"


def test_a_job_has_the_tags_that_it_was_made_with(stack: Stack) -> None:
    glue = stack.client("glue")
    glue.create_job(
        Name="tagged", Role="arn:aws:iam::000000000000:role/r", Command={"Name": "glueetl"}, Tags={"a": "b"}
    )
    arn = f"arn:aws:glue:{REGION}:{ACCOUNT}:job/tagged"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b"}


def test_a_state_machine_says_whether_its_executions_are_traced(stack: Stack) -> None:
    states = stack.client("stepfunctions")
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    role = stack.role("traced", "states.amazonaws.com")
    arn = states.create_state_machine(name="traced", definition=definition, roleArn=role)["stateMachineArn"]
    assert states.describe_state_machine(stateMachineArn=arn)["tracingConfiguration"] == {"enabled": False}
    states.update_state_machine(stateMachineArn=arn, tracingConfiguration={"enabled": True})
    states.update_state_machine(stateMachineArn=arn, definition=definition)
    assert states.describe_state_machine(stateMachineArn=arn)["tracingConfiguration"] == {"enabled": True}
