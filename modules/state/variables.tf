# Variables without a default that the root has too get their default and their bounds there (docs/decisions/0016-variables-once.md).

variable "name_prefix" {
  description = "Prefix of every bucket and table name."
  type        = string
  nullable    = false
}

variable "account" {
  description = "Where the resources stand: account id, partition and region. Account and region make bucket names unique in the world."
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

variable "force_destroy" {
  description = "Lifts the protection of buckets with objects in them and of tables. Leave it off where data matters."
  type        = bool
  nullable    = false
}

variable "require_tls" {
  description = "Buckets refuse requests that do not come over TLS. Off only where the endpoint itself is plain HTTP on loopback."
  type        = bool
  nullable    = false
}

variable "expiry_enabled" {
  description = "Buckets expire what nobody needs any more: unfinished uploads, query results, old schema versions. Off where a stack lives for minutes: the provider waits 50 s for these rules."
  type        = bool
  nullable    = false
}

variable "query_result_days" {
  description = "Days that Athena's result files are kept."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.query_result_days >= 1 && floor(var.query_result_days) == var.query_result_days
    error_message = "query_result_days must be a whole number of at least 1. Use 1 to keep results for the shortest time S3 knows."
  }
}

variable "schema_version_days" {
  description = "Days that an overwritten or deleted object version of the schema bucket is kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.schema_version_days >= 30 && floor(var.schema_version_days) == var.schema_version_days
    error_message = "schema_version_days must be a whole number of at least 30: older versions are how a wrong upload is undone. Use 30 or more."
  }
}
