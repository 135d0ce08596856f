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

variable "planner_arn" {
  description = "ARN of the cycle-planner function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[^:]+:lambda:", var.planner_arn))
    error_message = "planner_arn must be the ARN of a Lambda function. Pass the compute module's output planner_arn."
  }
}

variable "operation_steps_arn" {
  description = "ARN of the operation-steps function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[^:]+:lambda:", var.operation_steps_arn))
    error_message = "operation_steps_arn must be the ARN of a Lambda function. Pass the compute module's output operation_steps_arn."
  }
}

variable "schema_validator_arn" {
  description = "ARN of the schema-validator function, which makes the schema of a rebuild active."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[^:]+:lambda:", var.schema_validator_arn))
    error_message = "schema_validator_arn must be the ARN of a Lambda function. Pass the compute module's output schema_validator_arn."
  }
}

variable "operation_job" {
  description = "Glue job name of operations."
  type        = string
  nullable    = false
}

variable "ready" {
  description = "True once what a cycle works on is there; the schedule is made after it."
  type        = bool
  nullable    = false
}

variable "jobs" {
  description = "Glue job names of the two layers."
  type = object({
    standardized = string
    curated      = string
  })
  nullable = false
}

variable "maintenance_job" {
  description = "Name of the Glue job maintenance."
  type        = string
  nullable    = false
}

variable "maintenance_schedule" {
  description = "When maintenance runs: rate(...) or cron(...), in UTC."
  type        = string
  nullable    = false
}

variable "job_timeout_seconds" {
  description = "Seconds that the cycle waits for one job; a little more than Glue's own timeout, so that Glue ends it first."
  type        = number
  nullable    = false

  validation {
    condition     = var.job_timeout_seconds >= 300 && floor(var.job_timeout_seconds) == var.job_timeout_seconds
    error_message = "job_timeout_seconds must be a whole number of at least 300. Pass the jobs' glue_timeout_minutes in seconds plus a margin."
  }
}

variable "cycle_timeout_seconds" {
  description = "Seconds that a whole cycle has. The planner's lease must outlive it."
  type        = number
  nullable    = false

  validation {
    condition     = var.cycle_timeout_seconds > 2 * var.job_timeout_seconds
    error_message = "cycle_timeout_seconds must be more than 2 × job_timeout_seconds: a cycle runs two jobs, one after the other. Raise it."
  }
}

variable "maintenance_lease_seconds" {
  description = "Seconds for which maintenance takes the pipeline's lease. They outlive its job, with the tries to start it."
  type        = number
  nullable    = false

  validation {
    # retry_glue tries for 27 minutes at the most.
    condition     = var.maintenance_lease_seconds >= var.job_timeout_seconds + 1800
    error_message = "maintenance_lease_seconds must be at least job_timeout_seconds + 1800, or a cycle runs beside maintenance. Raise it."
  }
}

variable "operation_timeout_seconds" {
  description = "Seconds that an operation has. It waits for a cycle and for the DDL of a schema, and then for its job."
  type        = number
  nullable    = false

  validation {
    condition     = var.operation_timeout_seconds > var.cycle_timeout_seconds + var.job_timeout_seconds
    error_message = "operation_timeout_seconds must be more than cycle_timeout_seconds + job_timeout_seconds: an operation waits for a cycle and runs a job. Raise it."
  }
}

variable "schedule_enabled" {
  description = "Runs the cycle on its schedule."
  type        = bool
  nullable    = false
}

variable "schedule_expression" {
  description = "When the cycle runs: rate(...) or cron(...)."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that execution logs are kept."
  type        = number
  nullable    = false
}

variable "tracing_enabled" {
  description = "Executions write X-Ray traces."
  type        = bool
  nullable    = false
}

variable "watched" {
  description = "What the alarms and the dashboard look at, by name: queues, functions by package, Firehose stream."
  type = object({
    ingest_queue                   = string
    dlq                            = string
    failed_schema_uploads_queue    = string
    unsettled_schema_uploads_queue = string
    failed_stream_errors_queue     = string
    stream_error_rule              = string
    functions                      = map(string)
    stream                         = string
  })
  nullable = false

  validation {
    condition     = alltrue([for package in ["dlq-archiver", "table-provisioner", "cycle-planner", "schema-validator"] : contains(keys(var.watched.functions), package)])
    error_message = "watched.functions must name dlq-archiver, whose invocations are how dead letters are noticed, table-provisioner, which counts table versions, cycle-planner, which counts late topics, and schema-validator, which counts open errors. Pass every function of the compute module."
  }
}

variable "alarm_actions" {
  description = "ARNs told when an alarm goes off and when it is over, such as an SNS topic."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")])
    error_message = "alarm_actions must be ARNs. Pass the ARN of an SNS topic, not its name."
  }
}

variable "ingest_age_alarm_seconds" {
  description = "Age of the oldest waiting message from which someone should look."
  type        = number
  nullable    = false
}
