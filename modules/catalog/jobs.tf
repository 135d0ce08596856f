locals {
  spark_conf = {
    "spark.sql.extensions"                             = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
    "spark.sql.catalog.glue_catalog"                   = "org.apache.iceberg.spark.SparkCatalog"
    "spark.sql.catalog.glue_catalog.catalog-impl"      = "org.apache.iceberg.aws.glue.GlueCatalog"
    "spark.sql.catalog.glue_catalog.io-impl"           = "org.apache.iceberg.aws.s3.S3FileIO"
    "spark.sql.catalog.glue_catalog.warehouse"         = local.warehouse
    "spark.sql.catalog.glue_catalog.glue.skip-archive" = "true"
    # The tasks' own access to S3 goes by this too: left to itself, Arrow takes us-east-1 wherever the bucket is.
    "spark.sql.catalog.glue_catalog.client.region" = var.account.region
    "spark.sql.session.timeZone"                   = "UTC"

    "spark.driver.extraJavaOptions" = var.driver_java_options
  }

  # Arguments that every run of every job gets. Those that change from run to run come with the run.
  common_arguments = {
    "--job-language"     = "python"
    "--extra-py-files"   = "s3://${var.buckets.artifacts}/${aws_s3_object.library.key}"
    "--datalake-formats" = "iceberg"
    "--conf"             = join(" --conf ", [for key, value in local.spark_conf : "${key}=${value}" if value != ""])
    "--enable-metrics"   = "true"
    "--database_prefix"  = var.database_prefix
    "--schema_bucket"    = var.buckets.schemas
    "--registry_table"   = var.tables.schema_registry

    # Limits of the driver: what the jobs wait for is S3 and Glue, one topic beside the other.
    "--catalog_calls_per_second" = tostring(var.catalog_calls_per_second)
    "--driver_threads"           = "32"
  }

  # Arguments of the jobs that a cycle starts. The state machine adds --cycle_id and --to_snapshot_id.
  cycle_arguments = {
    "--lake_bucket"          = var.buckets.lake
    "--checkpoint_table"     = var.tables.checkpoints
    "--provisioner_function" = var.provisioner_function
    "--max_columns"          = tostring(var.max_columns)

    "--propose_rewind_rejected_percent" = tostring(var.propose_rewind_rejected_percent)
  }

  # Glue stops a run at its timeout, whatever it has begun. So a budget, after which a run begins nothing more, ends well before that: by
  # a sixth of the time, and by the minutes that a run takes to start and to end.
  most_minutes = var.glue_timeout_minutes - max(4, floor(var.glue_timeout_minutes / 6))

  budget_minutes = { maintenance = min(10, local.most_minutes), operation = min(60, local.most_minutes) }

  # A layer has one writer. The cycle's lease ensures this too, but not when someone starts a run by hand. Operations exclude each other
  # by topic, so many may be at work, up to what an account's runs of all jobs leave to others.
  max_concurrent_runs = { operation = 20 }

  log_group_prefixes = { for key in keys(local.jobs) : key => "/aws-glue/jobs/${var.name_prefix}-${key}" }

  jobs = {
    standardized = {
      description = "Reads RAW once for all topics and merges each topic's latest versions into its Standardized table."
      script      = "standardized_processor.py"
      arguments   = local.cycle_arguments
    }
    curated = {
      description = "Types and validates the new versions of topics with a schema and merges the valid ones into Curated."
      script      = "curated_processor.py"
      arguments   = local.cycle_arguments
    }
    # The state machine of maintenance adds --cycle_id.
    maintenance = {
      description = "Expires snapshots, compacts files and drops what nobody needs any more, of all tables."
      script      = "maintenance.py"
      arguments = {
        "--checkpoint_table"   = var.tables.checkpoints
        "--operations_table"   = var.tables.operations
        "--budget_minutes"     = tostring(local.budget_minutes.maintenance)
        "--rewind_window_days" = tostring(var.rewind_window_days)
        "--raw_retention_days" = tostring(coalesce(var.raw_retention_days, 0))
      }
    }
    # The state machine of operations starts it, once no cycle writes to the operation's topic any more.
    operation = {
      description = "Does what an operation does in tables: fences, compacts or rebuilds a topic's tables, and puts the operation on record."
      script      = "operation.py"
      arguments = {
        "--operations_table" = var.tables.operations
        "--checkpoint_table" = var.tables.checkpoints
        # A rebuild flattens payloads as a cycle does.
        "--max_columns" = tostring(var.max_columns)
        # An erasure looks into the archive and at query results, too.
        "--lake_bucket"       = var.buckets.lake
        "--archive_bucket"    = var.buckets.dlq_archive
        "--archive_table"     = var.tables.dlq_archive
        "--idempotency_table" = var.tables.idempotency
        # A compaction expires snapshots by the rule of maintenance, for as long as it may take.
        "--rewind_window_days" = tostring(var.rewind_window_days)
        "--budget_minutes"     = tostring(local.budget_minutes.operation)
        # Cycles of other topics go on meanwhile, and have the whole limit.
        "--catalog_calls_per_second" = tostring(max(1, floor(var.catalog_calls_per_second / 4)))
      }
    }
    # This job is started by hand. It changes nothing unless a run says --dry-run=false, so that trying it does no harm.
    historical-catch-up = {
      description = "Brings tables that are older than drift_log and the registry in line with them."
      script      = "historical_catch_up.py"
      arguments = {
        "--dry-run" = "true"
        # It may run beside a cycle, which has the whole limit.
        "--catalog_calls_per_second" = tostring(max(1, floor(var.catalog_calls_per_second / 4)))
      }
    }
  }
}

