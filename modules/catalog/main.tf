locals {
  databases = {
    raw          = { name = "${var.database_prefix}_raw", description = "Every accepted event as it was sent: append only." }
    standardized = { name = "${var.database_prefix}_standardized", description = "One table a topic, flattened, every column text, one row a key." }
    curated      = { name = "${var.database_prefix}_curated", description = "One table a topic with a schema: typed and governed." }
    ops          = { name = "${var.database_prefix}_ops", description = "What changed and what was refused: drift, errors, parse errors, ledger." }
  }

  lake_arn      = "arn:${var.account.partition}:s3:::${var.buckets.lake}"
  schemas_arn   = "arn:${var.account.partition}:s3:::${var.buckets.schemas}"
  artifacts_arn = "arn:${var.account.partition}:s3:::${var.buckets.artifacts}"
  glue_arn      = "arn:${var.account.partition}:glue:${var.account.region}:${var.account.id}"
  dynamodb_arn  = "arn:${var.account.partition}:dynamodb:${var.account.region}:${var.account.id}:table"
  warehouse     = "s3://${var.buckets.lake}/warehouse"
}

# Terraform makes the databases only. Their tables follow schema files and data: table-provisioner and schema-validator make them.
resource "aws_glue_catalog_database" "this" {
  for_each = local.databases

  name         = each.value.name
  description  = each.value.description
  location_uri = "${local.warehouse}/${each.value.name}"
}

locals {
  # Athena reads results with the caller's rights, so whoever may read a place of results may read what others have queried. Those who
  # hold topics need the results of their commands alone, and have a place of their own, within the one that expires.
  workgroups = {
    all        = { name = var.name_prefix, results = var.query_results_prefix, description = "DDL of the pipeline and queries of its operators." }
    operations = { name = "${var.name_prefix}-operations", results = "${var.query_results_prefix}operations/", description = "Queries of the commands on topics and operations." }
  }
}

moved {
  from = aws_athena_workgroup.this
  to   = aws_athena_workgroup.this["all"]
}

resource "aws_athena_workgroup" "this" {
  for_each = local.workgroups

  name          = each.value.name
  description   = each.value.description
  force_destroy = var.force_destroy

  configuration {
    # Clients can neither send results elsewhere nor leave them unencrypted.
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true

    result_configuration {
      output_location = "s3://${var.buckets.lake}/${each.value.results}"

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}
