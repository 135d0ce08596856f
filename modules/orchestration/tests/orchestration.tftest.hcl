mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:lean-ops-cycle" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:mock" }
  }
}

variables {
  name_prefix           = "lean-ops"
  account               = { id = "123456789012", partition = "aws", region = "eu-central-1" }
  planner_arn           = "arn:aws:lambda:eu-central-1:123456789012:function:lean-ops-cycle-planner"
  ready                 = true
  jobs                  = { standardized = "lean-ops-standardized", curated = "lean-ops-curated" }
  maintenance_job       = "lean-ops-maintenance"
  maintenance_schedule  = "cron(40 3 * * ? *)"
  job_timeout_seconds   = 3720
  cycle_timeout_seconds = 9240

  schedule_enabled         = true
  schedule_expression      = "rate(15 minutes)"
  log_retention_days       = 30
  tracing_enabled          = false
  alarm_actions            = ["arn:aws:sns:eu-central-1:123456789012:on-call"]
  ingest_age_alarm_seconds = 900

  watched = {
    ingest_queue                   = "lean-ops-ingest"
    dlq                            = "lean-ops-dlq"
    failed_schema_uploads_queue    = "lean-ops-failed-schema-uploads"
    unsettled_schema_uploads_queue = "lean-ops-unsettled-schema-uploads"
    failed_stream_errors_queue     = "lean-ops-failed-stream-errors"
    stream_error_rule              = "lean-ops-stream-errors"
    functions                      = { dlq-archiver = "lean-ops-dlq-archiver", table-provisioner = "lean-ops-table-provisioner", cycle-planner = "lean-ops-cycle-planner" }
    stream                         = "lean-ops-events"
  }
}

run "runs_the_cycle_and_tells_someone_when_it_fails" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for state in values(local.definition.States) : [
        for next in concat(
          [try(state.Next, null), try(state.Default, null)],
          [for choice in try(state.Choices, []) : choice.Next],
          [for catch in try(state.Catch, []) : catch.Next],
        ) : next == null ? true : contains(keys(local.definition.States), next)
      ]
    ]))
    error_message = "A state names a next one that is not there."
  }

  assert {
    condition     = alltrue([for name in ["Standardized", "Curated"] : reverse(local.definition.States[name].Catch)[0].ErrorEquals == ["States.ALL"] && reverse(local.definition.States[name].Catch)[0].Next == "ExplainFailure"]) && local.definition.States.WhichStepFailed.Default == "ReleaseLeaseAfterFailure"
    error_message = "A job that ends in whatever way ends in the release of the lease."
  }

  assert {
    condition     = local.definition.States.Standardized.Catch[0] == { ErrorEquals = ["States.TaskFailed"], ResultPath = "$.failures.Standardized", Next = "AnyTopicEnabled" }
    error_message = "Curated does not wait for a topic that failed in Standardized."
  }

  assert {
    condition     = alltrue([for next in [local.definition.States.AnyTopicEnabled.Default, local.definition.States.Curated.Next] : next == "AnyFailure"]) && local.definition.States.AnyFailure.Choices[0] == { Variable = "$.failures", IsPresent = true, Next = "ExplainFailure" }
    error_message = "A cycle in which a topic failed fails in the end."
  }

  assert {
    condition = alltrue(flatten([
      for name in ["Standardized", "Curated"] : [
        # Every error in the model of StartJobRun that passes by itself, and what comes without a name there.
        for error in ["AWSGlueException", "ThrottlingException", "SdkClientException", "InternalServiceException", "OperationTimeoutException", "ResourceNumberLimitExceededException", "ConcurrentRunsExceededException"] :
        contains(flatten(local.definition.States[name].Retry[*].ErrorEquals), "Glue.${error}")
      ]
    ]))
    error_message = "A start that Glue refuses for now is tried again; throttling comes as Glue.AWSGlueException."
  }

  assert {
    condition     = alltrue(flatten([for name in ["Standardized", "Curated"] : [for rule in local.definition.States[name].Retry : rule.MaxAttempts <= 8 && alltrue([for error in rule.ErrorEquals : startswith(error, "Glue.")])]]))
    error_message = "Glue.AWSGlueException may be permanent, so tries end; and a job that ran and failed is not run again."
  }

  assert {
    condition     = alltrue([for name in ["Plan", "ReleaseLease", "ReleaseLeaseAfterFailure"] : reverse(local.definition.States[name].Retry)[0].ErrorEquals == ["States.TaskFailed"]])
    error_message = "What the planner throws has the name of the planner's error, such as AccessDeniedException in a role's first minute."
  }

  assert {
    condition     = local.definition.States.Plan.Catch[0].Next == "NoPlan" && local.definition.States.NoPlan.Next == "ExplainFailure"
    error_message = "So does a plan that failed, which may have taken the lease."
  }

  assert {
    condition     = can(regex("^\\{% .+ %\\}$", local.definition.States.ExplainFailure.Output))
    error_message = "An expression in JSONata is one line, or linters of state machines do not take it for one."
  }

  assert {
    condition     = local.definition.States.AnotherCycleRuns.Type == "Succeed"
    error_message = "A lease that another cycle holds is not released."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.cycle.statement : statement.sid if contains(statement.resources, "*")] == ["DeliverLogs"]
    error_message = "Only log delivery, which knows no resource, may stand on *."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:on-call"])])
    error_message = "Every alarm goes to the given topic."
  }

  assert {
    condition     = output.dashboard_url == "https://console.aws.amazon.com/cloudwatch/home?region=eu-central-1#dashboards/dashboard/lean-ops"
    error_message = "The dashboard's address opens it."
  }

  assert {
    condition     = alltrue([for page in concat(values(local.runbooks), ["cycle-missing"]) : fileexists("../../docs/runbooks/${page}.md")])
    error_message = "An alarm names a runbook that is not there."
  }

  assert {
    condition = alltrue([
      for name in ["table-versions", "table-versions-total"] :
      aws_cloudwatch_metric_alarm.this[name].dimensions == tomap({ service = "table-provisioner", function_name = "lean-ops-table-provisioner" }) &&
      aws_cloudwatch_metric_alarm.this[name].period == 86400 && aws_cloudwatch_metric_alarm.this[name].treat_missing_data == "ignore"
    ])
    error_message = "The alarms on table versions look at what this deployment's function writes once a day."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["topics-late"].metric_name == "TopicsLate" &&
      aws_cloudwatch_metric_alarm.this["topics-late"].dimensions == tomap({ service = "cycle-planner", function_name = "lean-ops-cycle-planner" }) &&
      aws_cloudwatch_metric_alarm.this["topics-late"].threshold == 0 && aws_cloudwatch_metric_alarm.this["topics-late"].treat_missing_data == "ignore"
    )
    error_message = "One alarm on all late topics, which stays as it is until the next cycle is planned."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["raw-metadata"].metric_name == "RawMetadataBytes" &&
      aws_cloudwatch_metric_alarm.this["raw-metadata"].dimensions == tomap({ service = "cycle-planner", function_name = "lean-ops-cycle-planner" }) &&
      aws_cloudwatch_metric_alarm.this["raw-metadata"].threshold == 33554432 && aws_cloudwatch_metric_alarm.this["raw-metadata"].treat_missing_data == "ignore"
    )
    error_message = "The alarm on RAW's metadata goes off long before the planner refuses to read it."
  }

  assert {
    condition = (
      local.cycle_missing.WarmUpConfiguration.OnlyStartEvaluatingAfterWarmUpPeriodEnds &&
      local.cycle_missing.WarmUpConfiguration.WarmUpPeriodDurationInMinutes * 60 >= local.cycle_missing.Period * local.cycle_missing.EvaluationPeriods &&
      local.cycle_missing.TreatMissingData == "breaching"
    )
    error_message = "A new deployment has as long for its first cycle as the alarm looks back, and a later one is missed when nothing is reported."
  }
}

