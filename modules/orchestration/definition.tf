locals {
  # Errors of the services between the state machine and the function. The function may have run or not, and is safe to run again.
  retry_lambda = [{
    ErrorEquals = [
      "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
      "Lambda.TooManyRequestsException", "Lambda.ClientExecutionTimeoutException", "Lambda.Unknown",
    ]
    IntervalSeconds = 2
    BackoffRate     = 2
    MaxAttempts     = 5
    JitterStrategy  = "FULL"
  }]

  # The planner's own errors come by their names: throttling, or a right of its role that AWS does not know everywhere yet in the
  # minute after it was made. It is safe to run again, and after two minutes and a half the cycle fails.
  retry_planner = [{
    ErrorEquals     = ["States.TaskFailed"]
    IntervalSeconds = 5
    BackoffRate     = 2
    MaxAttempts     = 5
  }]

  # Only a start that failed is retried. A job that ran and failed is not, because the next cycle takes up what it left.
  # A start that was answered by an error may have begun a run; the next one then finds it there, by the first rule, and waits.
  retry_glue = [{
    # A run of the job is under way, or the account's runs, capacity or addresses are used up.
    ErrorEquals     = ["Glue.ConcurrentRunsExceededException", "Glue.ResourceNumberLimitExceededException"]
    IntervalSeconds = 30
    BackoffRate     = 1.5
    MaxAttempts     = 8
    }, {
    # An error that the service's model does not name, throttling among them, comes as the model's base class. It can be a
    # permanent one too, which five tries over two minutes and a half do not hide for long.
    ErrorEquals = [
      "Glue.AWSGlueException", "Glue.ThrottlingException", "Glue.InternalServiceException", "Glue.OperationTimeoutException",
      "Glue.SdkClientException",
    ]
    IntervalSeconds = 5
    BackoffRate     = 2
    MaxAttempts     = 5
    JitterStrategy  = "FULL"
  }]

  # What failed is kept by step, so that a failure of Curated does not hide the one of Standardized that came first.
  on_failure = {
    for step in ["Standardized", "Curated"] : step => [{
      ErrorEquals = ["States.ALL"]
      ResultPath  = "$.failures.${step}"
      Next        = "ExplainFailure"
    }]
  }

  # Why a step failed, in words, from its $error. Glue and Lambda put their message into a text of JSON, several hundred characters long,
  # of which it is the only member that says why. It is looked for and not parsed, as an expression that fails would end the execution
  # with its own error. Of what Glue and Python put before the job's own words nothing is kept.
  words_of_error = <<-EOT
    $cause := $exists($error.Cause) ? $error.Cause : "";
    $quoted := $match($cause, /"[eE]rrorMessage":\s*("(?:[^\\"]|\\.)+")/, 1).groups[0];
    $state := $match($cause, /"JobRunState":\s*"([A-Z_]+)"/, 1).groups[0];
    $said := $exists($quoted) ? $parse($quoted)
      : $exists($state) ? "the Glue run ended as " & $state
      : $error.Error = "States.Timeout" ? "it ran longer than it may"
      : $cause != "" ? $cause
      : $error.Error;
    $words := $replace($said, /^(?:Error Category: [A-Z_]+; )?SystemExit: /, "");
  EOT

  # The first step that failed, and why.
  explanation = <<-EOT
    (
      $failures := $states.input.failures;
      $step := ["Plan", "Standardized", "Curated", "ReleaseLease"][$exists($lookup($failures, $))][0];
      $error := $lookup($failures, $step);
      ${local.words_of_error}
      {
        "plan": $states.input.plan,
        "step": $step,
        "error": {
          "Error": $error.Error,
          "Cause": $step & " failed: " & $words
        }
      }
    )
  EOT

  job_state = {
    Type           = "Task"
    Resource       = "arn:${var.account.partition}:states:::glue:startJobRun.sync"
    TimeoutSeconds = var.job_timeout_seconds
    ResultPath     = null
    Retry          = local.retry_glue
  }

  job_arguments = {
    "--cycle_id.$"       = "$.plan.cycle_id"
    "--to_snapshot_id.$" = "$.plan.to_snapshot_id"
  }

  planner_state = {
    Type           = "Task"
    Resource       = "arn:${var.account.partition}:states:::lambda:invoke"
    TimeoutSeconds = 120
    Retry          = concat(local.retry_lambda, local.retry_planner)
  }

  definition = {
    Comment        = "One cycle: what RAW gained since the last one goes to Standardized, then to Curated."
    StartAt        = "Plan"
    TimeoutSeconds = var.cycle_timeout_seconds

    States = {
      Plan = merge(local.planner_state, {
        Parameters = {
          FunctionName = var.planner_arn
          Payload      = { action = "plan", "execution_id.$" = "$$.Execution.Id" }
        }
        ResultSelector = { "plan.$" = "$.Payload" }
        Next           = "AnythingToDo"
        # The planner may have taken the lease even though no plan came back.
        Catch = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.failures.Plan", Next = "NoPlan" }]
      })

      NoPlan = {
        Type       = "Pass"
        Comment    = "The lease is released by its owner, the execution; there is no cycle to name."
        Parameters = { plan = { cycle_id = "" }, "failures.$" = "$.failures" }
        Next       = "ExplainFailure"
      }

      AnythingToDo = {
        Type = "Choice"
        Choices = [
          { Variable = "$.plan.run", BooleanEquals = true, Next = "Standardized" },
          { Variable = "$.plan.reason", StringEquals = "LEASE_HELD", Next = "AnotherCycleRuns" },
          { Variable = "$.plan.reason", StringEquals = "YIELDED", Next = "MaintenanceIsDue" },
        ]
        Default = "ReleaseLease"
      }

      AnotherCycleRuns = {
        Type    = "Succeed"
        Comment = "The lease is not ours to release."
      }

      MaintenanceIsDue = {
        Type    = "Succeed"
        Comment = "Maintenance waits for the lease and takes it next. The next cycle does this one's work."
      }

      Standardized = merge(local.job_state, {
        Comment    = "Fails when a topic fails. The others are done by then, and their Curated tables do not wait for it."
        Parameters = { JobName = var.jobs.standardized, Arguments = local.job_arguments }
        Next       = "AnyTopicEnabled"
        Catch = concat(
          [{ ErrorEquals = ["States.TaskFailed"], ResultPath = "$.failures.Standardized", Next = "AnyTopicEnabled" }],
          local.on_failure.Standardized,
        )
      })

      AnyTopicEnabled = {
        Type    = "Choice"
        Choices = [{ Variable = "$.plan.run_curated", BooleanEquals = true, Next = "Curated" }]
        Default = "AnyFailure"
      }

      Curated = merge(local.job_state, {
        Parameters = { JobName = var.jobs.curated, Arguments = local.job_arguments }
        Next       = "AnyFailure"
        Catch      = local.on_failure.Curated
      })

      AnyFailure = {
        Type    = "Choice"
        Choices = [{ Variable = "$.failures", IsPresent = true, Next = "ExplainFailure" }]
        Default = "ReleaseLease"
      }

      ReleaseLease = merge(local.planner_state, {
        Parameters = {
          FunctionName = var.planner_arn
          Payload = {
            action           = "finish"
            outcome          = "SUCCEEDED"
            "execution_id.$" = "$$.Execution.Id"
            "cycle_id.$"     = "$.plan.cycle_id"
          }
        }
        ResultPath = null
        Next       = "Done"
        Catch      = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.failures.ReleaseLease", Next = "ExplainFailure" }]
      })

      Done = { Type = "Succeed" }

      ExplainFailure = {
        Type          = "Pass"
        QueryLanguage = "JSONata"
        Comment       = "The cycle's error names the first step that failed and says why."
        Output        = "{% ${join(" ", [for line in split("\n", trimspace(local.explanation)) : trimspace(line)])} %}"
        Next          = "WhichStepFailed"
      }

      WhichStepFailed = {
        Type    = "Choice"
        Comment = "A lease that could not be released is not tried again: it runs out by itself."
        Choices = [{ Variable = "$.step", StringEquals = "ReleaseLease", Next = "CycleFailed" }]
        Default = "ReleaseLeaseAfterFailure"
      }

      ReleaseLeaseAfterFailure = merge(local.planner_state, {
        Parameters = {
          FunctionName = var.planner_arn
          Payload = {
            action           = "finish"
            outcome          = "FAILED"
            "execution_id.$" = "$$.Execution.Id"
            "cycle_id.$"     = "$.plan.cycle_id"
            "error.$"        = "$.error.Cause"
          }
        }
        ResultPath = null
        Next       = "CycleFailed"
        # The cycle reports its first error, not that of releasing the lease, which runs out by itself.
        Catch = [{ ErrorEquals = ["States.ALL"], ResultPath = null, Next = "CycleFailed" }]
      })

      CycleFailed = {
        Type      = "Fail"
        ErrorPath = "$.error.Error"
        CausePath = "$.error.Cause"
      }
    }
  }
}
