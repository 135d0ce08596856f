locals {
  upload_rule_name = "${var.name_prefix}-schema-uploads"
  error_count_rule = "${var.name_prefix}-open-errors"
  upload_rule_arn  = "arn:${local.partition}:events:${local.region_arn}:rule/${local.upload_rule_name}"

  # The queue of unsettled uploads hides a message for a minute longer (queues.tf).
  validator_timeout_seconds = 300
}

module "schema_validator" {
  source = "./lambda"

  name             = "${var.name_prefix}-schema-validator"
  description      = "Checks uploaded topic schemas, brings their tables in line and makes them active."
  zip              = "${var.build_dir}/schema-validator.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.schema_validator.json
  memory_mb        = var.lambda_memory_mb.schema_validator
  timeout_seconds  = local.validator_timeout_seconds
  settings         = local.function_settings

  environment = merge(local.function_environment, {
    SCHEMA_BUCKET    = var.buckets.schemas
    DATABASE_PREFIX  = var.database_prefix
    LAKE_BUCKET      = var.buckets.lake
    ATHENA_WORKGROUP = var.athena_workgroup
    REGISTRY_TABLE   = var.tables.schema_registry
    OPERATIONS_TABLE = var.tables.operations

    OPERATION_STATE_MACHINE = local.operation_state_machine_arn

    FAILED_UPLOADS_QUEUE = local.failed_schema_uploads_name
  })
}

data "aws_iam_policy_document" "schema_validator" {
  source_policy_documents = [data.aws_iam_policy_document.athena["schema-validator"].json]

  statement {
    sid       = "MoveSchemas"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${local.bucket_arns.schemas}/schemas/*"]
  }

  statement {
    sid       = "FindSchemas"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arns.schemas]
  }

  # A schema that breaks the one before asks for a rebuild, as lean-ops topic rebuild does, and one with x-replay-errors for a replay: one
  # transaction of the operation, its topic's lock and the topic's item, whose rights the statement on the registry has.
  statement {
    sid       = "RequestOperations"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }

  # What somebody ignores is not counted as open.
  statement {
    sid       = "SeeIgnoredErrors"
    actions   = ["dynamodb:Scan"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }

  statement {
    sid       = "StartOperations"
    actions   = ["states:StartExecution"]
    resources = [local.operation_state_machine_arn]
  }

  # Lambda sends with the function's rights where its tries have ended, and the function itself once the upload has its verdict.
  statement {
    sid       = "HandOverFailedEvents"
    actions   = ["sqs:SendMessage"]
    resources = [for name in [local.unsettled_schema_uploads_name, local.failed_schema_uploads_name] : "${local.queue_arn}:${name}"]
  }

  statement {
    sid       = "FindQueueOfFailedUploads"
    actions   = ["sqs:GetQueueUrl"]
    resources = ["${local.queue_arn}:${local.failed_schema_uploads_name}"]
  }

  statement {
    sid       = "TakeUnsettledUploads"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = ["${local.queue_arn}:${local.unsettled_schema_uploads_name}"]
  }
}

resource "aws_cloudwatch_event_rule" "schema_uploads" {
  name        = local.upload_rule_name
  description = "A schema was put under schemas/{topic}/pending/."

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.buckets.schemas] }
      object = { key = [{ wildcard = "schemas/*/pending/*" }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "schema_validator" {
  rule      = aws_cloudwatch_event_rule.schema_uploads.name
  target_id = "schema-validator"
  arn       = module.schema_validator.arn

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 20
  }

  dead_letter_config {
    arn = "${local.queue_arn}:${local.unsettled_schema_uploads_name}"
  }

  depends_on = [aws_cloudformation_stack.queues]
}

resource "aws_lambda_permission" "schema_uploads" {
  statement_id  = "EventBridgeInvokes"
  action        = "lambda:InvokeFunction"
  function_name = module.schema_validator.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schema_uploads.arn
}

# Whoever looks at the dashboard sees how old the open errors are. Counting never fails, so an hour without numbers is all that can happen.
resource "aws_cloudwatch_event_rule" "open_errors" {
  name                = local.error_count_rule
  description         = "Once an hour, what is open in errors and parse_errors is counted."
  schedule_expression = "rate(1 hour)"
}

resource "aws_cloudwatch_event_target" "open_errors" {
  rule      = aws_cloudwatch_event_rule.open_errors.name
  target_id = "schema-validator"
  arn       = module.schema_validator.arn
  input     = jsonencode({ action = "count_errors" })

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 2
  }
}

resource "aws_lambda_permission" "open_errors" {
  statement_id  = "EventBridgeInvokesForOpenErrors"
  action        = "lambda:InvokeFunction"
  function_name = module.schema_validator.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.open_errors.arn
}

# The rule's dead-letter queue takes events that EventBridge cannot deliver, and this destination those that the function fails on.
resource "aws_lambda_function_event_invoke_config" "schema_validator" {
  function_name                = module.schema_validator.name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = "${local.queue_arn}:${local.unsettled_schema_uploads_name}"
    }
  }

  depends_on = [aws_cloudformation_stack.queues]
}

# By a queue and not by a second asynchronous invocation: SQS delivers until the verdict is written, and counts the tries.
resource "aws_lambda_event_source_mapping" "unsettled_schema_uploads" {
  event_source_arn        = "${local.queue_arn}:${local.unsettled_schema_uploads_name}"
  function_name           = module.schema_validator.arn
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = 2
  }

  depends_on = [aws_cloudformation_stack.queues]
}
