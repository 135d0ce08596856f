# Rights to run DDL and statements in Athena, which acts with the caller's rights on the catalog and on S3.
locals {
  athena_callers = {
    schema-validator  = [var.databases.standardized, var.databases.curated, var.databases.ops]
    table-provisioner = [var.databases.raw, var.databases.standardized, var.databases.ops]
  }
}

data "aws_iam_policy_document" "athena" {
  for_each = local.athena_callers

  statement {
    sid = "RunStatements"
    actions = [
      "athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults",
      "athena:StopQueryExecution", "athena:GetWorkGroup",
    ]
    resources = [local.workgroup_arn]
  }

  statement {
    sid     = "MakeAndAlterTables"
    actions = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:CreateTable", "glue:UpdateTable"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for database in each.value : ["${local.glue_arn}:database/${database}", "${local.glue_arn}:table/${database}/*"]
    ]))
  }

  # Athena looks up the default database before any statement, and makes it where an account has none.
  statement {
    sid       = "FindOrMakeDefaultDatabase"
    actions   = ["glue:GetDatabase", "glue:CreateDatabase"]
    resources = ["${local.glue_arn}:catalog", "${local.glue_arn}:database/default"]
  }

  statement {
    sid       = "FindLake"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
    resources = [local.bucket_arns.lake]
  }

  # Files are deleted after a commit that failed.
  statement {
    sid = "WriteTablesAndResults"
    actions = [
      "s3:GetObject", "s3:PutObject", "s3:DeleteObject",
      "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
    ]
    resources = concat(
      [for database in each.value : "${local.bucket_arns.lake}/warehouse/${database}/*"],
      ["${local.bucket_arns.lake}/${var.query_results_prefix}*"],
    )
  }

  statement {
    sid       = "KeepRegistry"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.schema_registry}"]
  }
}
