variable "ingest_batch_size" {
  description = "Messages that one sqs-processor invocation takes at most."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.ingest_batch_size >= 1 && var.ingest_batch_size <= 10000 && floor(var.ingest_batch_size) == var.ingest_batch_size
    error_message = "ingest_batch_size must be a whole number from 1 to 10000, the limit of an SQS event source. Use 1000."
  }
}

variable "ingest_batch_window_seconds" {
  description = "Seconds that Lambda gathers messages for one batch."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.ingest_batch_window_seconds >= 0 && var.ingest_batch_window_seconds <= 300 && floor(var.ingest_batch_window_seconds) == var.ingest_batch_window_seconds
    error_message = "ingest_batch_window_seconds must be a whole number from 0 to 300. Use 5."
  }

  validation {
    condition     = var.ingest_batch_size <= 10 || var.ingest_batch_window_seconds >= 1
    error_message = "ingest_batch_window_seconds must be at least 1 when ingest_batch_size is above 10. Use 1 or more, or a batch of at most 10."
  }
}

variable "ingest_max_concurrency" {
  description = "sqs-processor invocations that run at once at most."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.ingest_max_concurrency >= 2 && var.ingest_max_concurrency <= 1000 && floor(var.ingest_max_concurrency) == var.ingest_max_concurrency
    error_message = "ingest_max_concurrency must be a whole number from 2 to 1000, the bounds of an SQS event source. Use 20."
  }
}

variable "ingest_timeout_seconds" {
  description = "Seconds that one sqs-processor invocation has."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.ingest_timeout_seconds >= 30 && var.ingest_timeout_seconds <= 900 && floor(var.ingest_timeout_seconds) == var.ingest_timeout_seconds
    error_message = "ingest_timeout_seconds must be a whole number from 30 to 900: less leaves no time both for what has just come and for what has waited while Firehose throttled. Use 60."
  }
}

variable "max_clock_skew_seconds" {
  description = "Seconds by which a message's produced_at may be later than its receipt; beyond that it is unusable."
  type        = number
  default     = 86400
  nullable    = false

  validation {
    condition     = var.max_clock_skew_seconds >= 60 && var.max_clock_skew_seconds <= 31536000 && floor(var.max_clock_skew_seconds) == var.max_clock_skew_seconds
    error_message = "max_clock_skew_seconds must be a whole number from 60 to 31536000: less makes clocks that are right unusable, and more lets a wrong one win for years. Use 86400."
  }
}

variable "visibility_timeout_seconds" {
  description = "Seconds for which a received message is hidden from other receivers."
  type        = number
  default     = 420
  nullable    = false

  validation {
    condition     = var.visibility_timeout_seconds >= 6 * var.ingest_timeout_seconds + var.ingest_batch_window_seconds && var.visibility_timeout_seconds <= 43200
    error_message = "visibility_timeout_seconds must be at least 6 × ingest_timeout_seconds + ingest_batch_window_seconds and at most 43200, or a message comes back while it is still being gathered or handled. Raise it, or lower one of the two."
  }
}

variable "max_receive_count" {
  description = "Receives after which SQS moves a message to the dead-letter queue, as the last resort. Times visibility_timeout_seconds it is how long a message waits for Firehose at the least: 4 days and 20 hours by default. What sqs-processor cannot read, or what ends it, goes there by itself within hours; what Firehose does not take waits for as long, whatever the reason that it gives."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.max_receive_count >= 2 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count must be a whole number from 2 to 1000, the most that SQS takes. Use 1000."
  }

  validation {
    condition     = var.max_receive_count * var.visibility_timeout_seconds >= 3 * 86400
    error_message = "max_receive_count × visibility_timeout_seconds must be at least 259200, which is 3 days: messages that Firehose throttles would go to the dead-letter queue earlier. Use 1000, and 420 or more."
  }

  validation {
    condition     = var.max_receive_count * var.visibility_timeout_seconds <= 13 * 86400
    error_message = "max_receive_count × visibility_timeout_seconds must be at most 1123200, which is 13 days: SQS deletes a message after 14 days, before it would go to the dead-letter queue. Lower max_receive_count to 1123200 / visibility_timeout_seconds."
  }
}

variable "dlq_entry_days" {
  description = "Days that the index of dead letters keeps an entry, counted from the failure; 0 keeps it for ever. The archived messages in S3 stay."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.dlq_entry_days >= 0 && var.dlq_entry_days <= 36500 && floor(var.dlq_entry_days) == var.dlq_entry_days
    error_message = "dlq_entry_days must be a whole number from 0 to 36500. Use 0 to keep every entry."
  }
}

variable "firehose_buffer_seconds" {
  description = "Seconds that Firehose gathers rows for one Iceberg commit."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.firehose_buffer_seconds >= 0 && var.firehose_buffer_seconds <= 900 && floor(var.firehose_buffer_seconds) == var.firehose_buffer_seconds
    error_message = "firehose_buffer_seconds must be a whole number from 0 to 900. Use 60; less makes more and smaller files."
  }
}

variable "firehose_buffer_mb" {
  description = "MB that Firehose gathers for one firehose-transform invocation."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.firehose_buffer_mb >= 0.2 && var.firehose_buffer_mb <= 1
    error_message = "firehose_buffer_mb must be from 0.2 to 1: base64 and escaping can multiply a payload by 2.67, and a Lambda response ends at 6 MB. Use 1 or less."
  }
}

variable "firehose_file_mb" {
  description = "MB that Firehose gathers for one Iceberg commit, if they come before firehose_buffer_seconds pass."
  type        = number
  default     = 64
  nullable    = false

  validation {
    condition     = var.firehose_file_mb >= 1 && var.firehose_file_mb <= 128 && floor(var.firehose_file_mb) == var.firehose_file_mb
    error_message = "firehose_file_mb must be a whole number from 1 to 128. Use 64."
  }
}

variable "lambda_architecture" {
  description = "Processor architecture of the functions."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.lambda_architecture)
    error_message = "lambda_architecture must be arm64 or x86_64. Use arm64 on AWS, and the machine's own on a local stack."
  }
}

variable "lambda_memory_mb" {
  description = "Memory in MB of each function; what is left out keeps its default."
  type = object({
    sqs_processor       = optional(number, 1024)
    firehose_transform  = optional(number, 1024)
    dlq_archiver        = optional(number, 512)
    schema_validator    = optional(number, 512)
    table_provisioner   = optional(number, 512)
    cycle_planner       = optional(number, 512)
    stream_error_reader = optional(number, 2048)
    operation_steps     = optional(number, 512)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for mb in values(var.lambda_memory_mb) : mb >= 128 && mb <= 10240 && floor(mb) == mb])
    error_message = "lambda_memory_mb must be whole numbers from 128 to 10240. Use 512 or more for Node.js."
  }
}

variable "lambda_environment" {
  description = "Environment variables added to every function; names that a function needs for itself keep its value."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.lambda_environment) : can(regex("^[a-zA-Z][a-zA-Z0-9_]+$", name))])
    error_message = "lambda_environment names must be letters, digits or underscores, from a letter, and at least two of them: Lambda refuses others. Rename them."
  }
}

variable "log_level" {
  description = "Least level of log lines that the functions write."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR", "SILENT", "CRITICAL", "TRACE"], var.log_level)
    error_message = "log_level must be TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL or SILENT. Use INFO."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a period CloudWatch Logs knows. Use 7, 14, 30, 60, 90, 180 or 365, for example."
  }
}

variable "tracing_enabled" {
  description = "Functions and cycles write X-Ray traces."
  type        = bool
  default     = false
  nullable    = false
}
