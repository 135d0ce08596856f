mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
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
  name_prefix          = "lean-ops"
  account              = { id = "123456789012", partition = "aws", region = "eu-central-1" }
  build_dir            = "tests/fixtures"
  database_prefix      = "lean_ops"
  databases            = { raw = "lean_ops_raw", standardized = "lean_ops_standardized", curated = "lean_ops_curated", ops = "lean_ops_ops" }
  athena_workgroup     = "lean-ops"
  buckets              = { lake = "lake", schemas = "schemas", dlq_archive = "archive", artifacts = "artifacts" }
  query_results_prefix = "athena-results/"
  tables               = { schema_registry = "registry", checkpoints = "checkpoints", dlq_archive = "dlq-archive", idempotency = "idempotency" }
  lease_seconds        = 7200
}

run "refuses_name_prefix_with_capitals" {
  command = plan

  variables {
    name_prefix = "Lean"
  }

  expect_failures = [var.name_prefix]
}

run "refuses_account_id_that_is_empty" {
  command = plan

  variables {
    account = { id = "", partition = "aws", region = "eu-central-1" }
  }

  expect_failures = [var.account]
}

run "refuses_databases_of_another_prefix" {
  command = plan

  variables {
    databases = { raw = "x_raw", standardized = "x_standardized", curated = "x_curated", ops = "x_ops" }
  }

  expect_failures = [var.databases]
}

run "refuses_raw_table_with_hyphen" {
  command = plan

  variables {
    raw_table = "raw-events"
  }

  expect_failures = [var.raw_table]
}

run "refuses_results_prefix_without_slash" {
  command = plan

  variables {
    query_results_prefix = "athena-results"
  }

  expect_failures = [var.query_results_prefix]
}

run "refuses_lease_of_ten_seconds" {
  command = plan

  variables {
    lease_seconds = 10
  }

  expect_failures = [var.lease_seconds]
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

run "refuses_a_negative_number_of_days" {
  command = plan

  variables {
    dlq_entry_days = -1
  }

  expect_failures = [var.dlq_entry_days]
}
