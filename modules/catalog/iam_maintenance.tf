# Maintenance rewrites and deletes files of every table. It writes to no other place than the tables', and what it deletes for good is
# limited by its own rules (scripts/glue/lean_ops/maintenance).
data "aws_iam_policy_document" "maintenance" {
  source_policy_documents = [data.aws_iam_policy_document.any_job["maintenance"].json]

  statement {
    sid     = "ReadCatalog"
    actions = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetTableVersions"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for database in values(local.databases) : ["${local.glue_arn}:database/${database.name}", "${local.glue_arn}:table/${database.name}/*"]
    ]))
  }

  # It makes no tables and deletes none: only their content, and old versions of their entries.
  statement {
    sid     = "CommitTables"
    actions = ["glue:UpdateTable", "glue:BatchDeleteTableVersion", "glue:DeleteTableVersion"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for database in values(local.databases) : ["${local.glue_arn}:database/${database.name}", "${local.glue_arn}:table/${database.name}/*"]
    ]))
  }

  statement {
    sid       = "FindLake"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.lake_arn, local.artifacts_arn]
  }

  statement {
    sid       = "RewriteWarehouse"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = [for database in values(local.databases) : "${local.lake_arn}/warehouse/${database.name}/*"]
  }

  statement {
    sid       = "ReadTopics"
    actions   = ["dynamodb:Scan"]
    resources = ["${local.dynamodb_arn}/${var.tables.schema_registry}"]
  }

  statement {
    sid       = "ReadCheckpoints"
    actions   = ["dynamodb:GetItem", "dynamodb:BatchGetItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.checkpoints}"]
  }

  # How far each of its steps has come. The job writes no other item.
  statement {
    sid       = "NotePace"
    actions   = ["dynamodb:PutItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.checkpoints}"]
  }

  # What an operation that still runs has written is no orphan yet.
  statement {
    sid       = "FindOperationsThatRun"
    actions   = ["dynamodb:Scan"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }
}
