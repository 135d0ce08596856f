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
        IngestArn = "arn:aws:sqs:eu-central-1:123456789012:lean-ops-ingest"
        DlqUrl    = "https://sqs.eu-central-1.amazonaws.com/123456789012/lean-ops-dlq"
        DlqArn    = "arn:aws:sqs:eu-central-1:123456789012:lean-ops-dlq"
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
    condition     = local.lease_seconds > local.cycle_timeout_seconds && local.cycle_timeout_seconds > 2 * local.job_timeout_seconds && local.job_timeout_seconds > var.glue_timeout_minutes * 60
    error_message = "Each limit outlives the one it contains."
  }
}

run "refuses_name_prefix_too_long" {
  command = plan

  variables {
    name_prefix = "a-prefix-of-more-than-twenty-two"
  }

  expect_failures = [var.name_prefix]
}

run "refuses_database_prefix_with_hyphen" {
  command = plan

  variables {
    database_prefix = "lean-ops"
  }

  expect_failures = [var.database_prefix]
}

run "refuses_region_that_is_none" {
  command = plan

  variables {
    region = "Frankfurt"
  }

  expect_failures = [var.region]
}

run "refuses_dist_dir_with_slash" {
  command = plan

  variables {
    dist_dir = "dist/"
  }

  expect_failures = [var.dist_dir]
}

run "refuses_scripts_dir_with_slash" {
  command = plan

  variables {
    glue_scripts_dir = "scripts/glue/"
  }

  expect_failures = [var.glue_scripts_dir]
}

run "refuses_tags_of_amazons_own" {
  command = plan

  variables {
    tags = { "aws:owner" = "me" }
  }

  expect_failures = [var.tags]
}

run "refuses_topic_name_for_its_arn" {
  command = plan

  variables {
    alarm_topic_arn = "on-call"
  }

  expect_failures = [var.alarm_topic_arn]
}

run "refuses_batch_over_the_limit" {
  command = plan

  variables {
    ingest_batch_size = 10001
  }

  expect_failures = [var.ingest_batch_size]
}

run "refuses_window_over_the_limit" {
  command = plan

  variables {
    ingest_batch_window_seconds = 301
  }

  expect_failures = [var.ingest_batch_window_seconds]
}

run "refuses_big_batch_without_window" {
  command = plan

  variables {
    ingest_batch_window_seconds = 0
  }

  expect_failures = [var.ingest_batch_window_seconds]
}

run "refuses_concurrency_of_one" {
  command = plan

  variables {
    ingest_max_concurrency = 1
  }

  expect_failures = [var.ingest_max_concurrency]
}

run "refuses_ingest_timeout_of_a_second" {
  command = plan

  variables {
    ingest_timeout_seconds = 1
  }

  expect_failures = [var.ingest_timeout_seconds]
}

run "refuses_visibility_below_six_timeouts" {
  command = plan

  variables {
    visibility_timeout_seconds = 359
  }

  expect_failures = [var.visibility_timeout_seconds]
}

run "refuses_one_receive" {
  command = plan

  variables {
    max_receive_count = 1
  }

  expect_failures = [var.max_receive_count]
}

run "refuses_buffer_over_fifteen_minutes" {
  command = plan

  variables {
    firehose_buffer_seconds = 901
  }

  expect_failures = [var.firehose_buffer_seconds]
}

run "refuses_buffer_that_could_burst_a_response" {
  command = plan

  variables {
    firehose_buffer_mb = 3
  }

  expect_failures = [var.firehose_buffer_mb]
}

run "refuses_file_over_the_limit" {
  command = plan

  variables {
    firehose_file_mb = 129
  }

  expect_failures = [var.firehose_file_mb]
}

run "refuses_unknown_architecture" {
  command = plan

  variables {
    lambda_architecture = "riscv"
  }

  expect_failures = [var.lambda_architecture]
}

run "refuses_too_little_memory" {
  command = plan

  variables {
    lambda_memory_mb = { sqs_processor = 64 }
  }

  expect_failures = [var.lambda_memory_mb]
}

run "refuses_environment_name_with_hyphen" {
  command = plan

  variables {
    lambda_environment = { "NOT-A-NAME" = "1" }
  }

  expect_failures = [var.lambda_environment]
}

run "refuses_unknown_log_level" {
  command = plan

  variables {
    log_level = "LOUD"
  }

  expect_failures = [var.log_level]
}

run "refuses_retention_that_cloudwatch_does_not_know" {
  command = plan

  variables {
    log_retention_days = 8
  }

  expect_failures = [var.log_retention_days]
}

run "refuses_unknown_worker_type" {
  command = plan

  variables {
    glue_worker_type = "Standard"
  }

  expect_failures = [var.glue_worker_type]
}

run "refuses_one_worker" {
  command = plan

  variables {
    glue_number_of_workers = 1
  }

  expect_failures = [var.glue_number_of_workers]
}

run "refuses_timeout_of_a_day" {
  command = plan

  variables {
    glue_timeout_minutes = 1440
  }

  expect_failures = [var.glue_timeout_minutes]
}

run "refuses_four_thousand_columns" {
  command = plan

  variables {
    max_columns = 4000
  }

  expect_failures = [var.max_columns]
}

run "refuses_schedule_that_is_none" {
  command = plan

  variables {
    schedule_expression = "every 15 minutes"
  }

  expect_failures = [var.schedule_expression]
}

run "refuses_age_below_what_sqs_reports" {
  command = plan

  variables {
    ingest_age_alarm_seconds = 30
  }

  expect_failures = [var.ingest_age_alarm_seconds]
}

run "refuses_a_negative_number_of_days" {
  command = plan

  variables {
    dlq_entry_days = -1
  }

  expect_failures = [var.dlq_entry_days]
}
