"""CloudWatch's alarms, and the metrics by which they change."""
