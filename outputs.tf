output "region" {
  description = "Where all of it is."
  value       = var.region
}

output "ingest_queue_url" {
  description = "Where producers send events."
  value       = module.compute.ingest_queue.url
}

output "dlq_url" {
  description = "Dead-letter queue; dlq-archiver drains it."
  value       = module.compute.dlq.url
}

output "schema_bucket" {
  description = "Bucket of topic schemas: schemas/{topic}/pending/schema.json is where an upload goes."
  value       = module.state.buckets["schemas"]
}

output "lake_bucket" {
  description = "Bucket of the Iceberg tables (warehouse/) and query results."
  value       = module.state.buckets["lake"]
}

output "dlq_archive_bucket" {
  description = "Bucket of archived dead letters (dlq/) and of what Firehose could not deliver (firehose-errors/)."
  value       = module.state.buckets["dlq_archive"]
}

output "schema_registry_table" {
  description = "DynamoDB table of topics and the state of their schemas."
  value       = module.state.tables["schema_registry"]
}

output "checkpoint_table" {
  description = "DynamoDB table of checkpoints and of the cycle's lease."
  value       = module.state.tables["checkpoints"]
}

output "dlq_archive_table" {
  description = "DynamoDB table that indexes archived dead letters and what Firehose could not deliver."
  value       = module.state.tables["dlq_archive"]
}

output "rewind_window_days" {
  description = "Days for which a topic can be taken back, and for which cycle_delta keeps its cycles."
  value       = var.rewind_window_days
}

output "maintenance_state_machine_arn" {
  description = "The state machine that maintains the tables."
  value       = module.orchestration.maintenance_state_machine_arn
}

output "state_machine_arn" {
  description = "State machine of the cycle."
  value       = module.orchestration.state_machine_arn
}

output "operations_table" {
  description = "DynamoDB table of operations and of the locks of their topics."
  value       = module.state.tables["operations"]
}

output "operation_state_machine_arn" {
  description = "State machine of operations. lean-ops starts it."
  value       = module.orchestration.operation_state_machine_arn
}

output "freshness_targets" {
  description = "Minutes within which topics are to be taken: the default, and topics with a target of their own."
  value       = local.freshness_targets
}

output "catch_up_job" {
  description = "Glue job that brings tables from before drift_log and the registry in line; dry unless started with --dry-run=false."
  value       = module.catalog.catch_up_job
}

output "firehose_stream_name" {
  description = "Firehose stream into RAW."
  value       = module.compute.stream_name
}

output "athena_workgroup" {
  description = "Athena workgroup to query the tables in."
  value       = module.catalog.athena_workgroup
}

output "operations_athena_workgroup" {
  description = "Athena workgroup of the commands on topics and operations, whose results are apart."
  value       = module.catalog.operations_athena_workgroup
}

output "databases" {
  description = "Glue database of each layer: raw, standardized, curated, ops."
  value       = module.catalog.databases
}

output "dashboard_url" {
  description = "CloudWatch dashboard."
  value       = module.orchestration.dashboard_url
}
