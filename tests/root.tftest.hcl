mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:lean-ops-cycle" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:123456789012:function:mock" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:mock" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:123456789012:rule/mock" }
  }

  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        IngestUrl = "https://sqs.eu-central-1.amazonaws.com/123456789012/lean-ops-ingest"
        DlqUrl    = "https://sqs.eu-central-1.amazonaws.com/123456789012/lean-ops-dlq"
      }
    }
  }

  mock_resource "aws_lambda_invocation" {
    defaults = { result = "{\"ensured\":[]}" }
  }
}

variables {
  region           = "eu-central-1"
  dist_dir         = "tests/terraform/build"
  glue_scripts_dir = "tests/terraform"
  alarm_topic_arn  = "arn:aws:sns:eu-central-1:123456789012:on-call"
}

run "composes_with_nothing_but_defaults" {
  command = apply

  assert {
    condition     = output.lake_bucket == "lean-ops-lake-123456789012-eu-central-1" && output.schema_bucket == "lean-ops-schemas-123456789012-eu-central-1"
    error_message = "Buckets are named after prefix, purpose, account and region."
  }

  assert {
    condition     = output.databases == { raw = "lean_ops_raw", standardized = "lean_ops_standardized", curated = "lean_ops_curated", ops = "lean_ops_ops" }
    error_message = "Databases are named after the database prefix and the layer."
  }

  assert {
    condition     = local.lease_seconds > local.cycle_timeout_seconds && local.cycle_timeout_seconds > 2 * local.job_timeout_seconds && local.job_timeout_seconds > var.glue_timeout_minutes * 60 && local.maintenance_lease_seconds > local.job_timeout_seconds && local.operation_timeout_seconds > local.lease_seconds
    error_message = "Each limit outlives the one it contains."
  }

  assert {
    condition     = aws_dynamodb_table.deletion_guard.deletion_protection_enabled
    error_message = "What is deleted first cannot be deleted."
  }

  assert {
    condition = toset(keys(terraform_data.data_holder)) == toset(concat(
      [for name in ["lake", "schemas", "dlq_archive", "artifacts"] : "bucket_${name}"],
      [for name in ["schema_registry", "checkpoints", "operations", "dlq_archive", "idempotency"] : "table_${name}"],
      [for name in ["raw", "standardized", "curated", "ops"] : "database_${name}"],
      ["queues", "stream"],
    ))
    error_message = "Nothing that holds data is replaced behind the guard's back."
  }
}

# Databases, buckets and queues under other names would be new ones, and the old ones would go with what is in them.
run "refuses_to_become_another_deployment_by_its_databases" {
  command = plan

  variables {
    database_prefix = "other"
  }

  expect_failures = [terraform_data.deployment]
}

run "refuses_to_become_another_deployment_by_its_names_also_without_protection" {
  command = plan

  variables {
    name_prefix   = "other"
    force_destroy = true
  }

  expect_failures = [terraform_data.deployment]
}

run "refuses_to_become_another_deployment_by_its_region" {
  command = plan

  variables {
    region = "eu-west-1"
  }

  expect_failures = [terraform_data.deployment]
}

run "refuses_to_become_another_deployment_by_its_account" {
  command = plan

  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "210987654321" }
  }

  expect_failures = [terraform_data.deployment]
}

run "refuses_bad_values_naming_each_variable" {
  command = plan

  variables {
    name_prefix             = "a-prefix-of-more-than-twenty-two"
    database_prefix         = "lean-ops"
    region                  = "Frankfurt"
    dist_dir                = "dist/"
    glue_scripts_dir        = "scripts/glue/"
    tags                    = { "aws:owner" = "me" }
    alarm_topic_arn         = "on-call"
    ingest_batch_size       = 10001
    ingest_max_concurrency  = 1
    ingest_timeout_seconds  = 29
    max_clock_skew_seconds  = 59
    firehose_buffer_seconds = 901
    firehose_buffer_mb      = 3
    firehose_file_mb        = 129
    lambda_architecture     = "riscv"
    lambda_memory_mb        = { sqs_processor = 64 }
    lambda_environment      = { "NOT-A-NAME" = "1" }
    log_level               = "LOUD"
    log_retention_days      = 8
    glue_worker_type        = "R.1X"
    glue_number_of_workers  = 1
    glue_timeout_minutes    = 1440
    max_columns             = 4000

    propose_rewind_rejected_percent = 101

    catalog_calls_per_second = 0
    driver_java_options      = "-Xss4m -Xmx4g"
    schedule_expression      = "every 15 minutes"
    ingest_age_alarm_seconds = 30
    freshness_target_minutes = 4
    freshness_targets        = { "Telemetry Climate" = 0.5 }
    dlq_entry_days           = -1
  }

  expect_failures = [
    var.name_prefix,
    var.database_prefix,
    var.region,
    var.dist_dir,
    var.glue_scripts_dir,
    var.tags,
    var.alarm_topic_arn,
    var.ingest_batch_size,
    var.ingest_max_concurrency,
    var.ingest_timeout_seconds,
    var.max_clock_skew_seconds,
    var.firehose_buffer_seconds,
    var.firehose_buffer_mb,
    var.firehose_file_mb,
    var.lambda_architecture,
    var.lambda_memory_mb,
    var.lambda_environment,
    var.log_level,
    var.log_retention_days,
    var.glue_worker_type,
    var.glue_number_of_workers,
    var.glue_timeout_minutes,
    var.max_columns,
    var.propose_rewind_rejected_percent,
    var.catalog_calls_per_second,
    var.driver_java_options,
    var.schedule_expression,
    var.ingest_age_alarm_seconds,
    var.freshness_target_minutes,
    var.freshness_targets,
    var.dlq_entry_days,
  ]
}

