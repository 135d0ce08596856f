mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  name_prefix = "lean-ops"
  account     = { id = "123456789012", partition = "aws", region = "eu-central-1" }

  force_destroy  = false
  require_tls    = true
  expiry_enabled = true
}

run "keeps_data_closed_protected_and_found" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this["lake"].bucket == "lean-ops-lake-123456789012-eu-central-1"
    error_message = "Bucket names are {prefix}-{purpose}-{account}-{region}."
  }

  assert {
    condition     = length(aws_s3_bucket_public_access_block.this) == 4 && length(aws_s3_bucket_policy.tls_only) == 4
    error_message = "Every bucket blocks public access and plain HTTP."
  }

  assert {
    condition     = alltrue([for document in data.aws_iam_policy_document.tls_only : document.statement[0].effect == "Deny" && length(document.statement[0].resources) == 2])
    error_message = "The policy denies, on the bucket and on its objects."
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.deletion_protection_enabled && table.point_in_time_recovery[0].enabled])
    error_message = "Tables can be restored, and not deleted by accident."
  }

  assert {
    condition     = one(aws_dynamodb_table.this["dlq_archive"].global_secondary_index).hash_key == "error_code"
    error_message = "Dead letters are found by error_code without a scan."
  }

  assert {
    condition     = aws_s3_bucket_notification.this["schemas"].eventbridge && keys(aws_s3_bucket_versioning.this) == ["schemas"]
    error_message = "The schema bucket tells EventBridge about uploads, and keeps versions."
  }

  assert {
    condition     = keys(aws_s3_bucket_notification.this) == ["dlq_archive", "schemas"]
    error_message = "The archive tells EventBridge about error objects; the lake, with a file every minute, tells nothing."
  }
}

run "can_do_without_tls_and_expiry_on_loopback" {
  command = plan

  variables {
    require_tls    = false
    expiry_enabled = false
  }

  assert {
    condition     = length(aws_s3_bucket_policy.tls_only) == 0 && length(aws_s3_bucket_lifecycle_configuration.this) == 0
    error_message = "Both switches take their resources away."
  }
}

run "refuses_account_id_of_eleven_digits_and_days_below_the_least" {
  command = plan

  variables {
    account             = { id = "12345678901", partition = "aws", region = "eu-central-1" }
    query_result_days   = 0
    schema_version_days = 7
  }

  expect_failures = [var.account, var.query_result_days, var.schema_version_days]
}

run "refuses_account_id_that_is_empty" {
  command = plan

  variables {
    account = { id = "", partition = "aws", region = "eu-central-1" }
  }

  expect_failures = [var.account]
}

run "refuses_account_id_of_letters" {
  command = plan

  variables {
    account = { id = "abcdefghijkl", partition = "aws", region = "eu-central-1" }
  }

  expect_failures = [var.account]
}

run "refuses_account_id_with_hyphens" {
  command = plan

  variables {
    account = { id = "1234-5678-9012", partition = "aws", region = "eu-central-1" }
  }

  expect_failures = [var.account]
}
