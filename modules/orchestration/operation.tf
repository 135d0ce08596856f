# An operation on a topic, from its request to its end (docs/decisions/0039-operations-frame.md). The input is {"operation_id": "…"}, and to
# cancel one {"operation_id": "…", "action": "cancel"}. An execution that dies is replaced by another one with the same input.
locals {
  operation_name              = "${var.name_prefix}-operation"
  operation_state_machine_arn = "arn:${var.account.partition}:states:${var.account.region}:${var.account.id}:stateMachine:${local.operation_name}"

  # Many operations may want a run of the one job at once, and none of them may fail for that. So a start is tried for as long as the
  # execution has, every thirty seconds at the most, and not in step with others. An execution has 25,000 events, of which a try takes three.
  # A start that was answered by an error may have begun a run, and the next one begins another beside it: what the job does can be repeated.
  retry_operation_job = [
    merge(local.retry_glue[0], {
      BackoffRate    = 1
      MaxAttempts    = min(ceil(var.operation_timeout_seconds / 10), 5000)
      JitterStrategy = "FULL"
    }),
    local.retry_glue[1],
  ]

  operation_explanation = <<-EOT
    (
      $failures := $states.input.failures;
      $step := ["Begin", "Build", "Drained", "Run", "Activate", "Finish", "TellReaders", "Cancel", "CleanUp", "NoteRefusal"][$exists($lookup($failures, $))][0];
      $error := $lookup($failures, $step);
      ${local.words_of_error}
      {
        "operation_id": $states.input.operation_id,
        "error": { "Error": $error.Error, "Cause": $step & " failed: " & $words }
      }
    )
  EOT

  operation_step = {
    Type           = "Task"
    Resource       = "arn:${var.account.partition}:states:::lambda:invoke"
    TimeoutSeconds = 120
    Retry          = concat(local.retry_lambda, local.retry_planner)
    ResultSelector = { "answer.$" = "$.Payload" }
    ResultPath     = "$.step"
  }

  # A refusal is the step's answer, and no error of its function: it is what the operator is told, and wakes nobody up.
  operation_refused = { Variable = "$.step.answer.refused", IsPresent = true, Next = "NoteRefusal" }

  operation_catch = {
    for step in ["Begin", "Build", "Drained", "Run", "Activate", "Finish", "TellReaders", "Cancel", "CleanUp", "NoteRefusal"] : step => [{
      ErrorEquals = ["States.ALL"]
      ResultPath  = "$.failures.${step}"
      Next        = "ExplainFailure"
    }]
  }

  operation_definition = {
    Comment        = "One operation on one topic: hold it, wait until nobody writes to it any more, work on its tables, end."
    StartAt        = "BeginOrCancel"
    TimeoutSeconds = var.operation_timeout_seconds

    States = {
      BeginOrCancel = {
        Type = "Choice"
        Choices = [{
          And  = [{ Variable = "$.action", IsPresent = true }, { Variable = "$.action", StringEquals = "cancel" }]
          Next = "Cancel"
        }]
        Default = "Begin"
      }

      Begin = merge(local.operation_step, {
        Comment = "Nothing has changed when it is refused. What it did before is recognised."
        Parameters = {
          FunctionName = var.operation_steps_arn
          Payload = {
            action            = "begin"
            "operation_id.$"  = "$.operation_id"
            "execution_arn.$" = "$$.Execution.Id"
          }
        }
        Next  = "HasBegun"
        Catch = local.operation_catch.Begin
      })

      HasBegun = {
        Type = "Choice"
        Choices = [
          local.operation_refused,
          { Variable = "$.step.answer.step", StringEquals = "BUILDING", Next = "Build" },
        ]
        Default = "Drained"
      }

      Build = merge(local.job_state, {
        Comment    = "A rebuild: beside the tables that people read, while cycles go on. Then the topic is held."
        Retry      = local.retry_operation_job
        Parameters = { JobName = var.operation_job, Arguments = { "--operation_id.$" = "$.operation_id" } }
        Next       = "Begin"
        Catch      = local.operation_catch.Build
      })

      Drained = merge(local.operation_step, {
        Comment    = "Whether the cycle and the DDL are over that began before the topic was held."
        Parameters = { FunctionName = var.operation_steps_arn, Payload = { action = "drained", "operation_id.$" = "$.operation_id" } }
        Next       = "IsDrained"
        Catch      = local.operation_catch.Drained
      })

      IsDrained = {
        Type    = "Choice"
        Choices = [local.operation_refused, { Variable = "$.step.answer.drained", BooleanEquals = true, Next = "Run" }]
        Default = "AwaitWriters"
      }

      AwaitWriters = {
        Type        = "Wait"
        SecondsPath = "$.step.answer.wait_seconds"
        Next        = "Drained"
      }

      Run = merge(local.job_state, {
        Retry      = local.retry_operation_job
        Parameters = { JobName = var.operation_job, Arguments = { "--operation_id.$" = "$.operation_id" } }
        Next       = "IsToActivate"
        Catch      = local.operation_catch.Run
      })

      # The answer of Drained, which Run leaves as it was.
      IsToActivate = {
        Type    = "Choice"
        Choices = [{ Variable = "$.step.answer.activates", BooleanEquals = true, Next = "Activate" }]
        Default = "Finish"
      }

      Activate = merge(local.operation_step, {
        Comment        = "A rebuild under another schema, or the undo of one: that schema becomes active before the topic is given back."
        TimeoutSeconds = 360
        Parameters     = { FunctionName = var.schema_validator_arn, Payload = { action = "activate", "operation_id.$" = "$.operation_id" } }
        Next           = "Finish"
        Catch          = local.operation_catch.Activate
      })

      Finish = merge(local.operation_step, {
        Parameters = {
          FunctionName = var.operation_steps_arn
          Payload      = { action = "finish", outcome = "SUCCEEDED", "operation_id.$" = "$.operation_id" }
        }
        Next  = "HasEnded"
        Catch = local.operation_catch.Finish
      })

      Cancel = merge(local.operation_step, {
        Parameters = { FunctionName = var.operation_steps_arn, Payload = { action = "cancel", "operation_id.$" = "$.operation_id" } }
        Next       = "HasCancelled"
        Catch      = local.operation_catch.Cancel
      })

      HasCancelled = {
        Type = "Choice"
        Choices = [
          local.operation_refused,
          { Variable = "$.step.answer.kind", StringEquals = "rebuild", Next = "CleanUp" },
          { Variable = "$.step.answer.kind", StringEquals = "replay", Next = "CleanUp" },
        ]
        Default = "Done"
      }

      CleanUp = merge(local.job_state, {
        Comment    = "What a cancelled rebuild has built is removed, and what a cancelled replay has done goes on record."
        Retry      = local.retry_operation_job
        Parameters = { JobName = var.operation_job, Arguments = { "--operation_id.$" = "$.operation_id" } }
        Next       = "Done"
        Catch      = local.operation_catch.CleanUp
      })

      HasEnded = {
        Type = "Choice"
        Choices = [
          local.operation_refused,
          { Variable = "$.step.answer.change", IsPresent = true, Next = "TellReaders" },
        ]
        Default = "Done"
      }

      TellReaders = {
        Type           = "Task"
        Comment        = "Whoever reads the topic's tables learns that an operation has changed them. A repeated execution says it again."
        Resource       = "arn:${var.account.partition}:states:::events:putEvents"
        TimeoutSeconds = 120
        Parameters = {
          Entries = [{ Source = "lean-ops", DetailType = "Topic tables changed", "Detail.$" = "$.step.answer.change" }]
        }
        ResultPath = "$.told"
        Retry      = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 2, BackoffRate = 2, MaxAttempts = 6, JitterStrategy = "FULL" }]
        Next       = "Done"
        Catch      = local.operation_catch.TellReaders
      }

      Done = { Type = "Succeed" }

      NoteRefusal = merge(local.operation_step, {
        Comment = "An operation that never began gives its topic back. One that others have ended or taken up stays as it is."
        Parameters = {
          FunctionName = var.operation_steps_arn
          Payload = {
            action            = "finish"
            outcome           = "REFUSED"
            "operation_id.$"  = "$.operation_id"
            "execution_arn.$" = "$$.Execution.Id"
            "error.$"         = "$.step.answer.message"
          }
        }
        Next  = "Refused"
        Catch = local.operation_catch.NoteRefusal
      })

      Refused = { Type = "Succeed" }

      ExplainFailure = {
        Type          = "Pass"
        QueryLanguage = "JSONata"
        Comment       = "The operation's error names the step that failed and says why."
        Output        = "{% ${join(" ", [for line in split("\n", trimspace(local.operation_explanation)) : trimspace(line)])} %}"
        Next          = "NoteFailure"
      }

      NoteFailure = merge(local.operation_step, {
        Parameters = {
          FunctionName = var.operation_steps_arn
          Payload = {
            action            = "finish"
            outcome           = "FAILED"
            "operation_id.$"  = "$.operation_id"
            "execution_arn.$" = "$$.Execution.Id"
            "error.$"         = "$.error.Cause"
          }
        }
        ResultPath = null
        Next       = "OperationFailed"
        # The execution reports its first error. The operation stays RUNNING then, and lean-ops sees that nobody works on it.
        Catch = [{ ErrorEquals = ["States.ALL"], ResultPath = null, Next = "OperationFailed" }]
      })

      OperationFailed = {
        Type      = "Fail"
        ErrorPath = "$.error.Error"
        CausePath = "$.error.Cause"
      }
    }
  }
}

