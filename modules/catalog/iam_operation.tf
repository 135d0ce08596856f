# The job of operations fences tables of topics, compacts them, and puts the operation on record. It reads from cycle_delta and from the
# checkpoints what a held topic has not taken. What a rewind has moved it puts into drift_log and the ledger.
locals {
  operation_ops_tables = ["operations", "drift_log", "ledger"]
}

data "aws_iam_policy_document" "operation" {
  source_policy_documents = [data.aws_iam_policy_document.any_job["operation"].json]

  statement {
    sid     = "ReadCatalog"
    actions = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for key in ["standardized", "curated", "ops"] : [
        "${local.glue_arn}:database/${local.databases[key].name}",
        "${local.glue_arn}:table/${local.databases[key].name}/*",
      ]
    ]))
  }

  statement {
    sid     = "CommitTables"
    actions = ["glue:UpdateTable"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for key, tables in { standardized = ["*"], curated = ["*"], ops = local.operation_ops_tables } : concat(
        ["${local.glue_arn}:database/${local.databases[key].name}"],
        [for table in tables : "${local.glue_arn}:table/${local.databases[key].name}/${table}"],
      )
    ]))
  }

  statement {
    sid       = "FindLake"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.lake_arn, local.artifacts_arn]
  }

  statement {
    sid       = "ReadWarehouse"
    actions   = ["s3:GetObject"]
    resources = [for key in ["standardized", "curated", "ops"] : "${local.lake_arn}/warehouse/${local.databases[key].name}/*"]
  }

  # Files are deleted after a commit that failed, and metadata files past their retention.
  statement {
    sid     = "WriteWarehouse"
    actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = concat(
      [for key in ["standardized", "curated"] : "${local.lake_arn}/warehouse/${local.databases[key].name}/*"],
      [for table in local.operation_ops_tables : "${local.lake_arn}/warehouse/${local.databases["ops"].name}/${table}/*"],
    )
  }

  statement {
    sid       = "ReadTopics"
    actions   = ["dynamodb:GetItem", "dynamodb:Scan"]
    resources = ["${local.dynamodb_arn}/${var.tables.schema_registry}"]
  }

  statement {
    sid       = "ReadCheckpoints"
    actions   = ["dynamodb:GetItem", "dynamodb:Query"]
    resources = ["${local.dynamodb_arn}/${var.tables.checkpoints}"]
  }

  statement {
    sid       = "PutOperationsOnRecord"
    actions   = ["dynamodb:GetItem", "dynamodb:Scan", "dynamodb:UpdateItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }
}
