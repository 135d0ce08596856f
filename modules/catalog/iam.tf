locals {
  # Of each database: its entry in the catalog, and what the names of its tables and of their files begin with.
  lake_parts = {
    for key, database in local.databases : key => {
      database = "${local.glue_arn}:database/${database.name}"
      tables   = "${local.glue_arn}:table/${database.name}"
      files    = "${local.lake_arn}/warehouse/${database.name}"
    }
  }

  # Databases whose tables each job of the cycle may read and write.
  job_databases = {
    standardized = { read = ["raw"], write = ["standardized", "ops"] }
    curated      = { read = ["standardized"], write = ["curated", "ops"] }
  }
}

data "aws_iam_policy_document" "assume_glue" {
  statement {
    sid     = "GlueRunsJobs"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["glue.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "job" {
  for_each = local.jobs

  name               = "${var.name_prefix}-job-${each.key}"
  description        = "Glue job ${var.name_prefix}-${each.key}."
  assume_role_policy = data.aws_iam_policy_document.assume_glue.json
}

# Rights that every Glue job needs, whatever it does.
data "aws_iam_policy_document" "any_job" {
  for_each = local.jobs

  statement {
    sid       = "ReadArtifacts"
    actions   = ["s3:GetObject"]
    resources = ["${local.artifacts_arn}/glue/*"]
  }

  # The groups are there already. Whether Glue asks for them to be made all the same is not documented, and a run that is refused
  # might leave no log.
  statement {
    sid     = "WriteLogs"
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [
      for kind in ["output", "error"] :
      "arn:${var.account.partition}:logs:${var.account.region}:${var.account.id}:log-group:${local.log_group_prefixes[each.key]}/${kind}:*"
    ]
  }

  # PutMetricData cannot be limited to a resource, so the condition on the namespace is the only limit.
  statement {
    sid       = "PublishMetrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["Glue", "lean-ops"]
    }
  }
}

# What the jobs that work on the whole lake have in common: they see every table's entry, and find its files.
data "aws_iam_policy_document" "any_lake_job" {
  for_each = toset(["historical-catch-up", "maintenance", "operation"])

  source_policy_documents = [data.aws_iam_policy_document.any_job[each.key].json]

  statement {
    sid     = "ReadCatalog"
    actions = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for part in values(local.lake_parts) : [part.database, "${part.tables}/*"]
    ]))
  }

  statement {
    sid       = "FindLake"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.lake_arn, local.artifacts_arn]
  }
}

data "aws_iam_policy_document" "job" {
  for_each = local.job_databases

  source_policy_documents = [data.aws_iam_policy_document.any_job[each.key].json]

  statement {
    sid     = "ReadCatalog"
    actions = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for key in concat(each.value.read, each.value.write) : [
        local.lake_parts[key].database,
        "${local.lake_parts[key].tables}/*",
      ]
    ]))
  }

  statement {
    sid     = "CommitTables"
    actions = ["glue:CreateTable", "glue:UpdateTable"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for key in each.value.write : [
        local.lake_parts[key].database,
        "${local.lake_parts[key].tables}/*",
      ]
    ]))
  }

  statement {
    sid       = "FindLakeAndSchemas"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.lake_arn, local.schemas_arn, local.artifacts_arn]
  }

  statement {
    sid       = "ReadWarehouse"
    actions   = ["s3:GetObject"]
    resources = [for key in concat(each.value.read, each.value.write) : "${local.lake_parts[key].files}/*"]
  }

  # Files are deleted after a commit that failed, and metadata files past their retention.
  statement {
    sid       = "WriteWarehouse"
    actions   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = [for key in each.value.write : "${local.lake_parts[key].files}/*"]
  }

  statement {
    sid       = "ReadActiveSchemas"
    actions   = ["s3:GetObject"]
    resources = ["${local.schemas_arn}/schemas/*/active/*"]
  }

  statement {
    sid       = "ReadTopics"
    actions   = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"]
    resources = ["${local.dynamodb_arn}/${var.tables.schema_registry}"]
  }

  statement {
    sid       = "MirrorCheckpoints"
    actions   = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = ["${local.dynamodb_arn}/${var.tables.checkpoints}"]
  }

  # Once, the job has RAW keep few old metadata files, as Athena's DDL cannot say so. It cannot write a row.
  dynamic "statement" {
    for_each = each.key == "standardized" ? ["events"] : []

    content {
      sid     = "SetPropertiesOfRaw"
      actions = ["glue:UpdateTable"]
      resources = [
        "${local.glue_arn}:catalog",
        local.lake_parts["raw"].database,
        "${local.lake_parts["raw"].tables}/${statement.value}",
      ]
    }
  }

  dynamic "statement" {
    for_each = each.key == "standardized" ? ["events"] : []

    content {
      sid       = "WriteMetadataOfRaw"
      actions   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
      resources = ["${local.lake_parts["raw"].files}/${statement.value}/metadata/*"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "standardized" ? [var.provisioner_function] : []

    content {
      sid       = "MakeTablesOfNewTopics"
      actions   = ["lambda:InvokeFunction"]
      resources = ["arn:${var.account.partition}:lambda:${var.account.region}:${var.account.id}:function:${statement.value}"]
    }
  }
}

resource "aws_iam_role_policy" "job" {
  for_each = merge(data.aws_iam_policy_document.job, {
    historical-catch-up = data.aws_iam_policy_document.catch_up
    maintenance         = data.aws_iam_policy_document.maintenance
    operation           = data.aws_iam_policy_document.operation
  })

  name   = "job"
  role   = aws_iam_role.job[each.key].id
  policy = each.value.json
}