# Glue's own groups are shared by all jobs of an account and made by Glue, which keeps their events for ever. Each job therefore gets
# groups of its own: Glue 5 puts `output` and `error` below the prefix that the job names.
resource "aws_cloudwatch_log_group" "job" {
  for_each = merge([
    for key, prefix in local.log_group_prefixes : { for kind in ["output", "error"] : "${key}/${kind}" => "${prefix}/${kind}" }
  ]...)

  name              = each.value
  retention_in_days = var.log_retention_days
}

resource "aws_s3_object" "script" {
  for_each = local.jobs

  bucket      = var.buckets.artifacts
  key         = "glue/${each.value.script}"
  source      = "${var.scripts_dir}/${each.value.script}"
  source_hash = try(filemd5("${var.scripts_dir}/${each.value.script}"), null)

  # An object takes ten tags, and whoever deploys may set more.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists("${var.scripts_dir}/${each.value.script}")
      error_message = "The job script is missing: ${var.scripts_dir}/${each.value.script}. Point scripts_dir at the folder that holds it."
    }
  }
}

resource "aws_s3_object" "library" {
  bucket      = var.buckets.artifacts
  key         = "glue/lean_ops.zip"
  source      = var.library_zip
  source_hash = try(filemd5(var.library_zip), null)

  # An object takes ten tags, and whoever deploys may set more.
  override_provider {
    default_tags {
      tags = {}
    }
  }

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
  description       = each.value.description
  role_arn          = aws_iam_role.job[each.key].arn
  glue_version      = "5.1"
  worker_type       = var.glue_worker_type
  number_of_workers = var.glue_number_of_workers
  timeout           = var.glue_timeout_minutes
  # The next run takes up what a failed one left, so a retry by Glue would only delay the alarm.
  max_retries = 0

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = "s3://${var.buckets.artifacts}/${aws_s3_object.script[each.key].key}"
  }

  execution_property {
    max_concurrent_runs = lookup(local.max_concurrent_runs, each.key, 1)
  }

  default_arguments = merge(local.common_arguments, each.value.arguments, {
    "--custom-logGroup-prefix" = local.log_group_prefixes[each.key]
  })

  # A run that finds its log groups missing makes them, without an end.
  depends_on = [aws_iam_role_policy.job, aws_cloudwatch_log_group.job]
}
