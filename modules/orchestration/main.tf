locals {
  cycle_name        = "${var.name_prefix}-cycle"
  state_machine_arn = "arn:${var.account.partition}:states:${var.account.region}:${var.account.id}:stateMachine:${local.cycle_name}"
}

resource "aws_cloudwatch_log_group" "cycle" {
  # Log delivery to groups below /aws/vendedlogs/ does not use up the size limit of the region's resource policy.
  name              = "/aws/vendedlogs/states/${local.cycle_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_sfn_state_machine" "cycle" {
  name       = local.cycle_name
  role_arn   = aws_iam_role.cycle.arn
  definition = jsonencode(local.definition)

  logging_configuration {
    level                  = "ALL"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.cycle.arn}:*"
  }

  tracing_configuration {
    enabled = var.tracing_enabled
  }

  depends_on = [aws_iam_role_policy.cycle]
}

resource "aws_scheduler_schedule" "cycle" {
  name                = "${local.cycle_name}-schedule"
  description         = "Starts the cycle."
  state               = var.schedule_enabled ? "ENABLED" : "DISABLED"
  schedule_expression = var.schedule_expression

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.cycle.arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode({ started_by = "schedule" })

    # A start that could not be delivered within five minutes is dropped, because the next one does its work.
    retry_policy {
      maximum_event_age_in_seconds = 300
      maximum_retry_attempts       = 5
    }
  }

  # A schedule by rate starts a cycle as soon as it is made. Without RAW, or without the right to start one, that would be an alarm.
  depends_on = [var.ready, aws_iam_role_policy.schedule]
}
