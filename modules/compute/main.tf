locals {
  partition  = var.account.partition
  region_arn = "${var.account.region}:${var.account.id}"

  glue_arn      = "arn:${local.partition}:glue:${local.region_arn}"
  dynamodb_arn  = "arn:${local.partition}:dynamodb:${local.region_arn}:table"
  logs_arn      = "arn:${local.partition}:logs:${local.region_arn}:log-group"
  workgroup_arn = "arn:${local.partition}:athena:${local.region_arn}:workgroup/${var.athena_workgroup}"
  bucket_arns   = { for key, name in var.buckets : key => "arn:${local.partition}:s3:::${name}" }

  # By its name: modules/orchestration makes it, and needs this module's functions first.
  operation_state_machine_arn = "arn:${local.partition}:states:${local.region_arn}:stateMachine:${var.name_prefix}-operation"

  stream_name = "${var.name_prefix}-events"
  stream_arn  = "arn:${local.partition}:firehose:${local.region_arn}:deliverystream/${local.stream_name}"

  function_settings = {
    architecture       = var.lambda_architecture
    logs_arn           = local.logs_arn
    log_retention_days = var.log_retention_days
    tracing_enabled    = var.tracing_enabled
  }

  function_environment = merge(var.lambda_environment, {
    LOG_LEVEL       = var.log_level
    TRACING_ENABLED = tostring(var.tracing_enabled)
  })
}
