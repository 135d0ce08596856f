module "table_provisioner" {
  source = "./lambda"

  name             = "${var.name_prefix}-table-provisioner"
  description      = "Makes the system tables, and Standardized tables of topics seen for the first time."
  zip              = "${var.build_dir}/table-provisioner.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.athena["table-provisioner"].json
  memory_mb        = var.lambda_memory_mb.table_provisioner
  timeout_seconds  = 900
  settings         = local.function_settings

  environment = merge(local.function_environment, {
    DATABASE_PREFIX  = var.database_prefix
    LAKE_BUCKET      = var.buckets.lake
    ATHENA_WORKGROUP = var.athena_workgroup
    REGISTRY_TABLE   = var.tables.schema_registry
  })
}

# The function makes the RAW table and those of the ops database. It runs whenever its code or a name changes, and may run again.
resource "aws_lambda_invocation" "system_tables" {
  count = var.provision_tables ? 1 : 0

  function_name = module.table_provisioner.name
  input         = jsonencode({ action = "system" })

  triggers = {
    code      = module.table_provisioner.code_hash
    databases = join(",", values(var.databases))
    lake      = var.buckets.lake
  }

  # Making the queues takes a minute on AWS, in which the function's new role becomes known to Glue, S3 and Athena.
  depends_on = [aws_cloudformation_stack.queues]
}
