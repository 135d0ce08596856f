# Maintenance rewrites and deletes files of every table. It writes to no other place than the tables', and what it deletes for good is
# limited by its own rules (scripts/glue/lean_ops/maintenance).
data "aws_iam_policy_document" "maintenance" {
  source_policy_documents = [data.aws_iam_policy_document.any_lake_job["maintenance"].json]

  # It makes no tables: only their content, and deletes old versions of their entries.
  statement {
    sid     = "CommitTables"
    actions = ["glue:UpdateTable", "glue:GetTableVersions", "glue:BatchDeleteTableVersion", "glue:DeleteTableVersion"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for part in values(local.lake_parts) : [part.database, "${part.tables}/*"]
    ]))
  }

  # The run of a rebuild that was cancelled may have died before it removed what it had built.
  statement {
    sid       = "DropTablesOfRebuilds"
    actions   = ["glue:DeleteTable"]
    resources = local.rebuild_tables
  }

  statement {
    sid       = "RewriteWarehouse"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = [for part in values(local.lake_parts) : "${part.files}/*"]
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

  # What an operation that still runs has written is no orphan yet. That of a table of a rebuild is looked up.
  statement {
    sid       = "FindOperationsThatRun"
    actions   = ["dynamodb:GetItem", "dynamodb:Scan"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }
}
