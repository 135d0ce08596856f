output "databases" {
  description = "Glue database names: raw, standardized, curated, ops."
  value       = { for key, database in aws_glue_catalog_database.this : key => database.name }
}

output "athena_workgroup" {
  description = "Athena workgroup name."
  value       = aws_athena_workgroup.this["all"].name
}

output "operations_athena_workgroup" {
  description = "Athena workgroup of the commands on topics and operations."
  value       = aws_athena_workgroup.this["operations"].name
}

output "jobs" {
  description = "Glue job names of the cycle: standardized, curated."
  value       = { for key in ["standardized", "curated"] : key => aws_glue_job.this[key].name }
}

output "maintenance_job" {
  description = "Name of the Glue job maintenance."
  value       = aws_glue_job.this["maintenance"].name
}

output "operation_job" {
  description = "Name of the Glue job operation."
  value       = aws_glue_job.this["operation"].name
}

output "catch_up_job" {
  description = "Name of the Glue job historical-catch-up."
  value       = aws_glue_job.this["historical-catch-up"].name
}

output "data_holders" {
  description = "Ids of what holds data: each changes when the thing is replaced, and only then."
  value       = { for key, database in aws_glue_catalog_database.this : "database_${key}" => database.id }
}
