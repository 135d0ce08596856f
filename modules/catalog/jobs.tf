locals {
  spark_conf = {
    "spark.sql.extensions"                             = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
    "spark.sql.catalog.glue_catalog"                   = "org.apache.iceberg.spark.SparkCatalog"
    "spark.sql.catalog.glue_catalog.catalog-impl"      = "org.apache.iceberg.aws.glue.GlueCatalog"
    "spark.sql.catalog.glue_catalog.io-impl"           = "org.apache.iceberg.aws.s3.S3FileIO"
    "spark.sql.catalog.glue_catalog.warehouse"         = local.warehouse
    "spark.sql.catalog.glue_catalog.glue.skip-archive" = "true"
    "spark.sql.session.timeZone"                       = "UTC"
  }

  jobs = {
    standardized = "Reads RAW once for all topics and merges each topic's latest versions into its Standardized table."
    curated      = "Types and judges the new versions of topics with a schema and merges the valid ones into Curated."
  }
}

resource "aws_s3_object" "script" {
  for_each = local.jobs

  bucket      = var.buckets.artifacts
  key         = "glue/${each.key}_processor.py"
  source      = "${var.scripts_dir}/${each.key}_processor.py"
  source_hash = try(filemd5("${var.scripts_dir}/${each.key}_processor.py"), null)

  lifecycle {
    precondition {
      condition     = fileexists("${var.scripts_dir}/${each.key}_processor.py")
      error_message = "The job script is missing: ${var.scripts_dir}/${each.key}_processor.py. Point scripts_dir at the folder that holds it."
    }
  }
}

resource "aws_s3_object" "library" {
  bucket      = var.buckets.artifacts
  key         = "glue/lean_ops.zip"
  source      = var.library_zip
  source_hash = try(filemd5(var.library_zip), null)

  lifecycle {
    precondition {
      condition     = fileexists(var.library_zip)
      error_message = "The Glue library is missing: ${var.library_zip}. Build it first: `npx --yes pnpm@12 build`."
    }
  }
}

resource "aws_glue_job" "this" {
  for_each = local.jobs

  name              = "${var.name_prefix}-${each.key}"
  description       = each.value
  role_arn          = aws_iam_role.job[each.key].arn
  glue_version      = "5.1"
  worker_type       = var.worker_type
  number_of_workers = var.number_of_workers
  timeout           = var.timeout_minutes
  # The next cycle takes up what a failed run left, from the checkpoint: a retry here would only delay the alarm.
  max_retries = 0

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = "s3://${var.buckets.artifacts}/${aws_s3_object.script[each.key].key}"
  }

  # One writer a layer. The cycle's lease says the same; this holds when someone starts a run by hand.
  execution_property {
    max_concurrent_runs = 1
  }

  # What changes from cycle to cycle (--cycle_id, --to_snapshot_id) comes with each run.
  default_arguments = {
    "--job-language"                     = "python"
    "--extra-py-files"                   = "s3://${var.buckets.artifacts}/${aws_s3_object.library.key}"
    "--datalake-formats"                 = "iceberg"
    "--conf"                             = join(" --conf ", [for key, value in local.spark_conf : "${key}=${value}"])
    "--enable-metrics"                   = "true"
    "--enable-continuous-cloudwatch-log" = "true"
    "--database_prefix"                  = var.database_prefix
    "--lake_bucket"                      = var.buckets.lake
    "--schema_bucket"                    = var.buckets.schemas
    "--registry_table"                   = var.tables.schema_registry
    "--checkpoint_table"                 = var.tables.checkpoints
    "--provisioner_function"             = var.provisioner_function
    "--max_columns"                      = tostring(var.max_columns)
  }

  depends_on = [aws_iam_role_policy.job]
}