# An upgrade deletes the alarm that the provider made, lean-ops-cycle-missing, and makes this one at the same time.
run "makes_the_alarm_on_missing_cycles_under_a_name_of_its_own" {
  command = plan

  assert {
    condition = (
      local.cycle_missing.AlarmName == "lean-ops-cycle-missing-2h" &&
      contains(output.alarm_names, "lean-ops-cycle-missing-2h") &&
      !contains(output.alarm_names, "lean-ops-cycle-missing")
    )
    error_message = "The stack cannot make an alarm whose name is taken, and the deletion of the old one must not meet the new one."
  }
}

run "keeps_the_schedule_off_when_told_to" {
  command = plan

  variables {
    schedule_enabled = false
    alarm_actions    = []
  }

  assert {
    condition     = aws_scheduler_schedule.cycle.state == "DISABLED" && length(aws_cloudformation_stack.cycle_missing) == 0
    error_message = "A schedule that is off starts nothing, and nobody is told that nothing ran."
  }
}

run "refuses_names_for_arns_and_watching_without_the_archiver" {
  command = plan

  variables {
    planner_arn         = "lean-ops-cycle-planner"
    job_timeout_seconds = 60
    alarm_actions       = ["on-call"]
    watched = {
      ingest_queue                   = "q"
      dlq                            = "d"
      failed_schema_uploads_queue    = "f"
      unsettled_schema_uploads_queue = "u"
      failed_stream_errors_queue     = "e"
      stream_error_rule              = "r"
      functions                      = {}
      stream                         = "s"
    }
  }

  expect_failures = [
    var.planner_arn,
    var.job_timeout_seconds,
    var.watched,
    var.alarm_actions,
  ]
}

run "refuses_cycle_shorter_than_its_jobs" {
  command = plan

  variables {
    cycle_timeout_seconds = 7440
  }

  expect_failures = [var.cycle_timeout_seconds]
}
