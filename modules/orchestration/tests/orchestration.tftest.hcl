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
  operation_steps_arn   = "arn:aws:lambda:eu-central-1:123456789012:function:lean-ops-operation-steps"
  schema_validator_arn  = "arn:aws:lambda:eu-central-1:123456789012:function:lean-ops-schema-validator"
  operation_job         = "lean-ops-operation"
  ready                 = true
  jobs                  = { standardized = "lean-ops-standardized", curated = "lean-ops-curated" }
  maintenance_job       = "lean-ops-maintenance"
  maintenance_schedule  = "cron(40 3 * * ? *)"
  job_timeout_seconds   = 3720
  cycle_timeout_seconds = 9240

  maintenance_lease_seconds = 5820
  operation_timeout_seconds = 18480

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
    functions                      = { dlq-archiver = "lean-ops-dlq-archiver", table-provisioner = "lean-ops-table-provisioner", cycle-planner = "lean-ops-cycle-planner", schema-validator = "lean-ops-schema-validator" }
    stream                         = "lean-ops-events"
  }
}

run "takes_operations_to_their_end" {
  command = plan

  assert {
    condition = alltrue([
      for name, step in { Begin = "Begin", Drained = "Drained", Run = "Run", Finish = "Finish", TellReaders = "TellReaders", Cancel = "Cancel", NoteRefusal = "NoteRefusal" } :
      reverse(local.operation_definition.States[name].Catch)[0] == { ErrorEquals = ["States.ALL"], ResultPath = "$.failures.${step}", Next = "ExplainFailure" } &&
      strcontains(local.operation_definition.States.ExplainFailure.Output, "\"${step}\"")
    ])
    error_message = "Whatever step fails, the operation says which one, and why."
  }

  assert {
    condition     = local.operation_definition.States.ExplainFailure.Next == "NoteFailure" && local.operation_definition.States.NoteFailure.Catch[0].Next == "OperationFailed"
    error_message = "A failure is noted in the operation, and that it cannot be noted hides no failure."
  }

  assert {
    condition = (
      alltrue([for name in ["HasBegun", "IsDrained", "HasEnded", "HasCancelled"] : local.operation_definition.States[name].Choices[0].Next == "NoteRefusal"]) &&
      local.operation_definition.States.Finish.Next == "HasEnded" && local.operation_definition.States.Cancel.Next == "HasCancelled" &&
      local.operation_definition.States.NoteRefusal.Next == "Refused" && local.operation_definition.States.Refused.Type == "Succeed"
    )
    error_message = "A refusal is an answer to the operator, and wakes nobody up."
  }

  assert {
    condition = (
      local.operation_definition.States.Run.Next == "IsToActivate" && local.operation_definition.States.IsToActivate.Default == "Finish" &&
      local.operation_definition.States.Run.ResultPath == null && local.operation_definition.States.Activate.Next == "Finish"
    )
    error_message = "A schema becomes active after its table was swapped in, and before its topic is given back."
  }

  assert {
    condition     = can(regex("^\\{% .+ %\\}$", local.operation_definition.States.ExplainFailure.Output))
    error_message = "An expression in JSONata is one line, or linters of state machines do not take it for one."
  }

  assert {
    condition = toset(flatten([for statement in data.aws_iam_policy_document.operation.statement : tolist(statement.resources)])) == toset([
      "arn:aws:lambda:eu-central-1:123456789012:function:lean-ops-operation-steps",
      "arn:aws:lambda:eu-central-1:123456789012:function:lean-ops-schema-validator",
      "arn:aws:glue:eu-central-1:123456789012:job/lean-ops-operation",
      "arn:aws:events:eu-central-1:123456789012:event-bus/default",
    ])
    error_message = "The machine of operations runs its function, its job and the validator that makes a schema active, tells readers, and does nothing else."
  }

  assert {
    condition = (
      alltrue([for name in ["operation-failed", "operation-timed-out", "operation-aborted"] : endswith(aws_cloudwatch_metric_alarm.this[name].dimensions.StateMachineArn, ":lean-ops-operation")]) &&
      aws_cloudwatch_metric_alarm.this["topic-held"].metric_name == "HoldsOverdue" && aws_cloudwatch_metric_alarm.this["topic-held"].treat_missing_data == "ignore" &&
      aws_cloudwatch_metric_alarm.this["operation-stalled"].metric_name == "OperationsStalled" && aws_cloudwatch_metric_alarm.this["operation-stalled"].treat_missing_data == "ignore"
    )
    error_message = "Somebody is told of an operation that ended in whatever way but well, for as long as it has its topic, and of a hold past its end."
  }

  assert {
    condition = (
      local.operation_definition.States.Run.Retry[0].ErrorEquals == ["Glue.ConcurrentRunsExceededException", "Glue.ResourceNumberLimitExceededException"] &&
      local.operation_definition.States.Run.Retry[0].BackoffRate == 1 && local.operation_definition.States.Run.Retry[0].JitterStrategy == "FULL" &&
      # Waits are half an interval on average.
      local.operation_definition.States.Run.Retry[0].MaxAttempts * local.operation_definition.States.Run.Retry[0].IntervalSeconds / 2 > local.operation_definition.TimeoutSeconds
    )
    error_message = "An operation waits for a run of the job until its time is over, however many want one."
  }
}

