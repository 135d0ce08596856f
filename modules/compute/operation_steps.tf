module "operation_steps" {
  source = "./lambda"

  name             = "${var.name_prefix}-operation-steps"
  description      = "Begins, drains and ends operations on topics: the registry, the topic's lock and the operation's state."
  zip              = "${var.build_dir}/operation-steps.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.operation_steps.json
  memory_mb        = var.lambda_memory_mb.operation_steps
  timeout_seconds  = 60
  settings         = local.function_settings

  environment = merge(local.function_environment, {
    OPERATIONS_TABLE   = var.tables.operations
    REGISTRY_TABLE     = var.tables.schema_registry
    CHECKPOINT_TABLE   = var.tables.checkpoints
    SCHEMA_BUCKET      = var.buckets.schemas
    VALIDATOR_FUNCTION = module.schema_validator.name
  })
}

data "aws_iam_policy_document" "operation_steps" {
  # A transaction has no action of its own: it needs those of its writes.
  statement {
    sid       = "MoveOperationsOn"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }

  statement {
    sid       = "HoldAndReleaseTopics"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.schema_registry}"]
  }

  statement {
    sid       = "SeeWhichCycleRuns"
    actions   = ["dynamodb:GetItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.checkpoints}"]
  }

  statement {
    sid       = "HandOverUploadsThatWaited"
    actions   = ["lambda:InvokeFunction"]
    resources = ["arn:${local.partition}:lambda:${local.region_arn}:function:${module.schema_validator.name}"]
  }
}
