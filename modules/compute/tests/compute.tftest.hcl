mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:123456789012:function:mock" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:mock" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:123456789012:rule/mock" }
  }

  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        IngestUrl = "https://sqs.eu-central-1.amazonaws.com/123456789012/lean-ops-ingest"
        DlqUrl    = "https://sqs.eu-central-1.amazonaws.com/123456789012/lean-ops-dlq"
      }
    }
  }

  mock_resource "aws_lambda_invocation" {
    defaults = { result = "{\"ensured\":[]}" }
  }
}

variables {
  name_prefix          = "lean-ops"
  account              = { id = "123456789012", partition = "aws", region = "eu-central-1" }
  build_dir            = "tests/fixtures"
  database_prefix      = "lean_ops"
  databases            = { raw = "lean_ops_raw", standardized = "lean_ops_standardized", curated = "lean_ops_curated", ops = "lean_ops_ops" }
  athena_workgroup     = "lean-ops"
  buckets              = { lake = "lake", schemas = "schemas", dlq_archive = "archive", artifacts = "artifacts" }
  query_results_prefix = "athena-results/"
  tables               = { schema_registry = "registry", checkpoints = "checkpoints", operations = "operations", dlq_archive = "dlq-archive", idempotency = "idempotency" }
  lease_seconds        = 7200

  maintenance_lease_seconds = 5820
  operation_timeout_seconds = 18480
  hold_after_bad_cycle      = false

  freshness_targets = { default = 60, topics = { "telemetry.climate" = 30 } }
  require_tls       = true
  provision_tables  = true

  ingest_batch_size           = 1000
  ingest_batch_window_seconds = 5
  ingest_max_concurrency      = 20
  ingest_timeout_seconds      = 60
  visibility_timeout_seconds  = 420
  max_clock_skew_seconds      = 86400
  max_receive_count           = 1000
  dlq_entry_days              = 0
  firehose_buffer_seconds     = 60
  firehose_buffer_mb          = 1
  firehose_file_mb            = 64
  lambda_architecture         = "arm64"
  lambda_environment          = {}
  log_level                   = "INFO"
  log_retention_days          = 30
  tracing_enabled             = false

  lambda_memory_mb = {
    sqs_processor       = 1024
    firehose_transform  = 1024
    dlq_archiver        = 512
    schema_validator    = 512
    table_provisioner   = 512
    cycle_planner       = 512
    stream_error_reader = 2048
    operation_steps     = 512
  }
}

# In a plan the outputs of the queues' stack are unknown, and a mapping whose queue is unknown would be replaced.
run "knows_its_queues_before_they_are_made" {
  command = plan

  assert {
    condition = [
      for mapping in [aws_lambda_event_source_mapping.ingest, aws_lambda_event_source_mapping.dlq, aws_lambda_event_source_mapping.unsettled_schema_uploads] : mapping.event_source_arn
      ] == [
      for name in ["ingest", "dlq", "unsettled-schema-uploads"] : "arn:aws:sqs:eu-central-1:123456789012:lean-ops-${name}"
    ]
    error_message = "Mappings name their queues."
  }
}