run "refuses_more_targets_than_a_function_can_be_told" {
  command = plan

  variables {
    freshness_targets = { for n in range(51) : "topic-${n}" => 30 }
  }

  expect_failures = [var.freshness_targets]
}

run "tells_planner_and_command_the_same_targets" {
  command = plan

  variables {
    freshness_target_minutes = 45
    freshness_targets        = { "telemetry.climate" = 30 }
  }

  assert {
    condition     = output.freshness_targets == { default = 45, topics = tomap({ "telemetry.climate" = 30 }) }
    error_message = "lean-ops status goes by the targets that the alarm goes by."
  }
}

run "refuses_more_tags_than_a_resource_takes" {
  command = plan

  variables {
    tags = { for n in range(49) : "tag-${n}" => "x" }
  }

  expect_failures = [var.tags]
}

# Terraform does not evaluate a validation that refers to a variable which is refused itself. The batch window's refers to the
# batch size, the visibility timeout's to both, and the receives' to the visibility timeout, so these are refused in plans of their own.
run "refuses_window_over_the_limit" {
  command = plan

  variables {
    name_prefix                 = "Lean"
    ingest_batch_window_seconds = 301
  }

  expect_failures = [var.name_prefix, var.ingest_batch_window_seconds]
}

run "refuses_visibility_below_six_timeouts_and_the_batch_window" {
  command = plan

  variables {
    ingest_timeout_seconds      = 60
    ingest_batch_window_seconds = 30
    visibility_timeout_seconds  = 389
  }

  expect_failures = [var.visibility_timeout_seconds]
}

run "takes_visibility_of_six_timeouts_and_the_batch_window" {
  command = plan

  variables {
    ingest_timeout_seconds      = 60
    ingest_batch_window_seconds = 30
    visibility_timeout_seconds  = 390
  }
}

run "refuses_receives_that_end_before_three_days" {
  command = plan

  variables {
    max_receive_count          = 600
    visibility_timeout_seconds = 420
  }

  expect_failures = [var.max_receive_count]
}

run "refuses_receives_that_end_after_the_queue_forgets" {
  command = plan

  variables {
    ingest_timeout_seconds     = 300
    visibility_timeout_seconds = 1805
    max_receive_count          = 1000
  }

  expect_failures = [var.max_receive_count]
}

run "takes_receives_of_thirteen_days" {
  command = plan

  variables {
    ingest_timeout_seconds     = 300
    visibility_timeout_seconds = 1805
    max_receive_count          = 622
  }
}

run "says_in_the_plan_when_alarms_tell_nobody" {
  command = plan

  variables {
    alarm_topic_arn = ""
  }

  expect_failures = [check.alarms_tell_somebody]
}

run "refuses_big_batch_without_window" {
  command = plan

  variables {
    ingest_batch_window_seconds = 0
  }

  expect_failures = [var.ingest_batch_window_seconds]
}

run "refuses_a_region_of_another_partition_without_iceberg" {
  command = plan

  variables {
    region = "cn-north-1"
  }

  expect_failures = [var.region]
}

run "refuses_a_region_of_this_partition_without_iceberg" {
  command = plan

  variables {
    region = "mx-central-1"
  }

  expect_failures = [var.region]
}

# The provider's own validation runs here, too, so each size that is accepted has a plan.
run "takes_the_second_size_of_worker" {
  command = plan

  variables {
    glue_worker_type = "G.2X"
  }

  assert {
    condition     = local.glue_worker_types == ["G.1X", "G.2X", "G.4X", "G.8X"]
    error_message = "A further size of worker needs a run here, which shows that the provider takes it."
  }
}

run "takes_the_third_size_of_worker" {
  command = plan

  variables {
    glue_worker_type = "G.4X"
  }
}

run "takes_the_fourth_size_of_worker" {
  command = plan

  variables {
    glue_worker_type = "G.8X"
  }
}
