resource "aws_cloudwatch_log_group" "stream" {
  name              = "/aws/kinesisfirehose/${local.stream_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_stream" "stream" {
  for_each = toset(["destination", "backup"])

  name           = each.value
  log_group_name = aws_cloudwatch_log_group.stream.name
}

# The stream is made through CloudFormation, because `AppendOnly` can only be chosen when a stream is made, and provider 5.100 does
# not know it (docs/decisions/0028-throughput-of-ingest.md). Everything else but the name and the catalog changes in place.
resource "aws_cloudformation_stack" "stream" {
  name       = "${var.name_prefix}-stream"
  on_failure = "DELETE"

  template_body = jsonencode({
    Description = "Firehose stream of ${var.name_prefix}, managed by Terraform."

    Resources = {
      Events = {
        Type = "AWS::KinesisFirehose::DeliveryStream"
        Properties = {
          DeliveryStreamName                         = local.stream_name
          DeliveryStreamType                         = "DirectPut"
          DeliveryStreamEncryptionConfigurationInput = { KeyType = "AWS_OWNED_CMK" }
          IcebergDestinationConfiguration            = local.iceberg_destination
        }
      }
    }
  })

  # When the stream is made, Firehose assumes the stream's role and asks the catalog for the table with it. The provider would try
  # again while the role is not known everywhere yet; CloudFormation does not. Making the queues takes a minute, and making the
  # tables another, in which the role becomes known.
  depends_on = [aws_iam_role_policy.stream, aws_lambda_invocation.system_tables, aws_cloudformation_stack.queues]
}

# The stream of a deployment from before CloudFormation made it. An apply must not delete it, as it may hold records: the new one then
# fails because of the name, and the changelog says what to do.
removed {
  from = aws_kinesis_firehose_delivery_stream.events

  lifecycle {
    destroy = false
  }
}

locals {
  iceberg_destination = {
    # A stream of inserts only raises its limit of throughput by itself. Without this, it takes 1 MiB/s in most regions.
    AppendOnly           = true
    RoleARN              = aws_iam_role.stream.arn
    CatalogConfiguration = { CatalogArn = "${local.glue_arn}:catalog" }
    BufferingHints       = { IntervalInSeconds = var.firehose_buffer_seconds, SizeInMBs = var.firehose_file_mb }
    # After ten minutes of failed commits the rows go to the error prefix, from where stream-error-reader can send them again.
    RetryOptions                      = { DurationInSeconds = 600 }
    DestinationTableConfigurationList = [{ DestinationDatabaseName = var.databases.raw, DestinationTableName = var.raw_table }]
    CloudWatchLoggingOptions          = local.stream_logging["destination"]

    ProcessingConfiguration = {
      Enabled = true

      Processors = [{
        Type = "Lambda"
        Parameters = [for name, value in {
          LambdaArn = "${module.firehose_transform.arn}:$LATEST"
          # Rows wait in this buffer and then in that of the Iceberg commit, so this one is kept short.
          BufferIntervalInSeconds = tostring(min(var.firehose_buffer_seconds, 30))
          BufferSizeInMBs         = tostring(var.firehose_buffer_mb)
        } : { ParameterName = name, ParameterValue = value }]
      }]
    }

    S3Configuration = {
      RoleARN                  = aws_iam_role.stream.arn
      BucketARN                = local.bucket_arns.dlq_archive
      ErrorOutputPrefix        = local.error_prefix
      CloudWatchLoggingOptions = local.stream_logging["backup"]
    }
  }

  stream_logging = {
    for name, stream in aws_cloudwatch_log_stream.stream :
    name => { Enabled = true, LogGroupName = aws_cloudwatch_log_group.stream.name, LogStreamName = stream.name }
  }
}

data "aws_iam_policy_document" "assume_stream" {
  statement {
    sid     = "FirehoseDelivers"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["firehose.amazonaws.com"]
    }

    # Firehose says for which account it acts by the external id. That it sends aws:SourceAccount is documented nowhere.
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
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