run "moves_events_to_raw_and_keeps_what_fails" {
  command = apply

  assert {
    condition = alltrue([
      for id in ["Ingest", "Dlq", "FailedSchemaUploads", "UnsettledSchemaUploads", "FailedStreamErrors"] :
      jsondecode(aws_cloudformation_stack.queues.template_body).Resources[id].Properties.MaximumMessageSize == 1048576 &&
      jsondecode(aws_cloudformation_stack.queues.template_body).Resources[id].Properties.SqsManagedSseEnabled
    ])
    error_message = "Every queue takes 1 MiB and is encrypted."
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.queues.template_body).Resources.Ingest.Properties.RedrivePolicy.maxReceiveCount == 1000
    error_message = "Messages that keep failing go to the dead-letter queue."
  }

  assert {
    condition     = length([for id, resource in jsondecode(aws_cloudformation_stack.queues.template_body).Resources : id if resource.Type == "AWS::SQS::QueuePolicy" && strcontains(jsonencode(resource), "aws:SecureTransport")]) == 5
    error_message = "Every queue refuses plain HTTP."
  }

  assert {
    condition = alltrue([
      for mapping in [aws_lambda_event_source_mapping.ingest, aws_lambda_event_source_mapping.dlq, aws_lambda_event_source_mapping.unsettled_schema_uploads] :
      contains(mapping.function_response_types, "ReportBatchItemFailures")
    ])
    error_message = "A batch is never acknowledged as a whole."
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.stream.template_body).Resources.Events.Properties.IcebergDestinationConfiguration.AppendOnly
    error_message = "The stream raises its limit of throughput by itself, which can only be chosen when it is made."
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.stream.template_body).Resources.Events.Properties.DeliveryStreamEncryptionConfigurationInput.KeyType == "AWS_OWNED_CMK"
    error_message = "What the stream holds is encrypted."
  }

  assert {
    condition = (
      local.iceberg_destination.DestinationTableConfigurationList[0] == { DestinationDatabaseName = "lean_ops_raw", DestinationTableName = "events" } &&
      local.iceberg_destination.S3Configuration.ErrorOutputPrefix == "firehose-errors/"
    )
    error_message = "Rows go to RAW, and what fails to the error prefix."
  }

  assert {
    condition     = local.iceberg_destination.S3Configuration.BucketARN == "arn:aws:s3:::archive"
    error_message = "The error prefix is in the archive bucket, which tells EventBridge."
  }

  assert {
    condition = { for parameter in local.iceberg_destination.ProcessingConfiguration.Processors[0].Parameters : parameter.ParameterName => parameter.ParameterValue } == {
      LambdaArn               = "arn:aws:lambda:eu-central-1:123456789012:function:mock:$LATEST"
      BufferIntervalInSeconds = "30"
      BufferSizeInMBs         = "1"
    }
    error_message = "The transform gets small batches soon."
  }

  assert {
    condition     = !contains([for statement in data.aws_iam_policy_document.stream.statement : statement if statement.sid == "WriteErrors"][0].actions, "s3:DeleteObject")
    error_message = "What was kept stays."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.stream_errors.event_pattern).detail == { bucket = { name = ["archive"] }, object = { key = [{ prefix = "firehose-errors/" }] } }
    error_message = "The rule is for the error prefix of the archive, and for nothing else in it."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.error_sweep.schedule_expression == "rate(1 day)" && jsondecode(aws_cloudwatch_event_target.stream_error_reader["error-sweep"].input).action == "sweep"
    error_message = "Once a day the prefix is swept."
  }

  assert {
    condition = alltrue([
      for target in aws_cloudwatch_event_target.stream_error_reader :
      target.dead_letter_config[0].arn == "arn:aws:sqs:eu-central-1:123456789012:lean-ops-failed-stream-errors" && target.retry_policy[0].maximum_retry_attempts == 20
    ])
    error_message = "An event that cannot be delivered is retried, then kept."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.stream_error_reader.destination_config[0].on_failure[0].destination == "arn:aws:sqs:eu-central-1:123456789012:lean-ops-failed-stream-errors"
    error_message = "So is one that the function fails on."
  }

  assert {
    condition = alltrue([
      for destination in [
        aws_lambda_function_event_invoke_config.schema_validator.destination_config[0].on_failure[0].destination,
        aws_cloudwatch_event_target.schema_validator.dead_letter_config[0].arn,
      ] : destination == aws_lambda_event_source_mapping.unsettled_schema_uploads.event_source_arn
    ])
    error_message = "An upload that was not handled or not delivered comes back for its verdict."
  }

  assert {
    condition = (
      jsondecode(aws_cloudformation_stack.queues.template_body).Resources.UnsettledSchemaUploads.Properties.RedrivePolicy.deadLetterTargetArn["Fn::GetAtt"] == ["FailedSchemaUploads", "Arn"] &&
      jsondecode(aws_cloudformation_stack.queues.template_body).Resources.UnsettledSchemaUploads.Properties.VisibilityTimeout > 300
    )
    error_message = "One whose verdict fails too ends with the operators, and none comes back while it is handled."
  }

  assert {
    condition     = length(setsubtract(["lean-ops-unsettled-schema-uploads", "lean-ops-failed-schema-uploads"], [for arn in [for statement in data.aws_iam_policy_document.schema_validator.statement : statement.resources if statement.sid == "HandOverFailedEvents"][0] : reverse(split(":", arn))[0]])) == 0
    error_message = "Lambda may send to the first queue, and the function to the second."
  }

  assert {
    condition     = jsondecode(aws_cloudformation_stack.queues.template_body).Resources.FailedStreamErrorsPolicy.Properties.PolicyDocument.Statement[0].Condition.ArnEquals["aws:SourceArn"] == ["arn:aws:events:eu-central-1:123456789012:rule/lean-ops-stream-errors", "arn:aws:events:eu-central-1:123456789012:rule/lean-ops-stream-error-sweep"]
    error_message = "Both rules may hand over, and no other."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.stream_error_reader.statement :
      length(setintersection(statement.actions, ["s3:PutObject", "s3:DeleteObject", "dynamodb:DeleteItem", "dynamodb:Scan"])) == 0
    ])
    error_message = "Error objects and entries are read and added to, never taken away."
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.stream_error_reader.statement : statement.resources if statement.sid == "ReadUncommittedDataFiles"][0] == toset(["arn:aws:s3:::lake/warehouse/lean_ops_raw/events/*"])
    error_message = "Of the lake it reads RAW's files alone."
  }

  assert {
    condition = alltrue(flatten([
      for document in [
        data.aws_iam_policy_document.sqs_processor, data.aws_iam_policy_document.dlq_archiver,
        data.aws_iam_policy_document.schema_validator, data.aws_iam_policy_document.cycle_planner, data.aws_iam_policy_document.operation_steps,
        data.aws_iam_policy_document.athena["schema-validator"], data.aws_iam_policy_document.athena["table-provisioner"], data.aws_iam_policy_document.table_provisioner,
        data.aws_iam_policy_document.stream, data.aws_iam_policy_document.stream_error_reader,
      ] : [for statement in document.statement : !contains(statement.resources, "*") && alltrue([for action in statement.actions : !endswith(action, "*")])]
    ]))
    error_message = "Statements name their actions and their resources."
  }

  assert {
    condition     = !strcontains(jsonencode(data.aws_iam_policy_document.cycle_planner.statement), "states:StartExecution")
    error_message = "The planner starts no operation where topics are not held by themselves."
  }

  assert {
    condition     = !strcontains(jsonencode(data.aws_iam_policy_document.athena["schema-validator"].statement), "lean_ops_raw")
    error_message = "schema-validator has no business with RAW."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.open_errors.schedule_expression == "rate(1 hour)" && jsondecode(aws_cloudwatch_event_target.open_errors.input).action == "count_errors"
    error_message = "Open errors are counted once an hour."
  }

  # It counts the errors on record that a version mends, and with x-replay-errors asks for their replay.
  assert {
    condition = alltrue([
      for resource in ["arn:aws:s3:::lake/warehouse/lean_ops_ops/*", "arn:aws:s3:::lake/warehouse/lean_ops_curated/*"] :
      contains([for statement in data.aws_iam_policy_document.athena["schema-validator"].statement : statement.resources if statement.sid == "WriteTablesAndResults"][0], resource)
    ])
    error_message = "schema-validator judges recorded errors against Curated."
  }

  assert {
    condition = alltrue([
      for sid, actions in { RequestOperations = ["dynamodb:GetItem", "dynamodb:PutItem"], StartOperations = ["states:StartExecution"] } :
      [for statement in data.aws_iam_policy_document.schema_validator.statement : statement.actions if statement.sid == sid][0] == toset(actions)
    ])
    error_message = "schema-validator requests operations, and does nothing else with them."
  }
}

