"""Metrics in the logs of functions, as CloudWatch reads them."""

import json

from emulator.cloudwatch.embedded_metrics import Metric, metrics_of

LATE = {
    "_aws": {
        "Timestamp": 1,
        "CloudWatchMetrics": [
            {
                "Namespace": "lean-ops",
                "Dimensions": [["service", "function_name"]],
                "Metrics": [
                    {"Name": "TopicsLate", "Unit": "Count"},
                    {"Name": "FreshnessMinutes", "Unit": "Count"},
                ],
            }
        ],
    },
    "service": "cycle-planner",
    "function_name": "lean-ops-cycle-planner",
    "TopicsLate": [3],
    "FreshnessMinutes": 75,
}


def test_each_metric_of_a_document_counts_by_its_dimensions():
    dimensions = (("service", "cycle-planner"), ("function_name", "lean-ops-cycle-planner"))
    assert list(metrics_of(json.dumps(LATE))) == [
        Metric("lean-ops", "TopicsLate", "Count", (3.0,), dimensions),
        Metric("lean-ops", "FreshnessMinutes", "Count", (75.0,), dimensions),
    ]


def test_other_lines_of_a_log_have_none():
    for line in (
        "START RequestId: 1",
        '{"level":"INFO"}',
        '{"CloudWatchMetrics": 1}',
        'x "CloudWatchMetrics" {',
    ):
        assert list(metrics_of(line)) == []
