locals {
  minute = 60

  plain_alarms = {
    dead-letters = {
      description = "Messages were dead-lettered. Look them up in the dlq-archive table by error_code; nothing is lost."
      namespace   = "AWS/Lambda"
      metric      = "Invocations"
      dimensions  = { FunctionName = var.watched.functions["dlq-archiver"] }
      statistic   = "Sum"
      threshold   = 0
    }
    dlq-not-empty = {
      description = "Dead letters wait for more than 15 minutes: dlq-archiver does not drain its queue. Read its log; messages stay for 14 days."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.watched.dlq }
      statistic   = "Maximum"
      threshold   = 15 * local.minute
    }
    ingest-age = {
      description = "Messages wait too long for sqs-processor. Read its log and the Firehose throttling metric; raise ingest_max_concurrency if it only cannot keep up."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.watched.ingest_queue }
      statistic   = "Maximum"
      threshold   = var.ingest_age_alarm_seconds
    }
    unsettled-schema-uploads = {
      description = "Schema uploads wait for more than 15 minutes for the verdict that their tries have ended. Read schema-validator's log; messages stay for 14 days."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.watched.unsettled_schema_uploads_queue }
      statistic   = "Maximum"
      threshold   = 15 * local.minute
    }
    failed-schema-uploads = {
      description = "Schema uploads could not be handled. Read schema-validator's log, mend the cause, upload the schemas again."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.watched.failed_schema_uploads_queue }
      statistic   = "Maximum"
      threshold   = 0
    }
    # The rule sees every error object, while Firehose's own FailedRowCount leaves out the records that the transform refused.
    stream-failed-rows = {
      description = "Firehose wrote to firehose-errors/ in the archive bucket instead of RAW. The records are kept there and on record in the dlq-archive table: mend the cause, then have stream-error-reader send them again."
      namespace   = "AWS/Events"
      metric      = "TriggeredRules"
      dimensions  = { RuleName = var.watched.stream_error_rule }
      statistic   = "Sum"
      threshold   = 0
    }
    failed-stream-errors = {
      description = "Error objects of Firehose could not be put on record. Read stream-error-reader's log, mend the cause; the daily sweep, or one by hand, puts them on record."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.watched.failed_stream_errors_queue }
      statistic   = "Maximum"
      threshold   = 0
    }
  }

  stream_alarms = {
    stream-freshness = {
      description = "Firehose holds records for more than 15 minutes. Read its log group: rights on the table, or a table that is gone."
      metric      = "DeliveryToIceberg.DataFreshness"
      statistic   = "Maximum"
      threshold   = 15 * local.minute
    }
    stream-throttled = {
      description = "Firehose throttles what is put into it. It raises its limit by itself, and messages wait in SQS for days meanwhile; ask for a higher limit if it lasts."
      metric      = "ThrottledRecords"
      statistic   = "Sum"
      threshold   = 0
    }
  }

  # Both look at half of what AWS allows; 1,440 commits of Firehose a day leave a month to prune.
  version_alarms = {
    table-versions = {
      description = "A table has more than half of the 100,000 versions that Glue keeps of one; at the limit, nothing can be committed to it. The log of table-provisioner names the table. Prune old versions."
      metric      = "LargestTableVersions"
      threshold   = 50000
    }
    table-versions-total = {
      description = "The tables have more than half of the 1,000,000 versions that Glue keeps for an account; at the limit, nothing can be committed. Prune old versions."
      metric      = "TotalTableVersions"
      threshold   = 500000
    }
  }

  # The planner counts late topics when it plans a cycle, which it does also when cycles fail. Between two counts the alarm stays as it is.
  # When nothing is planned at all, cycle-missing goes off.
  freshness_alarms = {
    topics-late = {
      description = "Events of a topic wait for longer than its freshness target. The log of cycle-planner names the topics, lean-ops status why."
      metric      = "TopicsLate"
      threshold   = 0
    }
  }

  function_alarms = {
    for package, name in var.watched.functions : "lambda-errors-${package}" => {
      description = "${name} fails. Read /aws/lambda/${name}; what it could not do is tried again."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = name }
      statistic   = "Sum"
      threshold   = 0
    }
  }

  cycle_alarms = {
    cycle-failed    = { metric = "ExecutionsFailed", description = "A cycle failed. Its execution names the step and the cause; the next cycle takes up what it left." }
    cycle-timed-out = { metric = "ExecutionsTimedOut", description = "A cycle took too long and was ended. See which job hangs; the next cycle starts once the lease has run out." }
    cycle-aborted   = { metric = "ExecutionsAborted", description = "Someone aborted a cycle. The next cycle starts once its lease has run out, and takes up what it left." }
  }

  # Runbook (docs/runbooks/{name}.md) of each alarm. Several alarms may share one.
  runbooks = merge(
    { for name in keys(local.alarms) : name => name },
    { for name in keys(local.function_alarms) : name => "lambda-errors" },
    { for name in keys(local.cycle_alarms) : name => "cycle-failed" },
    { unsettled-schema-uploads = "failed-schema-uploads", table-versions-total = "table-versions" },
  )

  alarms = merge(local.plain_alarms, local.function_alarms, {
    for name, alarm in local.stream_alarms : name => merge(alarm, {
      namespace  = "AWS/Firehose"
      dimensions = { DeliveryStreamName = var.watched.stream }
    })
    }, {
    for name, alarm in local.cycle_alarms : name => merge(alarm, {
      namespace  = "AWS/States"
      dimensions = { StateMachineArn = local.state_machine_arn }
      statistic  = "Sum"
      threshold  = 0
    })
    }, {
    for name, alarm in local.version_alarms : name => merge(alarm, {
      namespace  = "lean-ops"
      dimensions = { service = "table-provisioner", function_name = var.watched.functions["table-provisioner"] }
      statistic  = "Maximum"
      period     = 24 * 60 * local.minute
      # Until the next day's count is there, the alarm stays as it is.
      treat_missing_data = "ignore"
    })
    }, {
    for name, alarm in local.freshness_alarms : name => merge(alarm, {
      namespace          = "lean-ops"
      dimensions         = { service = "cycle-planner", function_name = var.watched.functions["cycle-planner"] }
      statistic          = "Maximum"
      treat_missing_data = "ignore"
    })
  })
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name_prefix}-${each.key}"
  alarm_description   = "${each.value.description} Runbook: docs/runbooks/${local.runbooks[each.key]}.md"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = lookup(each.value, "period", 5 * local.minute)
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = lookup(each.value, "treat_missing_data", "notBreaching")
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

