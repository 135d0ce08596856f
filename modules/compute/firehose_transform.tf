module "firehose_transform" {
  source = "./lambda"

  name             = "${var.name_prefix}-firehose-transform"
  description      = "Turns Firehose records into rows of the RAW table."
  zip              = "${var.build_dir}/firehose-transform.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.firehose_transform.json
  memory_mb        = var.lambda_memory_mb.firehose_transform
  timeout_seconds  = 60
  settings         = local.function_settings

  environment = merge(local.function_environment, {
    RAW_DATABASE = var.databases.raw
    RAW_TABLE    = var.raw_table
  })
}

# The function calls no service, so its only right is to write its own log, which the lambda module adds.
data "aws_iam_policy_document" "firehose_transform" {}
