# Through CloudFormation for one reason: SQS takes messages of 1 MiB, and aws_sqs_queue of provider 5.100 allows (and, left
# alone, sets) 262,144 bytes at most. It also makes the queues and their redrive in one step of 10 s instead of 25 s each.
locals {
  retention_seconds          = 14 * 24 * 3600
  max_message_bytes          = 1048576
  archiver_timeout_seconds   = 60
  queue_arn                  = "arn:${local.partition}:sqs:${local.region_arn}"
  ingest_name                = "${var.name_prefix}-ingest"
  dlq_name                   = "${var.name_prefix}-dlq"
  failed_schema_uploads_name = "${var.name_prefix}-failed-schema-uploads"

  queue_properties = {
    MaximumMessageSize     = local.max_message_bytes
    MessageRetentionPeriod = local.retention_seconds
    SqsManagedSseEnabled   = true
  }

  tls_only_policies = {
    for id, name in { IngestPolicy = local.ingest_name, DlqPolicy = local.dlq_name } : id => {
      Type                         = "AWS::SQS::QueuePolicy"
      Properties = {
        Queues         = [{ Ref = trimsuffix(id, "Policy") }]
        PolicyDocument = { Version = "2012-10-17", Statement = [merge(local.refuse_plain_http, { Resource = "${local.queue_arn}:${name}" })] }
      }
    } if var.require_tls
  }

  refuse_plain_http = {
    Sid       = "RefusePlainHttp"
    Effect    = "Deny"
    Principal = "*"
    Action    = "sqs:*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  upload_events_may_fail_here = {
    Sid       = "EventBridgeHandsOverWhatItCouldNotDeliver"
    Effect    = "Allow"
    Principal = { Service = "events.amazonaws.com" }
    Action    = "sqs:SendMessage"
    Resource  = "${local.queue_arn}:${local.failed_schema_uploads_name}"
    Condition = { ArnEquals = { "aws:SourceArn" = local.upload_rule_arn } }
  }
}

resource "aws_cloudformation_stack" "queues" {
  name       = "${var.name_prefix}-queues"
  on_failure = "DELETE"

  template_body = jsonencode({
    Description = "Queues of ${var.name_prefix}, managed by Terraform."

    Resources = merge(local.tls_only_policies, {
      Dlq = {
        Type = "AWS::SQS::Queue"
        Properties = merge(local.queue_properties, {
          QueueName         = local.dlq_name
          VisibilityTimeout = 6 * local.archiver_timeout_seconds
          RedriveAllowPolicy = {
            redrivePermission = "byQueue"
            sourceQueueArns   = ["${local.queue_arn}:${local.ingest_name}"]
          }
        })
      }

      Ingest = {
        Type = "AWS::SQS::Queue"
        Properties = merge(local.queue_properties, {
          QueueName         = local.ingest_name
          VisibilityTimeout = var.visibility_timeout_seconds
          RedrivePolicy = {
            deadLetterTargetArn = { "Fn::GetAtt" = ["Dlq", "Arn"] }
            maxReceiveCount     = var.max_receive_count
          }
        })
      }

      # Events of schema uploads that schema-validator could not take: kept apart from messages of producers.
      FailedSchemaUploads = {
        Type       = "AWS::SQS::Queue"
        Properties = merge(local.queue_properties, { QueueName = local.failed_schema_uploads_name })
      }

      FailedSchemaUploadsPolicy = {
        Type = "AWS::SQS::QueuePolicy"
        Properties = {
          Queues = [{ Ref = "FailedSchemaUploads" }]
          PolicyDocument = {
            Version = "2012-10-17"
            Statement = concat(
              [local.upload_events_may_fail_here],
              var.require_tls ? [merge(local.refuse_plain_http, { Resource = "${local.queue_arn}:${local.failed_schema_uploads_name}" })] : [],
            )
          }
        }
      }
    })

    Outputs = {
      IngestUrl = { Value = { Ref = "Ingest" } }
      IngestArn = { Value = { "Fn::GetAtt" = ["Ingest", "Arn"] } }
      DlqUrl    = { Value = { Ref = "Dlq" } }
      DlqArn    = { Value = { "Fn::GetAtt" = ["Dlq", "Arn"] } }
    }
  })
}
