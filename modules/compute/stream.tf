resource "aws_cloudwatch_log_group" "stream" {
  name              = "/aws/kinesisfirehose/${local.stream_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_stream" "stream" {
  for_each = toset(["destination", "backup"])

  name           = each.value
  log_group_name = aws_cloudwatch_log_group.stream.name
}

resource "aws_kinesis_firehose_delivery_stream" "events" {
  name        = local.stream_name
  destination = "iceberg"

  server_side_encryption {
    enabled  = true
    key_type = "AWS_OWNED_CMK"
  }

  iceberg_configuration {
    role_arn           = aws_iam_role.stream.arn
    catalog_arn        = "${local.glue_arn}:catalog"
    buffering_interval = var.firehose_buffer_seconds
    buffering_size     = var.firehose_file_mb
    # Seconds. After ten minutes of failed commits the rows go to the error prefix, from where stream-error-reader can send them again.
    retry_duration = 600

    destination_table_configuration {
      database_name = var.databases.raw
      table_name    = var.raw_table
    }

    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        dynamic "parameters" {
          for_each = local.transform_parameters

          content {
            parameter_name  = parameters.key
            parameter_value = parameters.value
          }
        }
      }
    }

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.stream.name
      log_stream_name = aws_cloudwatch_log_stream.stream["destination"].name
    }

    s3_configuration {
      role_arn            = aws_iam_role.stream.arn
      bucket_arn          = local.bucket_arns.dlq_archive
      error_output_prefix = local.error_prefix

      cloudwatch_logging_options {
        enabled         = true
        log_group_name  = aws_cloudwatch_log_group.stream.name
        log_stream_name = aws_cloudwatch_log_stream.stream["backup"].name
      }
    }
  }

  # When the stream is made, Firehose asks the catalog for the table with the stream's role.
  depends_on = [aws_iam_role_policy.stream, aws_lambda_invocation.system_tables]
}

locals {
  # The provider does not read back parameters that have Firehose's default, so naming one would show a change on every plan.
  # The number of retries (3) and the role are left out for the same reason.
  transform_defaults = { BufferIntervalInSeconds = "60", BufferSizeInMBs = "1" }

  transform_parameters = merge(
    { LambdaArn = "${module.firehose_transform.arn}:$LATEST" },
    {
      for name, value in {
        # Rows wait in this buffer and then in that of the Iceberg commit, so this one is kept short.
        BufferIntervalInSeconds = tostring(min(var.firehose_buffer_seconds, 30))
        BufferSizeInMBs         = tostring(var.firehose_buffer_mb)
      } : name => value if value != local.transform_defaults[name]
    },
  )
}

data "aws_iam_policy_document" "assume_stream" {
  statement {
    sid     = "FirehoseDelivers"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["firehose.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account.id]
    }
  }
}

resource "aws_iam_role" "stream" {
  name               = "${var.name_prefix}-stream"
  description        = "Firehose stream ${local.stream_name}."
  assume_role_policy = data.aws_iam_policy_document.assume_stream.json
}

data "aws_iam_policy_document" "stream" {
  statement {
    sid       = "Transform"
    actions   = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
    resources = [module.firehose_transform.arn, "${module.firehose_transform.arn}:$LATEST"]
  }

  statement {
    sid     = "CommitToRaw"
    actions = ["glue:GetDatabase", "glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions", "glue:UpdateTable"]
    resources = [
      "${local.glue_arn}:catalog",
      "${local.glue_arn}:database/${var.databases.raw}",
      "${local.glue_arn}:table/${var.databases.raw}/${var.raw_table}",
    ]
  }

  statement {
    sid       = "FindLakeAndArchive"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [local.bucket_arns.lake, local.bucket_arns.dlq_archive]
  }

  statement {
    sid       = "WriteRaw"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${local.bucket_arns.lake}/warehouse/${var.databases.raw}/*"]
  }

  # s3:DeleteObject is not granted, because an error object is the only copy of its records.
  statement {
    sid       = "WriteErrors"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
    resources = ["${local.bucket_arns.dlq_archive}/${local.error_prefix}*"]
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:PutLogEvents"]
    resources = ["${local.logs_arn}:/aws/kinesisfirehose/${local.stream_name}:log-stream:*"]
  }
}

resource "aws_iam_role_policy" "stream" {
  name   = "stream"
  role   = aws_iam_role.stream.id
  policy = data.aws_iam_policy_document.stream.json
}
