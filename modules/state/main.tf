locals {
  suffix = "${var.account.id}-${var.account.region}"

  buckets = {
    lake        = "${var.name_prefix}-lake-${local.suffix}"
    schemas     = "${var.name_prefix}-schemas-${local.suffix}"
    dlq_archive = "${var.name_prefix}-dlq-archive-${local.suffix}"
    artifacts   = "${var.name_prefix}-artifacts-${local.suffix}"
  }

  # Buckets that keep object versions: the one in which people overwrite files. Iceberg keeps its own history, and versions of
  # its files would keep every expired snapshot on the bill.
  versioned = toset(["schemas"])

  query_results_prefix = "athena-results/"
}

resource "aws_s3_bucket" "this" {
  for_each = local.buckets

  bucket        = each.value
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.versioned

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

data "aws_iam_policy_document" "tls_only" {
  for_each = var.require_tls ? local.buckets : {}

  statement {
    sid       = "RefusePlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:${var.account.partition}:s3:::${each.value}", "arn:${var.account.partition}:s3:::${each.value}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "tls_only" {
  for_each = data.aws_iam_policy_document.tls_only

  bucket = aws_s3_bucket.this[each.key].id
  policy = each.value.json

  # S3 checks a new policy against the access block, so the two conflict when they are made at the same time.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = var.expiry_enabled ? local.buckets : {}

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "abort-incomplete-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  dynamic "rule" {
    for_each = each.key == "lake" ? [local.query_results_prefix] : []

    content {
      id     = "expire-athena-results"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = var.query_result_days
      }
    }
  }

  # Bodies of dead letters wait below overflow/ until they are archived. The messages that point at them stay in the dead-letter queue for 14 days.
  dynamic "rule" {
    for_each = each.key == "dlq_archive" ? ["overflow/"] : []

    content {
      id     = "expire-archived-overflow"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = 30
      }
    }
  }

  dynamic "rule" {
    for_each = contains(local.versioned, each.key) ? [var.schema_version_days] : []

    content {
      id     = "expire-old-versions"
      status = "Enabled"

      filter {}

      noncurrent_version_expiration {
        noncurrent_days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

# Uploads under schemas/{topic}/pending/ reach schema-validator through EventBridge, and Firehose's error objects under
# firehose-errors/ of the archive reach stream-error-reader. The lake sends no events, because one for every file of a table
# would cost money and serve nobody.
resource "aws_s3_bucket_notification" "this" {
  for_each = toset(["schemas", "dlq_archive"])

  bucket      = aws_s3_bucket.this[each.key].id
  eventbridge = true
}

moved {
  from = aws_s3_bucket_notification.schemas
  to   = aws_s3_bucket_notification.this["schemas"]
}
