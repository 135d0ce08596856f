data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account = {
    id        = data.aws_caller_identity.current.account_id
    partition = data.aws_partition.current.partition
    region    = var.region

    # No module takes this. It has all of them wait for the check of what the deployment was made as, also when only a part is planned.
    checked = terraform_data.deployment.id
  }

  # Workers for Spark's batches that both Glue and provider 5.100 know.
  glue_worker_types = ["G.1X", "G.2X", "G.4X", "G.8X"]

  # Regions of Amazon's main partition in which Firehose does not deliver to Iceberg tables (docs/aws-facts.md#rights).
  regions_without_iceberg = ["ap-east-2", "ap-southeast-5", "ap-southeast-6", "mx-central-1"]

  dist_dir    = startswith(var.dist_dir, "/") ? var.dist_dir : "${path.root}/${var.dist_dir}"
  scripts_dir = startswith(var.glue_scripts_dir, "/") ? var.glue_scripts_dir : "${path.root}/${var.glue_scripts_dir}"

  # Limits in seconds. Each is longer than the one it contains (a job, the cycle's wait for it, the cycle, the lease), so that
  # the inner one ends first and says why.
  job_timeout_seconds   = var.glue_timeout_minutes * 60 + 120
  cycle_timeout_seconds = 2 * local.job_timeout_seconds + 1800
  lease_seconds         = local.cycle_timeout_seconds + 300

  # Maintenance runs one job, whose start may be put off for half an hour.
  maintenance_lease_seconds = local.job_timeout_seconds + 1800 + 300

  # An operation waits for the lease of a cycle and for the DDL of a schema, which both run out, and then for its job.
  operation_timeout_seconds = local.cycle_timeout_seconds + 1800 + 2 * local.job_timeout_seconds

  freshness_targets = { default = var.freshness_target_minutes, topics = var.freshness_targets }
}

module "state" {
  source = "./modules/state"

  name_prefix    = var.name_prefix
  account        = local.account
  force_destroy  = var.force_destroy
  require_tls    = var.require_tls
  expiry_enabled = var.expiry_enabled
}

module "catalog" {
  source = "./modules/catalog"

  name_prefix            = var.name_prefix
  database_prefix        = var.database_prefix
  account                = local.account
  buckets                = module.state.buckets
  query_results_prefix   = module.state.query_results_prefix
  tables                 = module.state.tables
  provisioner_function   = module.compute.provisioner_function
  scripts_dir            = local.scripts_dir
  library_zip            = "${local.dist_dir}/glue/lean_ops.zip"
  glue_worker_type       = var.glue_worker_type
  glue_number_of_workers = var.glue_number_of_workers
  glue_timeout_minutes   = var.glue_timeout_minutes
  max_columns            = var.max_columns
  rewind_window_days     = var.rewind_window_days
  raw_retention_days     = var.raw_retention_days
  log_retention_days     = var.log_retention_days
  force_destroy          = var.force_destroy

  propose_rewind_rejected_percent = var.propose_rewind_rejected_percent

  catalog_calls_per_second = var.catalog_calls_per_second
  driver_java_options      = var.driver_java_options
}

module "compute" {
  source = "./modules/compute"

  name_prefix                 = var.name_prefix
  account                     = local.account
  build_dir                   = local.dist_dir
  database_prefix             = var.database_prefix
  databases                   = module.catalog.databases
  athena_workgroup            = module.catalog.athena_workgroup
  buckets                     = module.state.buckets
  query_results_prefix        = module.state.query_results_prefix
  tables                      = module.state.tables
  require_tls                 = var.require_tls
  provision_tables            = var.provision_tables
  lease_seconds               = local.lease_seconds
  maintenance_lease_seconds   = local.maintenance_lease_seconds
  operation_timeout_seconds   = local.operation_timeout_seconds
  freshness_targets           = local.freshness_targets
  hold_after_bad_cycle        = var.hold_after_bad_cycle
  ingest_batch_size           = var.ingest_batch_size
  ingest_batch_window_seconds = var.ingest_batch_window_seconds
  ingest_max_concurrency      = var.ingest_max_concurrency
  ingest_timeout_seconds      = var.ingest_timeout_seconds
  visibility_timeout_seconds  = var.visibility_timeout_seconds
  max_clock_skew_seconds      = var.max_clock_skew_seconds
  max_receive_count           = var.max_receive_count
  dlq_entry_days              = var.dlq_entry_days
  firehose_buffer_seconds     = var.firehose_buffer_seconds
  firehose_buffer_mb          = var.firehose_buffer_mb
  firehose_file_mb            = var.firehose_file_mb
  lambda_architecture         = var.lambda_architecture
  lambda_memory_mb            = var.lambda_memory_mb
  lambda_environment          = var.lambda_environment
  log_level                   = var.log_level
  log_retention_days          = var.log_retention_days
  tracing_enabled             = var.tracing_enabled
}

module "orchestration" {
  source = "./modules/orchestration"

  name_prefix           = var.name_prefix
  account               = local.account
  planner_arn           = module.compute.planner_arn
  operation_steps_arn   = module.compute.operation_steps_arn
  schema_validator_arn  = module.compute.schema_validator_arn
  operation_job         = module.catalog.operation_job
  ready                 = module.compute.ready
  jobs                  = module.catalog.jobs
  maintenance_job       = module.catalog.maintenance_job
  job_timeout_seconds   = local.job_timeout_seconds
  cycle_timeout_seconds = local.cycle_timeout_seconds

  maintenance_lease_seconds = local.maintenance_lease_seconds
  operation_timeout_seconds = local.operation_timeout_seconds

  schedule_enabled         = var.schedule_enabled
  schedule_expression      = var.schedule_expression
  maintenance_schedule     = var.maintenance_schedule_expression
  log_retention_days       = var.log_retention_days
  tracing_enabled          = var.tracing_enabled
  alarm_actions            = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]
  ingest_age_alarm_seconds = var.ingest_age_alarm_seconds

  watched = {
    ingest_queue                   = module.compute.ingest_queue.name
    dlq                            = module.compute.dlq.name
    failed_schema_uploads_queue    = module.compute.failed_schema_uploads_queue
    unsettled_schema_uploads_queue = module.compute.unsettled_schema_uploads_queue
    failed_stream_errors_queue     = module.compute.failed_stream_errors_queue
    stream_error_rule              = module.compute.stream_error_rule
    functions                      = { for package, function in module.compute.functions : package => function.name }
    stream                         = module.compute.stream_name
  }
}

# A warning and no refusal: a first look at the pipeline needs no on-call topic.
check "alarms_tell_somebody" {
  assert {
    condition     = var.alarm_topic_arn != ""
    error_message = "alarm_topic_arn is empty: the alarms change colour in CloudWatch and tell nobody. Set it to the ARN of an SNS topic that somebody reads."
  }
}
