variable "glue_worker_type" {
  description = "Size of a Glue worker."
  type        = string
  default     = "G.1X"
  nullable    = false

  validation {
    condition     = contains(local.glue_worker_types, var.glue_worker_type)
    error_message = "glue_worker_type must be ${join(", ", local.glue_worker_types)}. Use G.1X, or a larger one when the job runs out of memory; provider 5.100 refuses the newer G.12X, G.16X and R.*."
  }
}

variable "glue_number_of_workers" {
  description = "Workers of one run, the driver among them."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.glue_number_of_workers >= 2 && var.glue_number_of_workers <= 299 && floor(var.glue_number_of_workers) == var.glue_number_of_workers
    error_message = "glue_number_of_workers must be a whole number from 2 to 299: Glue wants a driver and at least one executor. Use 2 to start with."
  }
}

variable "glue_timeout_minutes" {
  description = "Minutes after which Glue stops a run."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.glue_timeout_minutes >= 5 && var.glue_timeout_minutes <= 480 && floor(var.glue_timeout_minutes) == var.glue_timeout_minutes
    error_message = "glue_timeout_minutes must be a whole number from 5 to 480. Shorter loses the work of a backfill, longer hides a run that hangs."
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

variable "alarm_topic_arn" {
  description = "SNS topic told when an alarm goes off and when it is over; empty: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.alarm_topic_arn == "" || can(regex("^arn:[^:]+:sns:", var.alarm_topic_arn))
    error_message = "alarm_topic_arn must be the ARN of an SNS topic, or empty. Pass arn:aws:sns:{region}:{account}:{topic}."
  }
}
