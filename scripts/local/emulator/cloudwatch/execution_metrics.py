"""The metrics that Step Functions sends of executions.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
"""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch, stepfunctions

from emulator.cloudwatch import alarm_states

_BY_STATUS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}


def with_metrics(original: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Wraps what ministack calls whenever the status of an execution has changed."""

    def changed(execution: dict[str, Any]) -> None:
        original(execution)
        record(execution)
        for alarm in list(cloudwatch._alarms.values()):
            if alarm.get("Namespace") == "AWS/States":
                alarm_states.evaluate(alarm)

    return changed


def record(execution: dict[str, Any]) -> None:
    """Records that an execution has its present status, and for an end how long it took."""
    dimensions = {"StateMachineArn": execution["stateMachineArn"]}
    cloudwatch.record_metric("AWS/States", _BY_STATUS[execution["status"]], 1, "Count", dimensions)
    stopped = execution.get("stopDate")
    if stopped is not None and execution["status"] != "RUNNING":
        started = stepfunctions._iso_to_epoch_ms(execution["startDate"])
        taken = stepfunctions._iso_to_epoch_ms(stopped) - started
        cloudwatch.record_metric("AWS/States", "ExecutionTime", taken, "Milliseconds", dimensions)
