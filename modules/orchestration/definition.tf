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

  on_failure = [{
    ErrorEquals = ["States.ALL"]
    ResultPath  = "$.error"
    Next        = "ReleaseLeaseAfterFailure"
  }]

  job_state = {
    Type           = "Task"
    Resource       = "arn:${var.account.partition}:states:::glue:startJobRun.sync"
    TimeoutSeconds = var.job_timeout_seconds
    ResultPath     = null
    Retry          = local.retry_glue
    Catch          = local.on_failure
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
        Catch = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.error", Next = "NoPlan" }]
      })

      NoPlan = {
        Type       = "Pass"
        Comment    = "The lease is released by its owner, the execution; there is no cycle to name."
        Parameters = { plan = { cycle_id = "" }, "error.$" = "$.error" }
        Next       = "ReleaseLeaseAfterFailure"
      }

      AnythingToDo = {
        Type = "Choice"
        Choices = [
          { Variable = "$.plan.run", BooleanEquals = true, Next = "Standardized" },
          { Variable = "$.plan.reason", StringEquals = "LEASE_HELD", Next = "AnotherCycleRuns" },
        ]
        Default = "ReleaseLease"
      }

      AnotherCycleRuns = {
        Type    = "Succeed"
        Comment = "The lease is not ours to release."
      }

      Standardized = merge(local.job_state, {
        Comment    = "Fails when a topic fails. The others are done by then, and their Curated tables do not wait for it."
        Parameters = { JobName = var.jobs.standardized, Arguments = local.job_arguments }
        Next       = "AnyTopicEnabled"
        Catch = concat(
          [{ ErrorEquals = ["States.TaskFailed"], ResultPath = "$.error", Next = "AnyTopicEnabled" }],
          local.on_failure,
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
      })

      AnyFailure = {
        Type    = "Choice"
        Choices = [{ Variable = "$.error", IsPresent = true, Next = "ReleaseLeaseAfterFailure" }]
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
        Catch      = [{ ErrorEquals = ["States.ALL"], ResultPath = "$.error", Next = "CycleFailed" }]
      })

      Done = { Type = "Succeed" }

      ReleaseLeaseAfterFailure = merge(local.planner_state, {
        Parameters = {
          FunctionName = var.planner_arn
          Payload = {
            action           = "finish"
            outcome          = "FAILED"
            "execution_id.$" = "$$.Execution.Id"
            "cycle_id.$"     = "$.plan.cycle_id"
            "error.$"        = "$.error.Error"
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
