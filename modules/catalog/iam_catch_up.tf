locals {
  # The catch-up job reads the metadata of topic tables and never their rows. It finds the topics' names in RAW and cycle_delta.
  catch_up_tables = {
    for key, database in local.databases : key => {
      database = "${local.glue_arn}:database/${database.name}"
      tables   = "${local.glue_arn}:table/${database.name}"
      files    = "${local.lake_arn}/warehouse/${database.name}"
    }
  }
}

data "aws_iam_policy_document" "catch_up" {
  source_policy_documents = [data.aws_iam_policy_document.any_job["historical-catch-up"].json]

  statement {
    sid     = "ReadCatalog"
    actions = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for at in values(local.catch_up_tables) : [at.database, "${at.tables}/*"]
    ]))
  }

  # The job adds rows to drift_log, and to Standardized tables the columns that the pipeline counts on.
  statement {
    sid     = "CommitTables"
    actions = ["glue:UpdateTable"]
    resources = [
      "${local.glue_arn}:catalog",
      local.catch_up_tables["ops"].database,
      "${local.catch_up_tables["ops"].tables}/drift_log",
      local.catch_up_tables["standardized"].database,
      "${local.catch_up_tables["standardized"].tables}/*",
    ]
  }

  statement {
    sid       = "FindLakeAndSchemas"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.lake_arn, local.schemas_arn, local.artifacts_arn]
  }

  statement {
    sid     = "ReadWarehouse"
    actions = ["s3:GetObject"]
    resources = [
      "${local.catch_up_tables["raw"].files}/events/*",
      "${local.catch_up_tables["ops"].files}/cycle_delta/*",
      "${local.catch_up_tables["ops"].files}/drift_log/*",
      "${local.catch_up_tables["standardized"].files}/*/metadata/*",
      "${local.catch_up_tables["curated"].files}/*/metadata/*",
    ]
  }

  # Files are deleted after a commit that failed, and metadata files past their retention.
  statement {
    sid     = "WriteWarehouse"
    actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = [
      "${local.catch_up_tables["ops"].files}/drift_log/*",
      "${local.catch_up_tables["standardized"].files}/*/metadata/*",
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