resource "aws_iam_role" "operation" {
  name               = local.operation_name
  description        = "State machine ${local.operation_name}."
  assume_role_policy = data.aws_iam_policy_document.assume["cycle"].json
}

data "aws_iam_policy_document" "operation" {
  source_policy_documents = [data.aws_iam_policy_document.executions.json]

  statement {
    sid       = "TakeSteps"
    actions   = ["lambda:InvokeFunction"]
    resources = [var.operation_steps_arn, var.schema_validator_arn]
  }

  statement {
    sid       = "RunJob"
    actions   = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
    resources = ["arn:${var.account.partition}:glue:${var.account.region}:${var.account.id}:job/${var.operation_job}"]
  }

  # The default bus of the account: rules of whoever reads the tables match the source.
  statement {
    sid       = "TellReaders"
    actions   = ["events:PutEvents"]
    resources = ["arn:${var.account.partition}:events:${var.account.region}:${var.account.id}:event-bus/default"]
  }
}

resource "aws_iam_role_policy" "operation" {
  name   = "operation"
  role   = aws_iam_role.operation.id
  policy = data.aws_iam_policy_document.operation.json
}

resource "aws_cloudwatch_log_group" "operation" {
  name              = "/aws/vendedlogs/states/${local.operation_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_sfn_state_machine" "operation" {
  name       = local.operation_name
  role_arn   = aws_iam_role.operation.arn
  definition = jsonencode(local.operation_definition)

  logging_configuration {
    level                  = "ALL"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.operation.arn}:*"
  }

  tracing_configuration {
    enabled = var.tracing_enabled
  }

  depends_on = [aws_iam_role_policy.operation]
}
