locals {
  error_prefix           = "firehose-errors/"
  stream_error_rule_name = "${var.name_prefix}-stream-errors"
  error_sweep_rule_name  = "${var.name_prefix}-stream-error-sweep"

  stream_error_rule_arns = [
    for name in [local.stream_error_rule_name, local.error_sweep_rule_name] :
    "arn:${local.partition}:events:${local.region_arn}:rule/${name}"
  ]
}

module "stream_error_reader" {
  source = "./lambda"

  name             = "${var.name_prefix}-stream-error-reader"
  description      = "Puts what Firehose could not deliver on record, and into the stream again when asked."
  zip              = "${var.build_dir}/stream-error-reader.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.stream_error_reader.json
  memory_mb        = var.lambda_memory_mb.stream_error_reader
  timeout_seconds  = 900
  settings         = local.function_settings

  environment = merge(local.function_environment, {
    ARCHIVE_BUCKET       = var.buckets.dlq_archive
    ARCHIVE_TABLE        = var.tables.dlq_archive
    ERROR_PREFIX         = local.error_prefix
    FIREHOSE_STREAM_NAME = local.stream_name
    LAKE_BUCKET          = var.buckets.lake
    RAW_DATABASE         = var.databases.raw
    RAW_TABLE            = var.raw_table
  })
}

data "aws_iam_policy_document" "stream_error_reader" {
  statement {
    sid       = "ReadErrorObjects"
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arns.dlq_archive}/${local.error_prefix}*"]
  }

  # Rows of files that Firehose wrote and could not commit are read here and sent into the stream again.
  statement {
    sid       = "ReadUncommittedDataFiles"
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arns.lake}/warehouse/${var.databases.raw}/${var.raw_table}/*"]
  }

  # The sweep lists the error prefix. Without s3:ListBucket, S3 also answers 403 for an object that is not there.
  statement {
    sid       = "ListErrorsAndTellAbsentFromForbidden"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arns.dlq_archive, local.bucket_arns.lake]
  }

  statement {
    sid       = "KeepIndex"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"]
    resources = ["${local.dynamodb_arn}/${var.tables.dlq_archive}"]
  }

  statement {
    sid       = "SendAgain"
    actions   = ["firehose:PutRecordBatch"]
    resources = [local.stream_arn]
  }

  statement {
    sid       = "HandOverFailedEvents"
    actions   = ["sqs:SendMessage"]
    resources = ["${local.queue_arn}:${local.failed_stream_errors_name}"]
  }
}

resource "aws_cloudwatch_event_rule" "stream_errors" {
  name        = local.stream_error_rule_name
  description = "Firehose wrote to its error prefix."

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.buckets.dlq_archive] }
      object = { key = [{ prefix = local.error_prefix }] }
    }
  })
}

# An event may get lost, but its object stays under the prefix, where a daily sweep finds it.
resource "aws_cloudwatch_event_rule" "error_sweep" {
  name                = local.error_sweep_rule_name
  description         = "Once a day, what lies under the error prefix and is not on record is put on record."
  schedule_expression = "rate(1 day)"
}

resource "aws_cloudwatch_event_target" "stream_error_reader" {
  for_each = {
    stream-errors = { rule = aws_cloudwatch_event_rule.stream_errors.name, input = null }
    error-sweep   = { rule = aws_cloudwatch_event_rule.error_sweep.name, input = jsonencode({ action = "sweep" }) }
  }

  rule      = each.value.rule
  target_id = "stream-error-reader"
  arn       = module.stream_error_reader.arn
  input     = each.value.input

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 20
  }

  dead_letter_config {
    arn = "${local.queue_arn}:${local.failed_stream_errors_name}"
  }

  depends_on = [aws_cloudformation_stack.queues]
}

resource "aws_lambda_permission" "stream_error_reader" {
  for_each = {
    stream-errors = aws_cloudwatch_event_rule.stream_errors.arn
    error-sweep   = aws_cloudwatch_event_rule.error_sweep.arn
  }

  statement_id  = "EventBridgeInvokesFor-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = module.stream_error_reader.name
  principal     = "events.amazonaws.com"
  source_arn    = each.value
}

# The rules' dead-letter queue takes events that EventBridge cannot deliver, and this destination those that the function fails on.
resource "aws_lambda_function_event_invoke_config" "stream_error_reader" {
  function_name                = module.stream_error_reader.name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = "${local.queue_arn}:${local.failed_stream_errors_name}"
    }
  }

  depends_on = [aws_cloudformation_stack.queues]
}
