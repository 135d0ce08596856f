locals {
  minute = 60

  plain_alarms = {
    dead-letters = {
      description = "Messages could not be used and were archived with their reason. Nothing is lost."
      namespace   = "AWS/Lambda"
      metric      = "Invocations"
      dimensions  = { FunctionName = var.watched.functions["dlq-archiver"] }
      statistic   = "Sum"
      threshold   = 0
    }
    dlq-not-empty = {
      description = "Dead letters have waited for more than 15 minutes: dlq-archiver does not archive them. They stay in the queue for 14 days."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.watched.dlq }
      statistic   = "Maximum"
      threshold   = 15 * local.minute
    }
    ingest-age = {
      description = "Messages wait too long in the ingest queue. Nothing is lost for 14 days."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.watched.ingest_queue }
      statistic   = "Maximum"
      threshold   = var.ingest_age_alarm_seconds
    }
    unsettled-schema-uploads = {
      description = "Schema uploads whose tries ended have waited for their verdict for more than 15 minutes."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = var.watched.unsettled_schema_uploads_queue }
      statistic   = "Maximum"
      threshold   = 15 * local.minute
    }
    failed-schema-uploads = {
      description = "Schema uploads could not be handled, after all tries. The schemas in force stay in force."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.watched.failed_schema_uploads_queue }
      statistic   = "Maximum"
      threshold   = 0
    }
    # The rule sees every error object, while Firehose's own FailedRowCount leaves out the records that the transform refused.
    stream-failed-rows = {
      description = "Firehose could not deliver records to RAW. They are kept in firehose-errors/ and can be sent again."
      namespace   = "AWS/Events"
      metric      = "TriggeredRules"
      dimensions  = { RuleName = var.watched.stream_error_rule }
      statistic   = "Sum"
      threshold   = 0
    }
    failed-stream-errors = {
      description = "Records that Firehose could not deliver were not put on record. They are kept; the daily sweep tries again."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.watched.failed_stream_errors_queue }
      statistic   = "Maximum"
      threshold   = 0
    }
  }

  stream_alarms = {
    stream-freshness = {
      description = "Firehose has held records for more than 15 minutes without delivering them to RAW."
      metric      = "DeliveryToIceberg.DataFreshness"
      statistic   = "Maximum"
      threshold   = 15 * local.minute
    }
    stream-throttled = {
      description = "Firehose throttles. It raises its limit by itself; messages wait in SQS for days meanwhile."
      metric      = "ThrottledRecords"
      statistic   = "Sum"
      threshold   = 0
    }
  }

  # Both look at half of what AWS allows; 1,440 commits of Firehose a day leave a month to prune.
  version_alarms = {
    table-versions = {
      description = "A table has more than half of the 100,000 versions that Glue keeps. At the limit, nothing can be committed to it. Delete old versions."
      metric      = "LargestTableVersions"
      threshold   = 50000
    }
    table-versions-total = {
      description = "The tables have more than half of the 1,000,000 versions that Glue keeps for an account. At the limit, nothing can be committed. Delete old versions."
      metric      = "TotalTableVersions"
      threshold   = 500000
    }
  }

  # The planner counts when it plans a cycle, which it does also when cycles fail. Between two counts an alarm stays as it is.
  # When nothing is planned at all, cycle-missing goes off.
  planner_alarms = {
    topics-late = {
      description = "Events of a topic wait for longer than its freshness target. The log of cycle-planner names the topics, lean-ops status why."
      metric      = "TopicsLate"
      threshold   = 0
    }
    # The planner counts them too: it looks at every topic in each cycle.
    topic-held = {
      description = "A topic is held past the end that its hold was to have. Its events wait, and nothing is lost."
      metric      = "HoldsOverdue"
      threshold   = 0
    }
    # And the operations that have a held topic, so the alarm stays on for as long as the topic is held up.
    operation-stalled = {
      description = "An operation has a held topic, and nobody works on it: it failed, or its execution is over. The topic's events wait until somebody resumes or cancels it."
      metric      = "OperationsStalled"
      threshold   = 0
    }
    # What the jobs have proposed within a day, and nobody has held and released since.
    rewind-proposed = {
      description = "A cycle of a topic was bad: its table and the ledger disagree, or too many of its messages were rejected. lean-ops status says where the topic can be taken back to."
      metric      = "RewindsProposed"
      threshold   = 0
    }
    # A month of commits a minute whose snapshots nobody has expired: a sixteenth of what the planner reads at the most.
    raw-metadata = {
      description = "RAW's metadata has more than 32 MiB, as its snapshots are not expired. Cycles slow down, and stop at 512 MiB. Nothing is lost."
      metric      = "RawMetadataBytes"
      threshold   = 32 * 1024 * 1024
    }
  }

  function_alarms = {
    for package, name in var.watched.functions : "lambda-errors-${package}" => {
      description = "${name} ended with an error. What it could not do is tried again."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = name }
      statistic   = "Sum"
      threshold   = 0
    }
  }

  cycle_alarms = {
    cycle-failed    = { metric = "ExecutionsFailed", description = "A cycle failed. The next cycle retries the unfinished work." }
    cycle-timed-out = { metric = "ExecutionsTimedOut", description = "A cycle ran too long and was stopped. The next cycle starts when the lease has run out." }
    cycle-aborted   = { metric = "ExecutionsAborted", description = "Somebody stopped a cycle. The next cycle starts when the lease has run out, and retries the unfinished work." }
  }

  maintenance_alarms = {
    maintenance-failed = { metric = "ExecutionsFailed", description = "Tables were not maintained, or some of them not. Nothing is lost; they grow until it succeeds again." }

    maintenance-timed-out = { metric = "ExecutionsTimedOut", description = "Maintenance ran too long and was stopped. Cycles start again when its lease has run out." }
    maintenance-aborted   = { metric = "ExecutionsAborted", description = "Somebody stopped maintenance. Cycles start again when its lease has run out." }
  }

  operation_alarms = {
    operation-failed    = { metric = "ExecutionsFailed", description = "An operation failed. Its topic stays as it is until somebody resumes or cancels it." }
    operation-timed-out = { metric = "ExecutionsTimedOut", description = "An operation ran too long and was stopped. Its topic stays as it is until somebody resumes or cancels it." }
    # To cancel one stops its execution too. Whoever does that knows of it; but only this tells the others at once if the cancelling dies.
    operation-aborted = { metric = "ExecutionsAborted", description = "Somebody stopped an operation's execution, as lean-ops op cancel does. Unless it is cancelled, its topic stays as it is until somebody resumes or cancels it." }
  }

  # Runbook (docs/runbooks/{name}.md) of each alarm. Several alarms may share one.
  runbooks = merge(
    { for name in keys(local.alarms) : name => name },
    { for name in keys(local.function_alarms) : name => "lambda-errors" },
    { for name in keys(local.cycle_alarms) : name => "cycle-failed" },
    { for name in keys(local.operation_alarms) : name => "operation-failed" },
    { for name in keys(local.maintenance_alarms) : name => "maintenance-failed" },
    { operation-stalled = "operation-failed", unsettled-schema-uploads = "failed-schema-uploads", table-versions-total = "table-versions" },
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
    for name, alarm in local.maintenance_alarms : name => merge(alarm, {
      namespace  = "AWS/States"
      dimensions = { StateMachineArn = local.maintenance_arn }
      statistic  = "Sum"
      threshold  = 0
    })
    }, {
    for name, alarm in local.operation_alarms : name => merge(alarm, {
      namespace  = "AWS/States"
      dimensions = { StateMachineArn = local.operation_state_machine_arn }
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
    for name, alarm in local.planner_alarms : name => merge(alarm, {
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
    AlarmDescription   = "No cycle succeeded for two hours. Runbook: docs/runbooks/cycle-missing.md"
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
