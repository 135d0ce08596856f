locals {
  tables = {
    schema_registry = { name = "schema-registry", hash_key = "topic_name" }
    checkpoints     = { name = "checkpoints", hash_key = "topic_name", range_key = "layer" }
    operations      = { name = "operations", hash_key = "operation_id" }
    idempotency     = { name = "idempotency", hash_key = "id", ttl_attribute = "expiration" }
    dlq_archive = {
      name       = "dlq-archive"
      hash_key   = "topic_name"
      range_key  = "failed_at_message_id"
      index_keys = ["error_code", "failed_at"]
      # Entries have this attribute only when dlq_entry_days is above 0.
      ttl_attribute = "expires_at"
    }
  }
}

resource "aws_dynamodb_table" "this" {
  for_each = local.tables

  name                        = "${var.name_prefix}-${each.value.name}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.hash_key
  range_key                   = try(each.value.range_key, null)
  deletion_protection_enabled = !var.force_destroy

  dynamic "attribute" {
    for_each = toset(compact(concat(
      [each.value.hash_key, try(each.value.range_key, "")],
      try(each.value.index_keys, []),
    )))

    content {
      name = attribute.value
      type = "S"
    }
  }

  # This index finds failures by error code and time without a scan.
  dynamic "global_secondary_index" {
    for_each = try([each.value.index_keys], [])

    content {
      name            = "by_error_code"
      hash_key        = global_secondary_index.value[0]
      range_key       = global_secondary_index.value[1]
      projection_type = "ALL"
    }
  }

  dynamic "ttl" {
    for_each = try([each.value.ttl_attribute], [])

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = true
  }
}
