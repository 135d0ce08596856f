module "cycle_planner" {
  source = "./lambda"

  name             = "${var.name_prefix}-cycle-planner"
  description      = "Says whether there is anything to do, and holds the lease of the cycle that does it."
  zip              = "${var.build_dir}/cycle-planner.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.cycle_planner.json
  memory_mb        = var.lambda_memory_mb.cycle_planner
  timeout_seconds  = 60
  settings         = local.function_settings

  environment = merge(local.function_environment, {
    DATABASE_PREFIX    = var.database_prefix
    RAW_TABLE          = var.raw_table
    REGISTRY_TABLE     = var.tables.schema_registry
    CHECKPOINT_TABLE   = var.tables.checkpoints
    OPERATIONS_TABLE   = var.tables.operations
    LEASE_SECONDS      = tostring(var.lease_seconds)
    LAKE_BUCKET        = var.buckets.lake
    SCHEMA_BUCKET      = var.buckets.schemas
    VALIDATOR_FUNCTION = module.schema_validator.name
    FRESHNESS_TARGETS  = jsonencode(var.freshness_targets)

    MAINTENANCE_LEASE_SECONDS = tostring(var.maintenance_lease_seconds)
    OPERATION_TIMEOUT_SECONDS = tostring(var.operation_timeout_seconds)
    OPERATION_STATE_MACHINE   = local.operation_state_machine_arn
    HOLD_AFTER_BAD_CYCLE      = var.hold_after_bad_cycle ? "hold" : "off"
  })
}

data "aws_iam_policy_document" "cycle_planner" {
  statement {
    sid     = "ReadTablePointers"
    actions = ["glue:GetTable"]
    resources = [
      "${local.glue_arn}:catalog",
      "${local.glue_arn}:database/${var.databases.raw}",
      "${local.glue_arn}:table/${var.databases.raw}/${var.raw_table}",
      "${local.glue_arn}:database/${var.databases.ops}",
      "${local.glue_arn}:table/${var.databases.ops}/*",
    ]
  }

  statement {
    sid     = "ReadTableMetadata"
    actions = ["s3:GetObject"]
    resources = [
      "${local.bucket_arns.lake}/warehouse/${var.databases.raw}/*/metadata/*",
      "${local.bucket_arns.lake}/warehouse/${var.databases.ops}/*/metadata/*",
    ]
  }

  statement {
    sid       = "ReadRegistry"
    actions   = ["dynamodb:GetItem", "dynamodb:Scan"]
    resources = ["${local.dynamodb_arn}/${var.tables.schema_registry}"]
  }

  statement {
    sid       = "ReadCheckpointsAndHoldLease"
    actions   = ["dynamodb:GetItem", "dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.checkpoints}"]
  }

  statement {
    sid       = "LookAtOperationsOfHeldTopics"
    actions   = ["dynamodb:GetItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }

  # Only where topics are held by themselves. A transaction has no action of its own: it needs those of its writes.
  dynamic "statement" {
    for_each = var.hold_after_bad_cycle ? [true] : []

    content {
      sid       = "RequestHoldsAfterBadCycles"
      actions   = ["dynamodb:PutItem"]
      resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
    }
  }

  dynamic "statement" {
    for_each = var.hold_after_bad_cycle ? [true] : []

    content {
      sid       = "StartHoldsAfterBadCycles"
      actions   = ["states:StartExecution"]
      resources = [local.operation_state_machine_arn]
    }
  }

  statement {
    sid       = "HandOverUploadsThatStillWait"
    actions   = ["lambda:InvokeFunction"]
    resources = ["arn:${local.partition}:lambda:${local.region_arn}:function:${module.schema_validator.name}"]
  }
}
