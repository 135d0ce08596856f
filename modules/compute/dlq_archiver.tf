locals {
  # The dead-letter queue hides a message for six times as long (queues.tf), so that it does not come back while it is handled.
  archiver_timeout_seconds = 60
}

module "dlq_archiver" {
  source = "./lambda"

  name             = "${var.name_prefix}-dlq-archiver"
  description      = "Keeps dead-lettered messages in S3 and indexes them in DynamoDB."
  zip              = "${var.build_dir}/dlq-archiver.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.dlq_archiver.json
  memory_mb        = var.lambda_memory_mb.dlq_archiver
  timeout_seconds  = local.archiver_timeout_seconds
  settings         = local.function_settings

  environment = merge(local.function_environment, {
    ARCHIVE_BUCKET     = var.buckets.dlq_archive
    ARCHIVE_TABLE      = var.tables.dlq_archive
    ARCHIVE_ENTRY_DAYS = tostring(var.dlq_entry_days)
    IDEMPOTENCY_TABLE  = var.tables.idempotency
  })
}

data "aws_iam_policy_document" "dlq_archiver" {
  statement {
    sid       = "TakeMessages"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = ["${local.queue_arn}:${local.dlq_name}"]
  }

  statement {
    sid       = "ReadOverflow"
    actions   = ["s3:GetObject"]
    resources = ["${local.bucket_arns.dlq_archive}/overflow/*"]
  }

  # Without s3:ListBucket, S3 answers 403 for an object that is not there, and absence would look like a missing permission.
  statement {
    sid       = "TellAbsentFromForbidden"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arns.dlq_archive]
  }

  # An object that is already there under a letter's key is read and compared before it is replaced.
  statement {
    sid       = "Archive"
    actions   = ["s3:PutObject", "s3:GetObject"]
    resources = ["${local.bucket_arns.dlq_archive}/dlq/*"]
  }

  statement {
    sid       = "Index"
    actions   = ["dynamodb:PutItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.dlq_archive}"]
  }

  statement {
    sid       = "RememberWhatIsDone"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.idempotency}"]
  }
}

resource "aws_lambda_event_source_mapping" "dlq" {
  event_source_arn        = "${local.queue_arn}:${local.dlq_name}"
  function_name           = module.dlq_archiver.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  # A flood of dead letters must not take the account's concurrency from ingest.
  scaling_config {
    maximum_concurrency = 5
  }

  depends_on = [aws_cloudformation_stack.queues]
}
