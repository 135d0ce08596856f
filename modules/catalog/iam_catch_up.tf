# The catch-up job reads the metadata of topic tables and never their rows. It finds the topics' names in RAW and cycle_delta.
data "aws_iam_policy_document" "catch_up" {
  source_policy_documents = [data.aws_iam_policy_document.any_lake_job["historical-catch-up"].json]

  # The job adds rows to drift_log, and to Standardized tables the columns that the pipeline counts on.
  statement {
    sid     = "CommitTables"
    actions = ["glue:UpdateTable"]
    resources = [
      "${local.glue_arn}:catalog",
      local.lake_parts["ops"].database,
      "${local.lake_parts["ops"].tables}/drift_log",
      local.lake_parts["standardized"].database,
      "${local.lake_parts["standardized"].tables}/*",
    ]
  }

  statement {
    sid       = "FindSchemas"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.schemas_arn]
  }

  statement {
    sid     = "ReadWarehouse"
    actions = ["s3:GetObject"]
    resources = [
      "${local.lake_parts["raw"].files}/events/*",
      "${local.lake_parts["ops"].files}/cycle_delta/*",
      "${local.lake_parts["ops"].files}/drift_log/*",
      "${local.lake_parts["standardized"].files}/*/metadata/*",
      "${local.lake_parts["curated"].files}/*/metadata/*",
    ]
  }

  # Files are deleted after a commit that failed, and metadata files past their retention.
  statement {
    sid     = "WriteWarehouse"
    actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = [
      "${local.lake_parts["ops"].files}/drift_log/*",
      "${local.lake_parts["standardized"].files}/*/metadata/*",
    ]
  }

  statement {
    sid       = "ReadActiveSchemas"
    actions   = ["s3:GetObject"]
    resources = ["${local.schemas_arn}/schemas/*/active/*"]
  }

  statement {
    sid       = "RegisterTopics"
    actions   = ["dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.schema_registry}"]
  }
}
