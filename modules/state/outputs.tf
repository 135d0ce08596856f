output "buckets" {
  description = "Bucket names: lake, schemas, dlq_archive, artifacts."
  value       = { for key, bucket in aws_s3_bucket.this : key => bucket.bucket }
}

output "tables" {
  description = "DynamoDB table names: schema_registry, checkpoints, operations, dlq_archive, idempotency."
  value       = { for key, table in aws_dynamodb_table.this : key => table.name }
}

output "query_results_prefix" {
  description = "Where in the lake bucket Athena's results go, and expire."
  value       = local.query_results_prefix
}

output "data_holders" {
  description = "Ids of what holds data: each changes when the thing is replaced, and only then."
  value = merge(
    { for key, bucket in aws_s3_bucket.this : "bucket_${key}" => bucket.id },
    { for key, table in aws_dynamodb_table.this : "table_${key}" => table.id },
  )
}