# A new deployment has no cycle yet, so an alarm on missing data would go off at once. CloudWatch's warm-up period holds it back until
# the window that it looks at can be full. Provider 5.100 does not know the period and CloudFormation does, so a stack makes this alarm.
locals {
  cycle_missing_hours = 2
  # An earlier version made the alarm {prefix}-cycle-missing by the provider. A stack cannot make one of that name while the old one is being deleted.
  cycle_missing_name = "${var.name_prefix}-cycle-missing-${local.cycle_missing_hours}h"

  cycle_missing = {
    AlarmName          = local.cycle_missing_name
    AlarmDescription   = "No cycle succeeded for two hours. See whether the schedule is on and whether a lease is held in the checkpoints table. Runbook: docs/runbooks/cycle-missing.md"
    Namespace          = "AWS/States"
    MetricName         = "ExecutionsSucceeded"
    Dimensions         = [{ Name = "StateMachineArn", Value = local.state_machine_arn }]
    Statistic          = "Sum"
    Period             = 60 * local.minute
    EvaluationPeriods  = local.cycle_missing_hours
    ComparisonOperator = "LessThanThreshold"
    Threshold          = 1
    TreatMissingData   = "breaching"
    AlarmActions       = var.alarm_actions
    OKActions          = var.alarm_actions

    WarmUpConfiguration = {
      WarmUpPeriodDurationInMinutes            = local.cycle_missing_hours * 60
      OnlyStartEvaluatingAfterWarmUpPeriodEnds = true
    }
  }
}

resource "aws_cloudformation_stack" "cycle_missing" {
  count = var.schedule_enabled ? 1 : 0

  name       = "${var.name_prefix}-cycle-missing-alarm"
  on_failure = "DELETE"

  template_body = jsonencode({
    Description = "Alarm ${local.cycle_missing_name}, managed by Terraform."
    Resources   = { CycleMissing = { Type = "AWS::CloudWatch::Alarm", Properties = local.cycle_missing } }
  })
}
