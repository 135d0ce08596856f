variable "ingest_batch_size" {
  description = "Messages that one sqs-processor invocation takes at most."
  type        = number
  nullable    = false
}

variable "ingest_batch_window_seconds" {
  description = "Seconds that Lambda gathers messages for one batch."
  type        = number
  nullable    = false
}

variable "ingest_max_concurrency" {
  description = "sqs-processor invocations that run at once at most."
  type        = number
  nullable    = false
}

variable "ingest_timeout_seconds" {
  description = "Seconds that one sqs-processor invocation has."
  type        = number
  nullable    = false
}

variable "max_clock_skew_seconds" {
  description = "Seconds by which a message's produced_at may be later than its receipt; beyond that it is unusable."
  type        = number
  nullable    = false
}

variable "visibility_timeout_seconds" {
  description = "Seconds for which a received message is hidden from other receivers."
  type        = number
  nullable    = false
}

variable "max_receive_count" {
  description = "Receives after which SQS moves a message to the dead-letter queue, as the last resort."
  type        = number
  nullable    = false
}

variable "dlq_entry_days" {
  description = "Days that the index of dead letters keeps an entry, counted from the failure; 0 keeps it for ever. The archived messages in S3 stay."
  type        = number
  nullable    = false
}

variable "firehose_buffer_seconds" {
  description = "Seconds that Firehose gathers rows for one Iceberg commit."
  type        = number
  nullable    = false
}

variable "firehose_buffer_mb" {
  description = "MB that Firehose gathers for one firehose-transform invocation."
  type        = number
  nullable    = false
}

variable "firehose_file_mb" {
  description = "MB that Firehose gathers for one Iceberg commit, if they come before firehose_buffer_seconds pass."
  type        = number
  nullable    = false
}

variable "lambda_architecture" {
  description = "Processor architecture of the functions."
  type        = string
  nullable    = false
}

variable "lambda_memory_mb" {
  description = "Memory in MB of each function."
  type = object({
    sqs_processor       = number
    firehose_transform  = number
    dlq_archiver        = number
    schema_validator    = number
    table_provisioner   = number
    cycle_planner       = number
    stream_error_reader = number
    operation_steps     = number
  })
  nullable = false
}

variable "lambda_environment" {
  description = "Environment variables added to every function; names that a function needs for itself keep its value."
  type        = map(string)
  nullable    = false
}

variable "log_level" {
  description = "Least level of log lines that the functions write."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  nullable    = false
}

variable "tracing_enabled" {
  description = "Functions write X-Ray traces."
  type        = bool
  nullable    = false
}
