variable "name" {
  description = "Function name; the role and the log group are named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,62}$", var.name))
    error_message = "name must be 2 to 63 lower-case letters, digits or hyphens, from a letter: role names end at 64. Choose a shorter name_prefix."
  }
}

variable "description" {
  description = "What the function does, in one sentence."
  type        = string
  nullable    = false
}

variable "zip" {
  description = "Deployment package made by the build, with index.js at its top."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.zip, ".zip")
    error_message = "zip must be the path of a .zip file. Pass the build's output, such as dist/sqs-processor.zip."
  }
}

variable "artifacts_bucket" {
  description = "Bucket that the package is uploaded to, and that Lambda takes it from."
  type        = string
  nullable    = false
}

variable "policy" {
  description = "IAM policy document (JSON) of what the function may do besides writing its own log."
  type        = string
  nullable    = false

  validation {
    condition     = can(jsondecode(var.policy))
    error_message = "policy must be JSON. Pass the json attribute of an aws_iam_policy_document."
  }
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
  nullable    = false
}

variable "memory_mb" {
  description = "Memory in MB; CPU grows with it."
  type        = number
  nullable    = false
}

variable "timeout_seconds" {
  description = "Seconds after which Lambda ends an invocation."
  type        = number
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds must be a whole number from 1 to 900, Lambda's limit. Use a lower number."
  }
}

variable "settings" {
  description = "What all functions share: processor architecture (arm64 or x86_64), what ARNs of log groups begin with, log retention in days, X-Ray tracing."
  type = object({
    architecture       = string
    logs_arn           = string
    log_retention_days = number
    tracing_enabled    = bool
  })
  nullable = false
}
