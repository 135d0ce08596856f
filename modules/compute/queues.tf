# The queues are made through CloudFormation, because SQS takes messages of 1 MiB, while aws_sqs_queue of provider 5.100 allows
# 262,144 bytes at most and sets that when nothing is said (docs/decisions/0005-queues-by-cloudformation.md).
locals {
  retention_seconds          = 14 * 24 * 3600
  max_message_bytes          = 1048576
  queue_arn                  = "arn:${local.partition}:sqs:${local.region_arn}"
  ingest_name                = "${var.name_prefix}-ingest"
  dlq_name                   = "${var.name_prefix}-dlq"
  failed_schema_uploads_name = "${var.name_prefix}-failed-schema-uploads"
  failed_stream_errors_name  = "${var.name_prefix}-failed-stream-errors"

  # Uploads whose tries have ended wait here for their verdict, and go on to the queue of failed uploads.
  unsettled_schema_uploads_name = "${var.name_prefix}-unsettled-schema-uploads"

  queue_properties = {
    MaximumMessageSize     = local.max_message_bytes
    MessageRetentionPeriod = local.retention_seconds
    SqsManagedSseEnabled   = true
  }

  tls_only_policies = {
    for id, name in { IngestPolicy = local.ingest_name, DlqPolicy = local.dlq_name, FailedSchemaUploadsPolicy = local.failed_schema_uploads_name } : id => {
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

  # Queues of events that a function could not handle. They are apart from producers' messages and from each other.
  failed_event_queues = {
    UnsettledSchemaUploads = { name = local.unsettled_schema_uploads_name, rules = [local.upload_rule_arn], properties = local.unsettled_properties }
    FailedStreamErrors     = { name = local.failed_stream_errors_name, rules = local.stream_error_rule_arns, properties = {} }
  }

  # A verdict is a few writes, so a message need not be hidden for longer than a run can take. One whose verdict or record fails for
  # an hour goes to the operators without it.
  unsettled_properties = {
    VisibilityTimeout = local.validator_timeout_seconds + 60
    RedrivePolicy = {
      deadLetterTargetArn = { "Fn::GetAtt" = ["FailedSchemaUploads", "Arn"] }
      maxReceiveCount     = 10
    }
  }

  failed_event_resources = merge([
    for id, queue in local.failed_event_queues : {
      (id) = {
        Type       = "AWS::SQS::Queue"
        Properties = merge(local.queue_properties, queue.properties, { QueueName = queue.name })
      }

      "${id}Policy" = {
        Type = "AWS::SQS::QueuePolicy"
        Properties = {
          Queues = [{ Ref = id }]
          PolicyDocument = {
            Version = "2012-10-17"
            Statement = concat(
              [{
                Sid       = "EventBridgeHandsOverWhatItCouldNotDeliver"
                Effect    = "Allow"
                Principal = { Service = "events.amazonaws.com" }
                Action    = "sqs:SendMessage"
                Resource  = "${local.queue_arn}:${queue.name}"
                Condition = { ArnEquals = { "aws:SourceArn" = queue.rules } }
              }],
              var.require_tls ? [merge(local.refuse_plain_http, { Resource = "${local.queue_arn}:${queue.name}" })] : [],
            )
          }
        }
      }
    }
  ]...)
}

resource "aws_cloudformation_stack" "queues" {
  name       = "${var.name_prefix}-queues"
  on_failure = "DELETE"

  template_body = jsonencode({
    Description = "Queues of ${var.name_prefix}, managed by Terraform."

    Resources = merge(local.tls_only_policies, local.failed_event_resources, {
      FailedSchemaUploads = {
        Type = "AWS::SQS::Queue"
        Properties = merge(local.queue_properties, {
          QueueName = local.failed_schema_uploads_name
          RedriveAllowPolicy = {
            redrivePermission = "byQueue"
            sourceQueueArns   = ["${local.queue_arn}:${local.unsettled_schema_uploads_name}"]
          }
        })
      }

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
    })

    # Outputs are unknown in every plan that changes the stack, if only by a tag, and so is whatever is made of them. Nothing in
    # this module may use them, because a mapping with an unknown queue is replaced: names and ARNs are known beforehand.
    Outputs = {
      IngestUrl = { Value = { Ref = "Ingest" } }
      DlqUrl    = { Value = { Ref = "Dlq" } }
    }
  })
}
