"""The metrics that functions write into their logs, in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch

_MARK = '"CloudWatchMetrics"'


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    unit: str
    values: tuple[float, ...]
    dimensions: tuple[tuple[str, str], ...]


def metrics_of(line: str) -> Iterator[Metric]:
    """Yields the metrics of one line of a log: none for a line that is no document of this format."""
    if _MARK not in line:
        return
    try:
        document = json.loads(line)
        directives = document["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = tuple((name, str(document[name])) for name in names if name in document)
            for metric in directive.get("Metrics", []):
                value = document.get(metric.get("Name"))
                values = value if isinstance(value, list) else [value]
                yield Metric(
                    directive.get("Namespace", ""),
                    metric.get("Name", ""),
                    metric.get("Unit", "None"),
                    tuple(float(one) for one in values if isinstance(one, int | float)),
                    dimensions,
                )


def read_from_logs(original: Callable[[Any, list[dict[str, Any]]], None]) -> Callable[..., None]:
    """Wraps what appends events to a log stream, so that the metrics in them count."""

    def append(stream: Any, events: list[dict[str, Any]]) -> None:
        original(stream, events)
        for event in events:
            for metric in metrics_of(str(event.get("message", ""))):
                for value in metric.values:
                    cloudwatch.record_metric(
                        metric.namespace, metric.name, value, metric.unit, dict(metric.dimensions)
                    )

    return append
