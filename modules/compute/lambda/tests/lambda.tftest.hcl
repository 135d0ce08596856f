mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
}

variables {
  name             = "lean-ops-sqs-processor"
  description      = "Moves messages."
  zip              = "tests/fixtures/package.zip"
  artifacts_bucket = "artifacts"
  policy           = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  environment      = { LOG_LEVEL = "INFO" }
  memory_mb        = 512
  timeout_seconds  = 60
  settings         = { architecture = "arm64", logs_arn = "arn:aws:logs:eu-central-1:123456789012:log-group", log_retention_days = 30, tracing_enabled = false }
}

run "writes_its_own_log_and_nothing_else" {
  command = plan

  assert {
    condition     = [for statement in data.aws_iam_policy_document.this.statement : statement.sid] == ["WriteOwnLog"]
    error_message = "Without tracing a function has its given policy and its log."
  }

  # In a plan the ARN of the log group is unknown, and a policy made of it would be, too, whenever the group changes.
  assert {
    condition     = data.aws_iam_policy_document.this.statement[0].resources == toset(["arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/lean-ops-sqs-processor:*"])
    error_message = "The log is that of the function, and known before it is made."
  }
}

run "puts_no_more_tags_on_its_package_than_s3_takes" {
  command = plan

  assert {
    condition     = length(aws_s3_object.package.override_provider[0].default_tags[0].tags) == 0
    error_message = "An object takes ten tags, and a deployment may have more."
  }
}

run "traces_when_told_to" {
  command = plan

  variables {
    settings = { architecture = "arm64", logs_arn = "arn:aws:logs:eu-central-1:123456789012:log-group", log_retention_days = 30, tracing_enabled = true }
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active" && length(data.aws_iam_policy_document.this.statement) == 2
    error_message = "Tracing takes both the mode and the right to write traces."
  }
}

run "refuses_a_package_that_was_not_built" {
  command = plan

  variables {
    zip = "tests/fixtures/not-built.zip"
  }

  expect_failures = [aws_s3_object.package]
}

run "refuses_what_lambda_would" {
  command = plan

  variables {
    name            = "Lean"
    zip             = "tests/fixtures/index.js"
    policy          = "allow"
    timeout_seconds = 901
  }

  expect_failures = [
    var.name,
    var.zip,
    var.policy,
    var.timeout_seconds,
  ]
}
