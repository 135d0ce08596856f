output "databases" {
  description = "Glue database names: raw, standardized, curated, ops."
  value       = { for key, database in aws_glue_catalog_database.this : key => database.name }
}

output "athena_workgroup" {
  description = "Athena workgroup name."
  value       = aws_athena_workgroup.this.name
}

output "jobs" {
  description = "Glue job names: standardized, curated."
  value       = { for key, job in aws_glue_job.this : key => job.name }
}
