module "sqs_processor" {
  source = "./lambda"

  name             = "${var.name_prefix}-sqs-processor"
  description      = "Moves messages from the ingest queue to Firehose; hands permanent failures to the DLQ with their reason."
  zip              = "${var.build_dir}/sqs-processor.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.sqs_processor.json
  memory_mb        = var.lambda_memory_mb.sqs_processor
  timeout_seconds  = var.ingest_timeout_seconds
  settings         = local.function_settings

  environment = merge(local.function_environment, {
    FIREHOSE_STREAM_NAME   = local.stream_name
    INGEST_NAME            = local.ingest_name
    DLQ_NAME               = local.dlq_name
    IDEMPOTENCY_TABLE      = var.tables.idempotency
    OVERFLOW_BUCKET        = var.buckets.dlq_archive
    MAX_CLOCK_SKEW_SECONDS = tostring(var.max_clock_skew_seconds)
  })
}

data "aws_iam_policy_document" "sqs_processor" {
  statement {
    sid       = "TakeMessages"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
    resources = ["${local.queue_arn}:${local.ingest_name}"]
  }

  statement {
    sid       = "DeadLetter"
    actions   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
    resources = ["${local.queue_arn}:${local.dlq_name}"]
  }

  statement {
    sid       = "PutRecords"
    actions   = ["firehose:PutRecordBatch"]
    resources = [local.stream_arn]
  }

  # A message that is handled alone is written down before and struck out after, so that one which ends the function is found.
  statement {
    sid       = "WriteAttemptsDown"
    actions   = ["dynamodb:UpdateItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.idempotency}"]
  }

  # Bodies that do not fit into a dead-letter message beside the error are stored here.
  statement {
    sid       = "PutOverflow"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arns.dlq_archive}/overflow/*"]
  }
}

resource "aws_lambda_event_source_mapping" "ingest" {
  event_source_arn                   = "${local.queue_arn}:${local.ingest_name}"
  function_name                      = module.sqs_processor.arn
  batch_size                         = var.ingest_batch_size
  maximum_batching_window_in_seconds = var.ingest_batch_window_seconds
  # Only the messages that the function names come back. The rest of the batch is deleted from the queue.
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.ingest_max_concurrency
  }

  # No message may be received before there is a stream to put it into.
  depends_on = [aws_cloudformation_stack.queues, aws_cloudformation_stack.stream]
}
