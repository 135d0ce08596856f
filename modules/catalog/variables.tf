# Variables without a default that the root has too get their default and their bounds there (docs/decisions/0016-variables-once.md).

variable "name_prefix" {
  description = "Prefix of the workgroup, job and role names."
  type        = string
  nullable    = false
}

variable "database_prefix" {
  description = "Prefix of the Glue databases: {prefix}_raw, _standardized, _curated and _ops."
  type        = string
  nullable    = false
}

variable "account" {
  description = "Where the resources stand: account id, partition and region."
  type = object({
    id        = string
    partition = string
    region    = string
  })
  nullable = false
}

variable "buckets" {
  description = "Bucket names: the lake (warehouse and query results), the schemas, the job artifacts and the archive of dead letters."
  type = object({
    lake        = string
    schemas     = string
    artifacts   = string
    dlq_archive = string
  })
  nullable = false
}

variable "query_results_prefix" {
  description = "Where in the lake bucket Athena's results go."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*/$", var.query_results_prefix))
    error_message = "query_results_prefix must be one folder with a slash at its end. Use \"athena-results/\"."
  }
}

variable "tables" {
  description = "DynamoDB table names that the jobs read and write."
  type = object({
    schema_registry = string
    checkpoints     = string
    operations      = string
    dlq_archive     = string
    idempotency     = string
  })
  nullable = false
}

variable "provisioner_function" {
  description = "Name of the table-provisioner Lambda, which makes the tables of topics seen for the first time."
  type        = string
  nullable    = false
}

variable "scripts_dir" {
  description = "Directory of the job scripts: standardized_processor.py, curated_processor.py, operation.py, maintenance.py and historical_catch_up.py."
  type        = string
  nullable    = false
}

variable "library_zip" {
  description = "Zip of the Python package lean_ops, made by the build."
  type        = string
  nullable    = false
}

variable "glue_worker_type" {
  description = "Size of a Glue worker."
  type        = string
  nullable    = false
}

variable "glue_number_of_workers" {
  description = "Workers of one run, the driver among them."
  type        = number
  nullable    = false
}

variable "glue_timeout_minutes" {
  description = "Minutes after which Glue stops a run."
  type        = number
  nullable    = false
}

variable "catalog_calls_per_second" {
  description = "Calls of the Glue Data Catalog that a run of a job makes each second at most."
  type        = number
  nullable    = false
}

variable "driver_java_options" {
  description = "An option of the Java process of a job's driver; empty: none of ours."
  type        = string
  nullable    = false
}

variable "max_columns" {
  description = "Columns a Standardized table may grow to; further payload fields go to rescued_data."
  type        = number
  nullable    = false
}

variable "propose_rewind_rejected_percent" {
  description = "Share of a topic's messages in a cycle past which their rejection makes a rewind be proposed; 0: no share does."
  type        = number
  nullable    = false
}

variable "rewind_window_days" {
  description = "Days for which a topic can be taken back to an earlier state."
  type        = number
  nullable    = false
}

variable "raw_retention_days" {
  description = "Days that RAW is kept; null: for ever."
  type        = number
}

variable "log_retention_days" {
  description = "Days that the logs of job runs are kept."
  type        = number
  nullable    = false
}

variable "force_destroy" {
  description = "Lets `terraform destroy` delete the workgroup with its saved queries and history."
  type        = bool
  nullable    = false
}
