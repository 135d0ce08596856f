# Variables without a default that the root has too get their default and their bounds there (docs/decisions/0016-variables-once.md).

variable "name_prefix" {
  description = "Prefix of every resource name."
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

variable "build_dir" {
  description = "Directory of the deployment packages, {package}.zip, made by the build."
  type        = string
  nullable    = false
}

variable "database_prefix" {
  description = "Prefix of the Glue databases, as the functions are told it."
  type        = string
  nullable    = false
}

variable "databases" {
  description = "Glue database names."
  type = object({
    raw          = string
    standardized = string
    curated      = string
    ops          = string
  })
  nullable = false

  validation {
    condition     = alltrue([for key, name in var.databases : name == "${var.database_prefix}_${key}"])
    error_message = "databases must be {database_prefix}_raw, _standardized, _curated and _ops: the functions build the names that way. Pass the catalog module's output and the same database_prefix."
  }
}

variable "raw_table" {
  description = "Table that Firehose appends to, in the raw database."
  type        = string
  default     = "events"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,127}$", var.raw_table))
    error_message = "raw_table must be lower-case letters, digits or underscores, from a letter. Use \"events\"."
  }
}

variable "hold_after_bad_cycle" {
  description = "Holds a topic by itself when a rewind is proposed for it."
  type        = bool
  nullable    = false
}

variable "freshness_targets" {
  description = "Minutes after which a topic that is behind counts as late: the default, and topics with a target of their own."
  type = object({
    default = number
    topics  = map(number)
  })
  nullable = false
}

variable "athena_workgroup" {
  description = "Athena workgroup in which the functions run DDL."
  type        = string
  nullable    = false
}

variable "buckets" {
  description = "Bucket names: lake, schemas, dlq_archive, artifacts."
  type = object({
    lake        = string
    schemas     = string
    dlq_archive = string
    artifacts   = string
  })
  nullable = false
}

variable "query_results_prefix" {
  description = "Where in the lake bucket Athena's results go."
  type        = string
  nullable    = false
}

variable "tables" {
  description = "DynamoDB table names: schema_registry, checkpoints, operations, dlq_archive, idempotency."
  type = object({
    schema_registry = string
    checkpoints     = string
    operations      = string
    dlq_archive     = string
    idempotency     = string
  })
  nullable = false
}

variable "require_tls" {
  description = "Queues refuse requests that do not come over TLS. Off only where the endpoint itself is plain HTTP on loopback."
  type        = bool
  nullable    = false
}

variable "provision_tables" {
  description = "Has table-provisioner make the system tables during apply. Off only where Athena is not there; Firehose then waits for the tables."
  type        = bool
  nullable    = false
}

variable "lease_seconds" {
  description = "Seconds after which a cycle that never ended gives its lease up."
  type        = number
  nullable    = false

  validation {
    condition     = var.lease_seconds >= 60 && floor(var.lease_seconds) == var.lease_seconds
    error_message = "lease_seconds must be a whole number of at least 60, and longer than the longest cycle, or two cycles write at once. Pass the state machine's timeout plus a margin."
  }
}

variable "maintenance_lease_seconds" {
  description = "Seconds after which maintenance that never ended gives the lease up."
  type        = number
  nullable    = false
}

variable "operation_timeout_seconds" {
  description = "Seconds that an execution of an operation has. One that has not changed for longer counts as dead."
  type        = number
  nullable    = false
}
