module "table_provisioner" {
  source = "./lambda"

  name             = "${var.name_prefix}-table-provisioner"
  description      = "Makes the system tables, and Standardized tables of topics seen for the first time; counts table versions."
  zip              = "${var.build_dir}/table-provisioner.zip"
  artifacts_bucket = var.buckets.artifacts
  policy           = data.aws_iam_policy_document.table_provisioner.json
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

data "aws_iam_policy_document" "table_provisioner" {
  source_policy_documents = [data.aws_iam_policy_document.athena["table-provisioner"].json]

  statement {
    sid     = "CountTableVersions"
    actions = ["glue:GetTables", "glue:GetTableVersions"]
    resources = concat(["${local.glue_arn}:catalog"], flatten([
      for database in values(var.databases) : ["${local.glue_arn}:database/${database}", "${local.glue_arn}:table/${database}/*"]
    ]))
  }
}

# Glue keeps at most 100,000 versions of a table. Maintenance prunes them, and an alarm looks at the daily count in case it does not.
resource "aws_cloudwatch_event_rule" "count_table_versions" {
  name                = "${var.name_prefix}-count-table-versions"
  description         = "Once a day, the versions that Glue keeps of each table are counted."
  schedule_expression = "rate(1 day)"
}

resource "aws_cloudwatch_event_target" "count_table_versions" {
  rule      = aws_cloudwatch_event_rule.count_table_versions.name
  target_id = "table-provisioner"
  arn       = module.table_provisioner.arn
  input     = jsonencode({ action = "count-versions" })

  # A count that fails is an error of the function, which has an alarm; the next day's count makes up for it.
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 5
  }
}

resource "aws_lambda_permission" "count_table_versions" {
  statement_id  = "EventBridgeInvokesForCountingTableVersions"
  action        = "lambda:InvokeFunction"
  function_name = module.table_provisioner.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.count_table_versions.arn
}
