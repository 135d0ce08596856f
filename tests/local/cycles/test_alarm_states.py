"""The states of alarms, and the metrics of executions by which cycle alarms can be drilled."""

import json
import time
from typing import Any

import pytest
from local_stack import Stack

from emulator.cloudwatch.alarm_states import state_of

NOW = 1_764_500_000.0
ALARM: dict[str, Any] = {
    "Namespace": "AWS/States",
    "MetricName": "ExecutionsFailed",
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}
MISSING = {
    **ALARM,
    "Period": 3600,
    "EvaluationPeriods": 2,
    "Threshold": 1.0,
    "ComparisonOperator": "LessThanThreshold",
    "TreatMissingData": "breaching",
}


def points(*ages: float, value: float = 1.0) -> list[dict[str, Any]]:
    return [{"Timestamp": NOW - age, "Value": value} for age in ages]


@pytest.mark.parametrize(
    ("alarm", "found", "state"),
    [
        (ALARM, points(10), "ALARM"),
        (ALARM, points(10, value=0), "OK"),
        (ALARM, points(301), "OK"),
        (ALARM, [], "OK"),
        ({**ALARM, "TreatMissingData": "missing"}, [], "INSUFFICIENT_DATA"),
        ({**ALARM, "TreatMissingData": "ignore"}, [], None),
        ({**ALARM, "TreatMissingData": "ignore"}, points(10), "ALARM"),
        (MISSING, [], "ALARM"),
        (MISSING, points(4000), "OK"),
        ({**MISSING, "AlarmConfigurationUpdatedTimestamp": NOW - 3600}, [], "OK"),
        ({**ALARM, "EvaluationPeriods": 3}, points(10, 310), "OK"),
        ({**ALARM, "EvaluationPeriods": 3, "DatapointsToAlarm": 2}, points(10, 310), "ALARM"),
    ],
)
def test_an_alarm_goes_by_the_periods_that_it_looks_at(
    alarm: dict[str, Any], found: list[dict[str, Any]], state: str | None
) -> None:
    evaluation = state_of(alarm, found, NOW)
    assert (None if evaluation is None else evaluation.state) == state


def put_alarm(cloudwatch: Any, name: str, namespace: str, metric: str, **dimensions: str) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        **{**ALARM, "Namespace": namespace, "MetricName": metric},
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
    )


def state(cloudwatch: Any, name: str) -> str:
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    found: str = alarm["StateValue"]
    return found


def test_an_execution_that_fails_sets_off_the_alarm_of_its_state_machine_only(stack: Stack) -> None:
    states, cloudwatch = stack.client("stepfunctions"), stack.client("cloudwatch")
    role = stack.role("drill", "states.amazonaws.com")
    arns = {}
    for name, end in {"drill-good": {"Type": "Succeed"}, "drill-bad": {"Type": "Fail", "Error": "E"}}.items():
        definition = {"StartAt": "End", "States": {"End": end}}
        made = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
        arns[name] = made["stateMachineArn"]
        put_alarm(cloudwatch, f"{name}-failed", "AWS/States", "ExecutionsFailed", StateMachineArn=arns[name])
        put_alarm(
            cloudwatch, f"{name}-succeeded", "AWS/States", "ExecutionsSucceeded", StateMachineArn=arns[name]
        )
    runs = [states.start_execution(stateMachineArn=arn)["executionArn"] for arn in arns.values()]
    deadline = time.monotonic() + 20
    while any(states.describe_execution(executionArn=run)["status"] == "RUNNING" for run in runs):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = {
        f"{name}-{metric}": state(cloudwatch, f"{name}-{metric}")
        for name in arns
        for metric in ("failed", "succeeded")
    }
    assert found == {
        "drill-good-failed": "OK",
        "drill-good-succeeded": "ALARM",
        "drill-bad-failed": "ALARM",
        "drill-bad-succeeded": "OK",
    }
    measured = cloudwatch.get_metric_statistics(
        Namespace="AWS/States",
        MetricName="ExecutionTime",
        Dimensions=[{"Name": "StateMachineArn", "Value": arns["drill-good"]}],
        StartTime=time.time() - 300,
        EndTime=time.time() + 60,
        Period=60,
        Statistics=["SampleCount"],
    )
    assert sum(point["SampleCount"] for point in measured["Datapoints"]) == 1


def test_a_waiting_message_sets_off_the_alarm_of_its_queue(stack: Stack) -> None:
    sqs, cloudwatch = stack.client("sqs"), stack.client("cloudwatch")
    queue = sqs.create_queue(QueueName="drill-queue")["QueueUrl"]
    put_alarm(
        cloudwatch,
        "drill-queue-visible",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        QueueName="drill-queue",
    )
    assert state(cloudwatch, "drill-queue-visible") == "OK"
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    assert state(cloudwatch, "drill-queue-visible") == "ALARM"
    sqs.purge_queue(QueueUrl=queue)
    assert state(cloudwatch, "drill-queue-visible") == "OK"
