variable "name_prefix" {
  description = "Prefix of the workgroup, job and role names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,20}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 2 to 22 lower-case letters, digits or hyphens, from a letter to a letter or digit. Choose a shorter or simpler prefix, such as \"lean-ops\"."
  }
}

variable "database_prefix" {
  description = "Prefix of the Glue databases: {prefix}_raw, _standardized, _curated and _ops."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_prefix))
    error_message = "database_prefix must be up to 63 lower-case letters, digits or underscores, from a letter: Athena takes nothing else in a database name. Use underscores in place of hyphens."
  }
}

variable "account" {
  description = "Where the resources stand: account id, partition and region."
  type = object({
    id        = string
    partition = string
    region    = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account.id))
    error_message = "account.id must be the 12 digits of an AWS account. Pass data.aws_caller_identity.current.account_id."
  }
}

variable "buckets" {
  description = "Bucket names: the lake (warehouse and query results), the schemas and the job artifacts."
  type = object({
    lake      = string
    schemas   = string
    artifacts = string
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
  })
  nullable = false
}

variable "provisioner_function" {
  description = "Name of the table-provisioner Lambda, which makes the tables of topics seen for the first time."
  type        = string
  nullable    = false
}

variable "scripts_dir" {
  description = "Directory of the job scripts: standardized_processor.py, curated_processor.py and historical_catch_up.py."
  type        = string
  nullable    = false
}

variable "library_zip" {
  description = "Zip of the Python package lean_ops, made by the build."
  type        = string
  nullable    = false
}

variable "worker_type" {
  description = "Size of a Glue worker."
  type        = string
  default     = "G.1X"
  nullable    = false

  validation {
    condition     = contains(["G.1X", "G.2X", "G.4X", "G.8X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X"], var.worker_type)
    error_message = "worker_type must be a Spark worker of Glue. Use G.1X, or a larger G.* or R.* size when the job runs out of memory."
  }
}

variable "number_of_workers" {
  description = "Workers of one run, the driver among them."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.number_of_workers >= 2 && var.number_of_workers <= 299 && floor(var.number_of_workers) == var.number_of_workers
    error_message = "number_of_workers must be a whole number from 2 to 299: Glue wants a driver and at least one executor. Use 2 to start with."
  }
}

variable "timeout_minutes" {
  description = "Minutes after which Glue stops a run."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.timeout_minutes >= 5 && var.timeout_minutes <= 480 && floor(var.timeout_minutes) == var.timeout_minutes
    error_message = "timeout_minutes must be a whole number from 5 to 480. Shorter loses the work of a back-fill, longer hides a run that hangs."
  }
}

variable "max_columns" {
  description = "Columns a Standardized table may grow to; further payload fields go to rescued_data."
  type        = number
  default     = 500
  nullable    = false

  validation {
    condition     = var.max_columns >= 1 && var.max_columns <= 3000 && floor(var.max_columns) == var.max_columns
    error_message = "max_columns must be a whole number from 1 to 3000: Glue refuses tables of about 3,600 columns. Use a lower number."
  }
}

variable "force_destroy" {
  description = "Lets `terraform destroy` delete the workgroup with its saved queries and history."
  type        = bool
  default     = false
  nullable    = false
}
