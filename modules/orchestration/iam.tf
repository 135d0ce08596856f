data "aws_iam_policy_document" "assume" {
  for_each = { cycle = "states.amazonaws.com", maintenance = "states.amazonaws.com", schedule = "scheduler.amazonaws.com" }

  statement {
    sid     = "ServiceActsForThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.value]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account.id]
    }
  }
}

resource "aws_iam_role" "cycle" {
  name               = "${var.name_prefix}-cycle"
  description        = "State machine ${var.name_prefix}-cycle."
  assume_role_policy = data.aws_iam_policy_document.assume["cycle"].json
}

# What a state machine needs for itself, whatever it does.
data "aws_iam_policy_document" "executions" {
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

data "aws_iam_policy_document" "cycle" {
  source_policy_documents = [data.aws_iam_policy_document.executions.json]

  statement {
    sid       = "PlanAndFinish"
    actions   = ["lambda:InvokeFunction"]
    resources = [var.planner_arn]
  }

  # Step Functions polls a run that it started with .sync, so no right on an event rule is needed.
  statement {
    sid     = "RunJobs"
    actions = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
    resources = [
      for job in values(var.jobs) : "arn:${var.account.partition}:glue:${var.account.region}:${var.account.id}:job/${job}"
    ]
  }
}

resource "aws_iam_role_policy" "cycle" {
  name   = "cycle"
  role   = aws_iam_role.cycle.id
  policy = data.aws_iam_policy_document.cycle.json
}

resource "aws_iam_role" "schedule" {
  name               = "${var.name_prefix}-schedule"
  description        = "Schedule ${var.name_prefix}-cycle-schedule."
  assume_role_policy = data.aws_iam_policy_document.assume["schedule"].json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartCycleAndMaintenance"
    actions   = ["states:StartExecution"]
    resources = [local.state_machine_arn, local.maintenance_arn]
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "schedule"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}
