locals {
  maintenance_name = "${var.name_prefix}-maintenance"
  maintenance_arn  = "arn:${var.account.partition}:states:${var.account.region}:${var.account.id}:stateMachine:${local.maintenance_name}"

  # Cycles take some minutes of each quarter of an hour, and yield to maintenance that waits. A backfill may hold the lease for longer;
  # maintenance then waits for the next day.
  maintenance_wait_seconds = 60
  maintenance_tries        = 30

  # The waits, and the time of the lease: the job's, and what its start may be put off for.
  maintenance_timeout_seconds = local.maintenance_wait_seconds * local.maintenance_tries + var.maintenance_lease_seconds

  maintenance_catch = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.error", Next = "ReleaseLeaseAfterFailure" }]

  release_lease = {
    for outcome in ["SUCCEEDED", "FAILED"] : outcome => merge(local.planner_state, {
      Parameters = {
        FunctionName = var.planner_arn
        Payload      = { action = "release", outcome = outcome, "execution_id.$" = "$$.Execution.Id" }
      }
      ResultPath = null
    })
  }

  maintenance_definition = {
    Comment        = "Maintains all tables under the lease of the pipeline, so never beside a cycle."
    StartAt        = "Begin"
    TimeoutSeconds = local.maintenance_timeout_seconds

    States = {
      Begin = {
        Type       = "Pass"
        Parameters = { tries = 0 }
        Next       = "Reserve"
      }

      Reserve = merge(local.planner_state, {
        Parameters = {
          FunctionName = var.planner_arn
          Payload      = { action = "reserve", "execution_id.$" = "$$.Execution.Id" }
        }
        ResultSelector = { "reserved.$" = "$.Payload.reserved", "cycle_id.$" = "$.Payload.cycle_id" }
        ResultPath     = "$.lease"
        Next           = "HaveLease"
        # The planner may have taken the lease even though no answer came back.
        Catch = local.maintenance_catch
      })

      HaveLease = {
        Type = "Choice"
        Choices = [
          { Variable = "$.lease.reserved", BooleanEquals = true, Next = "Maintain" },
          { Variable = "$.tries", NumericGreaterThanEquals = local.maintenance_tries, Next = "PipelineBusy" },
        ]
        Default = "WaitForCycle"
      }

      WaitForCycle = {
        Type    = "Wait"
        Seconds = local.maintenance_wait_seconds
        Next    = "CountTry"
      }

      CountTry = {
        Type       = "Pass"
        Parameters = { "tries.$" = "States.MathAdd($.tries, 1)" }
        Next       = "Reserve"
      }

      PipelineBusy = merge(local.planner_state, {
        Comment = "Ends the waiting, and says whether maintenance has been put off for too long."
        Parameters = {
          FunctionName = var.planner_arn
          Payload      = { action = "put_off", "execution_id.$" = "$$.Execution.Id" }
        }
        ResultSelector = { "overdue.$" = "$.Payload.overdue" }
        ResultPath     = "$.put_off"
        Next           = "IsOverdue"
        Catch          = local.maintenance_catch
      })

      IsOverdue = {
        Type    = "Choice"
        Choices = [{ Variable = "$.put_off.overdue", BooleanEquals = true, Next = "MaintenanceOverdue" }]
        Default = "PutOff"
      }

      PutOff = {
        Type    = "Succeed"
        Comment = "The next run by the schedule does its work. The log of cycle-planner says it."
      }

      MaintenanceOverdue = {
        Type  = "Fail"
        Error = "PipelineBusy"
        Cause = "a cycle has held the lease for ${local.maintenance_tries * local.maintenance_wait_seconds / 60} minutes, and maintenance has not succeeded for two days; it runs again by its schedule"
      }

      Maintain = merge(local.job_state, {
        Parameters = { JobName = var.maintenance_job, Arguments = { "--cycle_id.$" = "$.lease.cycle_id" } }
        Next       = "ReleaseLease"
        Catch      = local.maintenance_catch
      })

      ReleaseLease = merge(local.release_lease.SUCCEEDED, { Next = "Done" })

      Done = { Type = "Succeed" }

      ReleaseLeaseAfterFailure = merge(local.release_lease.FAILED, {
        Next = "MaintenanceFailed"
        # What is reported is what failed first. The lease runs out by itself.
        Catch = [{ ErrorEquals = ["States.ALL"], ResultPath = null, Next = "MaintenanceFailed" }]
      })

      MaintenanceFailed = {
        Type      = "Fail"
        ErrorPath = "$.error.Error"
        CausePath = "$.error.Cause"
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "maintenance" {
  name              = "/aws/vendedlogs/states/${local.maintenance_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_sfn_state_machine" "maintenance" {
  name       = local.maintenance_name
  role_arn   = aws_iam_role.maintenance.arn
  definition = jsonencode(local.maintenance_definition)

  logging_configuration {
    level                  = "ALL"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.maintenance.arn}:*"
  }

  tracing_configuration {
    enabled = var.tracing_enabled
  }

  depends_on = [aws_iam_role_policy.maintenance]
}

resource "aws_iam_role" "maintenance" {
  name               = local.maintenance_name
  description        = "State machine ${local.maintenance_name}."
  assume_role_policy = data.aws_iam_policy_document.assume["maintenance"].json
}

data "aws_iam_policy_document" "maintenance" {
  statement {
    sid       = "TakeAndReleaseLease"
    actions   = ["lambda:InvokeFunction"]
    resources = [var.planner_arn]
  }

  statement {
    sid       = "RunJob"
    actions   = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
    resources = ["arn:${var.account.partition}:glue:${var.account.region}:${var.account.id}:job/${var.maintenance_job}"]
  }

  # Log delivery cannot be limited to a resource (Step Functions guide, "Logging using CloudWatch Logs").
  statement {
    sid = "DeliverLogs"
    actions = [
      "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
      "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
    ]
    resources = ["*"]
  }

  # X-Ray's actions cannot be limited to a resource either.
  dynamic "statement" {
    for_each = var.tracing_enabled ? [true] : []

    content {
      sid = "WriteTraces"
      actions = [
        "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
      ]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "maintenance" {
  name   = "maintenance"
  role   = aws_iam_role.maintenance.id
  policy = data.aws_iam_policy_document.maintenance.json
}

resource "aws_scheduler_schedule" "maintenance" {
  name                = "${local.maintenance_name}-schedule"
  description         = "Starts maintenance."
  state               = var.schedule_enabled ? "ENABLED" : "DISABLED"
  schedule_expression = var.maintenance_schedule

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.maintenance.arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode({ started_by = "schedule" })

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 5
    }
  }

  depends_on = [var.ready, aws_iam_role_policy.schedule]
}
