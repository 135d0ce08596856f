resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.settings.log_retention_days
}

# Packages go by way of S3, because the provider uploads packages given as files under one lock, one function after the other.
resource "aws_s3_object" "package" {
  bucket      = var.artifacts_bucket
  key         = "lambda/${var.name}.zip"
  source      = var.zip
  source_hash = try(filemd5(var.zip), null)

  # An object takes ten tags, and whoever deploys may set more.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.zip)
      error_message = "The deployment package is missing: ${var.zip}. Build it first: `npx --yes pnpm@12 build`."
    }
  }
}

resource "aws_lambda_function" "this" {
  function_name    = var.name
  description      = var.description
  role             = aws_iam_role.this.arn
  runtime          = "nodejs22.x"
  architectures    = [var.settings.architecture]
  handler          = "index.handler"
  s3_bucket        = aws_s3_object.package.bucket
  s3_key           = aws_s3_object.package.key
  source_code_hash = try(filebase64sha256(var.zip), null)
  memory_size      = var.memory_mb
  timeout          = var.timeout_seconds

  environment {
    variables = var.environment
  }

  tracing_config {
    mode = var.settings.tracing_enabled ? "Active" : "PassThrough"
  }

  # What the function logs before its log group is there is lost, because its role may not make one.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}
