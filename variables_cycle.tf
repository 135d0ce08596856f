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

variable "catalog_calls_per_second" {
  description = "Calls of the Glue Data Catalog that a run of a job makes each second at most, all topics together. AWS does not publish its limits; they are per account and region, and Athena, Firehose and other engines use them too."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.catalog_calls_per_second >= 1 && var.catalog_calls_per_second <= 1000 && floor(var.catalog_calls_per_second) == var.catalog_calls_per_second
    error_message = "catalog_calls_per_second must be a whole number from 1 to 1000: a run of 700 topics makes about 3,000 calls, and longer runs cost more. Use 100, or less when jobs log `catalog call throttled`."
  }
}

variable "driver_java_options" {
  description = "An option of the Java process of a job's driver; empty: none of ours. By default it has the quick compiler only, which halves the driver's CPU in a cycle: the process is new in each run and waits for S3 and Glue most of the time. Executors keep both compilers."
  type        = string
  default     = "-XX:TieredStopAtLevel=1"
  nullable    = false

  validation {
    condition     = can(regex("^(-[^\\s\"']+)?$", var.driver_java_options))
    error_message = "driver_java_options must be one option without spaces or quotes, or empty: what Glue does with spaces in a setting is not documented. Use -XX:TieredStopAtLevel=1."
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

variable "propose_rewind_rejected_percent" {
  description = "Share of a topic's messages in a cycle, in percent, past which their rejection by Curated makes lean-ops propose to rewind the topic; 0: no share does. Cycles with fewer than 20 such messages do not count."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.propose_rewind_rejected_percent >= 0 && var.propose_rewind_rejected_percent <= 100 && floor(var.propose_rewind_rejected_percent) == var.propose_rewind_rejected_percent
    error_message = "propose_rewind_rejected_percent must be a whole number from 0 to 100, where 0 turns it off. Use 50."
  }
}

variable "hold_after_bad_cycle" {
  description = "Holds a topic by itself when lean-ops proposes to rewind it after a bad cycle. It stays held until somebody rewinds or releases it; its events wait, and nothing is lost."
  type        = bool
  default     = false
  nullable    = false
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

variable "freshness_target_minutes" {
  description = "Minutes within which a layer is to have taken what arrived in RAW. A topic that is behind for longer is late, and the alarm topics-late goes off. Longer than the time between two cycles."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.freshness_target_minutes >= 5 && var.freshness_target_minutes <= 10080 && floor(var.freshness_target_minutes) == var.freshness_target_minutes
    error_message = "freshness_target_minutes must be a whole number from 5 to 10080 (a week). Use 60, or twice the time between two cycles when that is more."
  }
}

variable "freshness_targets" {
  description = "Minutes for topics with a target of their own, such as { \"telemetry.climate\" = 30 }. Each is a metric of its own, about $0.30 a month."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for minutes in values(var.freshness_targets) : minutes >= 5 && minutes <= 10080 && floor(minutes) == minutes])
    error_message = "freshness_targets must be whole numbers of minutes from 5 to 10080 (a week), such as { \"telemetry.climate\" = 30 }."
  }

  validation {
    condition     = alltrue([for topic in keys(var.freshness_targets) : can(regex("^[a-z][a-z0-9._-]{0,127}$", topic))])
    error_message = "freshness_targets must name topics: lower-case letters, digits, dots, hyphens and underscores, from a letter. Check the names."
  }

  validation {
    condition     = length(var.freshness_targets) <= 50 && length(jsonencode(var.freshness_targets)) <= 2500
    error_message = "freshness_targets may name 50 topics at most, in 2,500 characters: cycle-planner gets them in its environment, which Lambda limits to 4 KB. Raise or lower freshness_target_minutes for the rest."
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