run "holds_topics_by_itself_only_where_that_is_wanted" {
  command = plan

  variables {
    hold_after_bad_cycle = true
  }

  assert {
    condition = alltrue([
      for sid, wanted in {
        RequestHoldsAfterBadCycles = { actions = ["dynamodb:PutItem"], resources = ["arn:aws:dynamodb:eu-central-1:123456789012:table/operations"] }
        StartHoldsAfterBadCycles   = { actions = ["states:StartExecution"], resources = ["arn:aws:states:eu-central-1:123456789012:stateMachine:lean-ops-operation"] }
      } : [for one in data.aws_iam_policy_document.cycle_planner.statement : { actions = one.actions, resources = one.resources } if one.sid == sid] == [{ actions = toset(wanted.actions), resources = toset(wanted.resources) }]
    ])
    error_message = "The planner may request holds, and start them."
  }
}

run "can_do_without_tls_and_tables_and_adds_environment" {
  command = plan

  variables {
    require_tls        = false
    provision_tables   = false
    lambda_environment = { EXTRA = "1", LOG_LEVEL = "TRACE" }
  }

  assert {
    condition     = [for id, resource in jsondecode(aws_cloudformation_stack.queues.template_body).Resources : id if resource.Type == "AWS::SQS::QueuePolicy"] == ["FailedStreamErrorsPolicy", "UnsettledSchemaUploadsPolicy"]
    error_message = "EventBridge may hand over failed events with TLS or without."
  }

  assert {
    condition     = length(aws_lambda_invocation.system_tables) == 0
    error_message = "Without provision_tables nothing is invoked."
  }

  assert {
    condition     = local.function_environment == { EXTRA = "1", LOG_LEVEL = "INFO", TRACING_ENABLED = "false" }
    error_message = "What a function needs for itself wins."
  }
}

run "refuses_names_of_another_form_and_a_lease_of_ten_seconds" {
  command = plan

  variables {
    databases     = { raw = "x_raw", standardized = "x_standardized", curated = "x_curated", ops = "x_ops" }
    raw_table     = "raw-events"
    lease_seconds = 10
  }

  expect_failures = [var.databases, var.raw_table, var.lease_seconds]
}
