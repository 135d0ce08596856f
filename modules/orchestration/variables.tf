variable "name_prefix" {
  description = "Prefix of every resource name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,20}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 2 to 22 lower-case letters, digits or hyphens, from a letter to a letter or digit. Choose a shorter or simpler prefix, such as \"lean-ops\"."
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

variable "planner_arn" {
  description = "ARN of the cycle-planner function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[^:]+:lambda:", var.planner_arn))
    error_message = "planner_arn must be the ARN of a Lambda function. Pass the compute module's output planner_arn."
  }
}

variable "jobs" {
  description = "Glue job names of the two layers."
  type = object({
    standardized = string
    curated      = string
  })
  nullable = false
}

variable "job_timeout_seconds" {
  description = "Seconds that the cycle waits for one job; a little more than Glue's own timeout, so that Glue ends it first."
  type        = number
  nullable    = false

  validation {
    condition     = var.job_timeout_seconds >= 300 && floor(var.job_timeout_seconds) == var.job_timeout_seconds
    error_message = "job_timeout_seconds must be a whole number of at least 300. Pass the jobs' timeout_minutes in seconds plus a margin."
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

variable "schedule_enabled" {
  description = "Runs the cycle on its schedule."
  type        = bool
  default     = true
  nullable    = false
}

variable "schedule_expression" {
  description = "When the cycle runs: rate(...) or cron(...)."
  type        = string
  default     = "rate(15 minutes)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.schedule_expression))
    error_message = "schedule_expression must be rate(...) or cron(...), as EventBridge Scheduler takes it. Use rate(15 minutes)."
  }
}

variable "log_retention_days" {
  description = "Days that execution logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a period CloudWatch Logs knows. Use 7, 14, 30, 60, 90, 180 or 365, for example."
  }
}

variable "tracing_enabled" {
  description = "Executions write X-Ray traces."
  type        = bool
  default     = false
  nullable    = false
}

variable "watched" {
  description = "What the alarms and the dashboard look at, by name: queues, functions by package, Firehose stream."
  type = object({
    ingest_queue                = string
    dlq                         = string
    failed_schema_uploads_queue = string
    failed_stream_errors_queue  = string
    stream_error_rule           = string
    functions                   = map(string)
    stream                      = string
  })
  nullable = false

  validation {
    condition     = contains(keys(var.watched.functions), "dlq-archiver")
    error_message = "watched.functions must name the dlq-archiver function: its invocations are how dead letters are noticed. Pass every function of the compute module."
  }
}

variable "alarm_actions" {
  description = "ARNs told when an alarm goes off and when it is over, such as an SNS topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")])
    error_message = "alarm_actions must be ARNs. Pass the ARN of an SNS topic, not its name."
  }
}

variable "ingest_age_alarm_seconds" {
  description = "Age of the oldest waiting message from which someone should look."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.ingest_age_alarm_seconds >= 60
    error_message = "ingest_age_alarm_seconds must be at least 60: SQS reports ages by the minute. Use 900."
  }
}
