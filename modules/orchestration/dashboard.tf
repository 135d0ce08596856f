locals {
  # A chart has a title, a statistic and metrics as CloudWatch lists them: namespace, name, dimension, value.
  charts = [
    {
      title = "Ingest queue: waiting messages and dead letters"
      stat  = "Maximum"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.watched.ingest_queue],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.watched.dlq],
      ]
    },
    {
      title   = "Ingest queue: age of the oldest message (s)"
      stat    = "Maximum"
      metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.watched.ingest_queue]]
    },
    {
      title = "RAW: rows delivered and failed"
      stat  = "Sum"
      metrics = [
        ["AWS/Firehose", "DeliveryToIceberg.SuccessfulRowCount", "DeliveryStreamName", var.watched.stream],
        ["AWS/Firehose", "DeliveryToIceberg.FailedRowCount", "DeliveryStreamName", var.watched.stream],
        ["AWS/Firehose", "ThrottledRecords", "DeliveryStreamName", var.watched.stream],
      ]
    },
    {
      title   = "RAW: freshness (s)"
      stat    = "Maximum"
      metrics = [["AWS/Firehose", "DeliveryToIceberg.DataFreshness", "DeliveryStreamName", var.watched.stream]]
    },
    {
      title = "Cycles"
      stat  = "Sum"
      metrics = [
        for metric in ["ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"] :
        ["AWS/States", metric, "StateMachineArn", local.state_machine_arn]
      ]
    },
    {
      title   = "Cycles: duration (ms)"
      stat    = "Maximum"
      metrics = [["AWS/States", "ExecutionTime", "StateMachineArn", local.state_machine_arn]]
    },
    {
      title = "Topics: late, and minutes that the last one is behind"
      stat  = "Maximum"
      metrics = [
        for metric in ["TopicsLate", "FreshnessMinutes"] :
        ["lean-ops", metric, "service", "cycle-planner", "function_name", var.watched.functions["cycle-planner"]]
      ]
    },
    # Counted once an hour.
    {
      title = "Errors: open rows by age, and causes that came again"
      stat  = "Maximum"
      metrics = [
        for metric in ["OpenErrorsOfDay", "OpenErrorsOfWeek", "OpenErrorsOlder", "ErrorsRegressed"] :
        ["lean-ops", metric, "service", "schema-validator", "function_name", var.watched.functions["schema-validator"]]
      ]
    },
    {
      title   = "Functions: errors"
      stat    = "Sum"
      metrics = [for name in values(var.watched.functions) : ["AWS/Lambda", "Errors", "FunctionName", name]]
    },
    {
      title   = "Functions: duration (ms)"
      stat    = "Maximum"
      metrics = [for name in values(var.watched.functions) : ["AWS/Lambda", "Duration", "FunctionName", name]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name_prefix

  dashboard_body = jsonencode({
    widgets = [
      for index, chart in local.charts : {
        type   = "metric"
        x      = index % 2 * 12
        y      = floor(index / 2) * 6
        width  = 12
        height = 6
        properties = {
          title   = chart.title
          region  = var.account.region
          view    = "timeSeries"
          period  = 5 * local.minute
          stat    = chart.stat
          metrics = chart.metrics
        }
      }
    ]
  })
}
