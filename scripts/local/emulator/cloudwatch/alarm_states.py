"""The state of an alarm, from the metric that it names.

ministack looks at metrics of that name whatever their dimensions, so that one function's error would set off
the alarms of all functions, and only when a metric is put by the API.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch, sqs

from emulator.responses import Response

_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


@dataclass(frozen=True)
class Evaluation:
    """The state that an alarm has to have, and why."""

    state: str
    why: str


def state_of(alarm: dict[str, Any], points: Sequence[dict[str, Any]], now: float) -> Evaluation | None:
    """The state of an alarm at a time, from the points of its metric; None when it keeps the one it has.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    period, count = int(alarm.get("Period", 60)), int(alarm.get("EvaluationPeriods", 1))
    needed = int(alarm.get("DatapointsToAlarm") or count)
    values = [_value(alarm, points, now - (n + 1) * period, now - n * period) for n in range(count)]
    known = [value for value in values if value is not None]
    missing = alarm.get("TreatMissingData", "missing")
    if not known and missing == "ignore":
        return None
    if not known and missing == "missing":
        return Evaluation("INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received")
    threshold, operator = float(alarm.get("Threshold", 0)), alarm.get("ComparisonOperator", "")
    compare = _COMPARED.get(operator)
    if compare is None:
        return None
    # On AWS a warm-up period holds such an alarm back until the window that it looks at can be full.
    begun = float(alarm.get("AlarmConfigurationUpdatedTimestamp", 0)) <= now - period * count
    breaching = sum(compare(value, threshold) for value in known)
    if missing == "breaching" and begun:
        breaching += len(values) - len(known)
    state = "ALARM" if breaching >= needed else "OK"
    shown = ", ".join(f"{value:g}" for value in known) or "no datapoints"
    return Evaluation(state, f"Threshold Crossed: [{shown}] against {operator} {threshold:g}")


def _value(alarm: dict[str, Any], points: Sequence[dict[str, Any]], start: float, end: float) -> float | None:
    within = [point for point in points if start < point["Timestamp"] <= end]
    stats = cloudwatch._calc_stats(within)
    if not stats:
        return None
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    value: float | None = cloudwatch._stat_value(stats, name, within)
    return value


def evaluate(alarm: dict[str, Any]) -> None:
    """Replaces ministack's function of that name."""
    if not alarm.get("Namespace") or not alarm.get("MetricName"):
        return
    now = time.time()
    found = state_of(alarm, _points(alarm, now), now)
    old = alarm["StateValue"]
    if found is None or found.state == old:
        return
    alarm.update(StateValue=found.state, StateReason=found.why, StateUpdatedTimestamp=int(now))
    cloudwatch._record_history(alarm["AlarmName"], old, found.state, found.why)
    cloudwatch._dispatch_alarm_actions(alarm, old, found.state, found.why)
    cloudwatch._evaluate_parent_alarms(alarm)


def _points(alarm: dict[str, Any], now: float) -> list[dict[str, Any]]:
    dimensions = {each["Name"]: each.get("Value", "") for each in alarm.get("Dimensions", [])}
    namespace, metric = alarm["Namespace"], alarm["MetricName"]
    points = list(cloudwatch._metrics.get((namespace, metric, cloudwatch._dims_key(dimensions))) or [])
    if namespace == "AWS/SQS":
        points.extend(_queue_points(dimensions.get("QueueName", ""), metric, now))
    return points


def _queue_points(name: str, metric: str, now: float) -> list[dict[str, Any]]:
    """What SQS would send of a queue at this moment, for the metrics that alarms look at."""
    with sqs._queues_lock:
        queue = next((queue for queue in sqs._queues.values() if queue["name"] == name), None)
        messages = [] if queue is None else list(queue["messages"])
    if queue is None:
        return []
    if metric == "ApproximateAgeOfOldestMessage":
        value = now - min((message["sent_at"] for message in messages), default=now)
    elif metric == "ApproximateNumberOfMessagesVisible":
        value = float(sum(message["visible_at"] <= now for message in messages))
    else:
        return []
    return [{"Timestamp": now, "Value": value}]


def evaluated_when_read(original: Callable[..., Response]) -> Callable[..., Response]:
    """Wraps DescribeAlarms: AWS evaluates each alarm every minute or so, and here nobody can see an alarm
    without reading it."""

    def describe(*args: Any) -> Response:
        cloudwatch._evaluate_all_alarms()
        return original(*args)

    return describe
