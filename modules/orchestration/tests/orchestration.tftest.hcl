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
  jobs                  = { standardized = "lean-ops-standardized", curated = "lean-ops-curated" }
  job_timeout_seconds   = 3720
  cycle_timeout_seconds = 9240
  watched = {
    ingest_queue                = "lean-ops-ingest"
    dlq                         = "lean-ops-dlq"
    failed_schema_uploads_queue = "lean-ops-failed-schema-uploads"
    failed_stream_errors_queue  = "lean-ops-failed-stream-errors"
    stream_error_rule           = "lean-ops-stream-errors"
    functions                   = { dlq-archiver = "lean-ops-dlq-archiver" }
    stream                      = "lean-ops-events"
  }
}

run "goes_from_every_state_to_one_that_exists" {
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
}

run "releases_the_lease_after_any_failure" {
  command = plan

  assert {
    condition     = alltrue([for name in ["Standardized", "Curated"] : reverse(local.definition.States[name].Catch)[0].ErrorEquals == ["States.ALL"] && reverse(local.definition.States[name].Catch)[0].Next == "ReleaseLeaseAfterFailure"])
    error_message = "A job that ends in whatever way ends in the release of the lease."
  }

  assert {
    condition     = local.definition.States.Standardized.Catch[0] == { ErrorEquals = ["States.TaskFailed"], ResultPath = "$.error", Next = "AnyTopicEnabled" }
    error_message = "Curated does not wait for a topic that failed in Standardized."
  }

  assert {
    condition     = alltrue([for next in [local.definition.States.AnyTopicEnabled.Default, local.definition.States.Curated.Next] : next == "AnyFailure"]) && local.definition.States.AnyFailure.Choices[0] == { Variable = "$.error", IsPresent = true, Next = "ReleaseLeaseAfterFailure" }
    error_message = "A cycle in which a topic failed fails in the end."
  }

  assert {
    condition     = local.definition.States.Plan.Catch[0].Next == "NoPlan" && local.definition.States.NoPlan.Next == "ReleaseLeaseAfterFailure"
    error_message = "So does a plan that failed, which may have taken the lease."
  }

  assert {
    condition     = local.definition.States.AnotherCycleRuns.Type == "Succeed"
    error_message = "A lease that another cycle holds is not released."
  }
}

run "names_every_right_of_the_state_machine" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.cycle.statement : statement.sid if contains(statement.resources, "*")] == ["DeliverLogs"]
    error_message = "Only log delivery, which knows no resource, may stand on *."
  }
}

run "keeps_the_schedule_off_when_told_to" {
  command = apply

  variables {
    schedule_enabled = false
  }

  assert {
    condition     = aws_scheduler_schedule.cycle.state == "DISABLED" && length(aws_cloudwatch_metric_alarm.cycle_missing) == 0
    error_message = "A schedule that is off starts nothing, and nobody is told that nothing ran."
  }
}

run "tells_someone" {
  command = apply

  variables {
    alarm_actions = ["arn:aws:sns:eu-central-1:123456789012:on-call"]
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:on-call"])])
    error_message = "Every alarm goes to the given topic."
  }

  assert {
    condition     = output.dashboard_url == "https://console.aws.amazon.com/cloudwatch/home?region=eu-central-1#dashboards/dashboard/lean-ops"
    error_message = "The dashboard's address opens it."
  }
}

run "has_a_runbook_for_every_alarm" {
  command = plan

  assert {
    condition     = alltrue([for page in concat(values(local.runbooks), ["cycle-missing"]) : fileexists("../../docs/runbooks/${page}.md")])
    error_message = "An alarm names a runbook that is not there."
  }
}

run "refuses_name_prefix_with_capitals" {
  command = plan

  variables {
    name_prefix = "Lean"
  }

  expect_failures = [var.name_prefix]
}

run "refuses_account_id_with_hyphens" {
  command = plan

  variables {
    account = { id = "1234-5678-9012", partition = "aws", region = "eu-central-1" }
  }

  expect_failures = [var.account]
}

run "refuses_planner_name_for_its_arn" {
  command = plan

  variables {
    planner_arn = "lean-ops-cycle-planner"
  }

  expect_failures = [var.planner_arn]
}

run "refuses_job_timeout_of_a_minute" {
  command = plan

  variables {
    job_timeout_seconds = 60
  }

  expect_failures = [var.job_timeout_seconds]
}

run "refuses_cycle_shorter_than_its_jobs" {
  command = plan

  variables {
    cycle_timeout_seconds = 7440
  }

  expect_failures = [var.cycle_timeout_seconds]
}

run "refuses_schedule_that_is_none" {
  command = plan

  variables {
    schedule_expression = "every 15 minutes"
  }

  expect_failures = [var.schedule_expression]
}

run "refuses_retention_that_cloudwatch_does_not_know" {
  command = plan

  variables {
    log_retention_days = 8
  }

  expect_failures = [var.log_retention_days]
}

run "refuses_watching_without_the_archiver" {
  command = plan

  variables {
    watched = {
      ingest_queue                = "q"
      dlq                         = "d"
      failed_schema_uploads_queue = "f"
      failed_stream_errors_queue  = "e"
      stream_error_rule           = "r"
      functions                   = {}
      stream                      = "s"
    }
  }

  expect_failures = [var.watched]
}

run "refuses_topic_name_for_its_arn" {
  command = plan

  variables {
    alarm_actions = ["on-call"]
  }

  expect_failures = [var.alarm_actions]
}

run "refuses_age_below_what_sqs_reports" {
  command = plan

  variables {
    ingest_age_alarm_seconds = 30
  }

  expect_failures = [var.ingest_age_alarm_seconds]
}
