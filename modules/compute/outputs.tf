output "ingest_queue" {
  description = "Ingest queue: name and URL."
  value       = { name = local.ingest_name, url = aws_cloudformation_stack.queues.outputs["IngestUrl"] }
}

output "dlq" {
  description = "Dead-letter queue: name and URL."
  value       = { name = local.dlq_name, url = aws_cloudformation_stack.queues.outputs["DlqUrl"] }
}

output "failed_schema_uploads_queue" {
  description = "Name of the queue of schema uploads that schema-validator could not take."
  value       = local.failed_schema_uploads_name
}

output "unsettled_schema_uploads_queue" {
  description = "Name of the queue of schema uploads whose tries have ended, and that wait for their verdict."
  value       = local.unsettled_schema_uploads_name
}

output "stream_error_rule" {
  description = "Name of the rule that sees every object below Firehose's error prefix."
  value       = aws_cloudwatch_event_rule.stream_errors.name
}

output "failed_stream_errors_queue" {
  description = "Name of the queue of error objects that stream-error-reader could not put on record."
  value       = local.failed_stream_errors_name
}

output "functions" {
  description = "Name and ARN of each function, by package."
  value = {
    for package, function in {
      sqs-processor       = module.sqs_processor
      firehose-transform  = module.firehose_transform
      dlq-archiver        = module.dlq_archiver
      schema-validator    = module.schema_validator
      table-provisioner   = module.table_provisioner
      cycle-planner       = module.cycle_planner
      stream-error-reader = module.stream_error_reader
      operation-steps     = module.operation_steps
    } : package => { name = function.name, arn = function.arn }
  }
}

output "provisioner_function" {
  description = "Name of the table-provisioner function; apart from `functions`, so that jobs need not wait for the queues."
  value       = module.table_provisioner.name
}

output "planner_arn" {
  description = "ARN of the cycle-planner function."
  value       = module.cycle_planner.arn
}

output "operation_steps_arn" {
  description = "ARN of the operation-steps function."
  value       = module.operation_steps.arn
}

output "schema_validator_arn" {
  description = "ARN of the schema-validator function."
  value       = module.schema_validator.arn
}

output "ready" {
  description = "True once events can be taken and cycles can run: the system tables are there, and the stream. Known in every plan."
  value       = true

  depends_on = [aws_lambda_invocation.system_tables, aws_cloudformation_stack.stream]
}

output "stream_name" {
  description = "Firehose stream name."
  value       = local.stream_name
}

output "data_holders" {
  description = "Ids of what holds data: each changes when the thing is replaced, and only then."
  value       = { queues = aws_cloudformation_stack.queues.id, stream = aws_cloudformation_stack.stream.id }
}
