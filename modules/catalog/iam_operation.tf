# The job of operations fences tables of topics, compacts them, and puts the operation on record. It reads from cycle_delta and from the
# checkpoints what a held topic has not taken. A rebuild reads RAW and the schema that it is to follow, builds in a table `rebuild_…` of
# the database of the pipeline's own tables, and keeps errors, the ledger and drift_log true. An erasure (docs/decisions/0045-erasure.md)
# rewrites whatever holds a key: RAW, tables of _ops, the archive of dead letters, and results of queries.
locals {
  archive_arn = "arn:${var.account.partition}:s3:::${var.buckets.dlq_archive}"

  operation_tables = {
    raw          = ["events"]
    standardized = ["*"]
    curated      = ["*"]
    ops          = ["operations", "cycle_delta", "errors", "parse_errors", "ledger", "drift_log", "rebuild_*"]
  }

  rebuild_tables = ["${local.glue_arn}:catalog", local.lake_parts["ops"].database, "${local.lake_parts["ops"].tables}/rebuild_*"]
}

data "aws_iam_policy_document" "operation" {
  source_policy_documents = [data.aws_iam_policy_document.any_lake_job["operation"].json]

  # cycle_delta has the cycle as its writer, and loses rows by an erasure alone.
  statement {
    sid     = "CommitTables"
    actions = ["glue:UpdateTable"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for key, tables in local.operation_tables : [
        local.lake_parts[key].database,
        [for table in tables : "${local.lake_parts[key].tables}/${table}"],
      ]
    ]))
  }

  statement {
    sid       = "MakeAndDropTablesOfRebuilds"
    actions   = ["glue:CreateTable", "glue:DeleteTable"]
    resources = local.rebuild_tables
  }

  statement {
    sid       = "FindSchemas"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.schemas_arn]
  }

  statement {
    sid       = "ReadSchemas"
    actions   = ["s3:GetObject"]
    resources = [for folder in ["active", "archive", "operations"] : "${local.schemas_arn}/schemas/*/${folder}/*"]
  }

  statement {
    sid       = "ReadWarehouse"
    actions   = ["s3:GetObject"]
    resources = [for part in values(local.lake_parts) : "${part.files}/*"]
  }

  # Files are deleted after a commit that failed, and metadata files past their retention.
  statement {
    sid     = "WriteWarehouse"
    actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = flatten([
      for key, tables in local.operation_tables : [
        for table in tables : "${local.lake_parts[key].files}/${table == "*" ? "*" : "${table}/*"}"
      ]
    ])
  }

  statement {
    sid       = "ReadTopics"
    actions   = ["dynamodb:GetItem", "dynamodb:Scan"]
    resources = ["${local.dynamodb_arn}/${var.tables.schema_registry}"]
  }

  statement {
    sid       = "MirrorCheckpoints"
    actions   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.checkpoints}"]
  }

  statement {
    sid       = "PutOperationsOnRecord"
    actions   = ["dynamodb:GetItem", "dynamodb:Scan", "dynamodb:UpdateItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }

  # The item of the keys that are to be forgotten, and no operation.
  statement {
    sid       = "ForgetKeys"
    actions   = ["dynamodb:DeleteItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.operations}"]
  }

  statement {
    sid       = "FindArchive"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.archive_arn]
  }

  statement {
    sid       = "EraseFromArchive"
    actions   = ["s3:GetObject", "s3:DeleteObject"]
    resources = [for prefix in ["dlq", "overflow", "firehose-errors"] : "${local.archive_arn}/${prefix}/*"]
  }

  # An object of Firehose's has records of many topics, which stay.
  statement {
    sid       = "KeepOtherRecords"
    actions   = ["s3:PutObject"]
    resources = ["${local.archive_arn}/firehose-errors/*"]
  }

  statement {
    sid       = "EraseQueryResults"
    actions   = ["s3:GetObject", "s3:DeleteObject"]
    resources = ["${local.lake_arn}/${var.query_results_prefix}*"]
  }

  statement {
    sid       = "EraseFromIndex"
    actions   = ["dynamodb:Query", "dynamodb:DeleteItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.dlq_archive}"]
  }

  statement {
    sid       = "EraseAttempts"
    actions   = ["dynamodb:DeleteItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.idempotency}"]
  }
}
