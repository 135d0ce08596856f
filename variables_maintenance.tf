variable "maintenance_schedule_expression" {
  description = "When tables are maintained: rate(...) or cron(...), in UTC. It runs when the cycle's schedule is enabled."
  type        = string
  default     = "cron(40 3 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.maintenance_schedule_expression))
    error_message = "maintenance_schedule_expression must be rate(...) or cron(...), as EventBridge Scheduler takes it. Use cron(40 3 * * ? *), once a day."
  }
}

variable "rewind_window_days" {
  description = "Days for which a topic can be taken back to an earlier state. For so long cycle_delta keeps its cycles, and topic tables a snapshot of each day with the files that have been replaced since."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.rewind_window_days >= 1 && var.rewind_window_days <= 365 && floor(var.rewind_window_days) == var.rewind_window_days
    error_message = "rewind_window_days must be a whole number from 1 to 365: each day is a snapshot of each topic's table. Use 30."
  }
}

variable "raw_retention_days" {
  description = "Days that RAW is kept; null: for ever. Older days are deleted for good once Standardized has taken all of their rows; nothing can be built anew from them then."
  type        = number
  default     = null

  validation {
    condition     = var.raw_retention_days == null ? true : var.raw_retention_days >= 7 && var.raw_retention_days <= 36500 && floor(var.raw_retention_days) == var.raw_retention_days
    error_message = "raw_retention_days must be null, or a whole number from 7 to 36500: RAW is what all other tables are built from. Use null to keep it for ever."
  }
}