run "takes_the_lease_for_maintenance_and_gives_it_back" {
  command = plan

  assert {
    condition = alltrue([
      for name in ["Reserve", "PipelineBusy", "Maintain"] :
      local.maintenance_definition.States[name].Catch == [{ ErrorEquals = ["States.ALL"], ResultPath = "$.error", Next = "ReleaseLeaseAfterFailure" }]
    ])
    error_message = "Whatever fails, the lease is given back, which the planner may have taken although no answer came."
  }

  assert {
    condition = (
      local.maintenance_definition.States.ReleaseLease.Parameters.Payload.outcome == "SUCCEEDED" &&
      local.maintenance_definition.States.ReleaseLeaseAfterFailure.Parameters.Payload.outcome == "FAILED"
    )
    error_message = "Only what succeeded counts as maintenance done."
  }

  assert {
    condition = (
      local.maintenance_definition.States.IsOverdue.Choices[0] == { Variable = "$.put_off.overdue", BooleanEquals = true, Next = "MaintenanceOverdue" } &&
      local.maintenance_definition.States[local.maintenance_definition.States.IsOverdue.Default].Type == "Succeed"
    )
    error_message = "A cycle that took long wakes nobody up, and maintenance that is left out for days does."
  }

  assert {
    condition     = local.maintenance_definition.TimeoutSeconds == 1800 + 5820
    error_message = "The execution has time for its waits and for its lease."
  }

  assert {
    condition     = alltrue([for name in ["maintenance-failed", "maintenance-timed-out", "maintenance-aborted"] : endswith(aws_cloudwatch_metric_alarm.this[name].dimensions.StateMachineArn, ":lean-ops-maintenance")])
    error_message = "Somebody is told of maintenance that ended in whatever way but well: its lease keeps cycles until it runs out."
  }
}

run "runs_the_cycle_and_tells_someone_when_it_fails" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for definition in [jsondecode(jsonencode(local.definition)), jsondecode(jsonencode(local.operation_definition)), jsondecode(jsonencode(local.maintenance_definition))] : [
        for state in values(definition.States) : [
          for next in concat(
            [try(state.Next, null), try(state.Default, null)],
            [for choice in try(state.Choices, []) : choice.Next],
            [for catch in try(state.Catch, []) : catch.Next],
          ) : next == null ? true : contains(keys(definition.States), next)
        ]
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
    condition     = contains(local.definition.States.AnythingToDo.Choices, { Variable = "$.plan.reason", StringEquals = "YIELDED", Next = "MaintenanceIsDue" }) && local.definition.States.MaintenanceIsDue.Type == "Succeed"
    error_message = "A cycle that yields to maintenance has no lease to release, and ends well."
  }

  assert {
    condition = flatten([
      for document in [data.aws_iam_policy_document.cycle, data.aws_iam_policy_document.operation, data.aws_iam_policy_document.executions] :
      [for statement in document.statement : statement.sid if contains(statement.resources, "*")]
    ]) == ["DeliverLogs"]
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
    condition = [
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [for metric in widget.properties.metrics : metric[1]]
      if startswith(widget.properties.title, "Errors: ")
    ] == [["OpenErrorsOfDay", "OpenErrorsOfWeek", "OpenErrorsOlder", "ErrorsRegressed"]]
    error_message = "The dashboard shows how old open errors are, and what came again."
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

run "refuses_a_lease_that_maintenance_outlives_and_too_little_time_for_an_operation" {
  command = plan

  variables {
    maintenance_lease_seconds = 3720
    operation_timeout_seconds = 9240
  }

  expect_failures = [var.maintenance_lease_seconds, var.operation_timeout_seconds]
}

run "refuses_cycle_shorter_than_its_jobs" {
  command = plan

  variables {
    cycle_timeout_seconds = 7440
  }

  expect_failures = [var.cycle_timeout_seconds]
}
