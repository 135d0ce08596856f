data "aws_iam_policy_document" "assume" {
  statement {
    sid     = "LambdaRunsFunction"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = var.name
  description        = "Lambda function ${var.name}."
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "this" {
  source_policy_documents = [var.policy]

  # By name: a document that refers to a resource is read only during apply whenever that resource changes, if only by a tag, and
  # until then the plan shows the whole policy as unknown.
  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${var.settings.logs_arn}:/aws/lambda/${var.name}:*"]
  }

  # X-Ray's write actions cannot be limited to a resource.
  dynamic "statement" {
    for_each = var.settings.tracing_enabled ? [true] : []

    content {
      sid       = "WriteTraces"
      actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "function"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}
