import {
  encodeRecord,
  MAX_RECORD_BYTES,
  microsFromMillis,
  readEnvelope,
  type EnvelopeSettings,
  type Micros,
  type TopicName,
} from '@lean-ops/common/core';
import type { SQSRecord } from 'aws-lambda';

/** A message that is ready for Firehose, as a framed record. */
export interface FramedMessage {
  readonly kind: 'framed';
  readonly record: SQSRecord;
  readonly frame: Buffer;
}

/** A message that no later try could deliver. */
export interface PermanentFailure {
  readonly kind: 'permanent';
  readonly record: SQSRecord;
  readonly topic: TopicName | undefined;
  readonly traceId: string;
  readonly code: 'NO_TOPIC' | 'INVALID_TOPIC' | 'TOO_LARGE' | 'UNEXPECTED' | 'ENDS_FUNCTION';
  readonly message: string;
}

export type DecodedMessage = FramedMessage | PermanentFailure;

/**
 * The id that names the message from the producer's log to RAW: the trace id of its X-Ray header
 * (`Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1`), else the trace id of the W3C attribute `traceparent`
 * (`00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`), else the id that the queue gave it.
 */
function traceIdOf({ attributes, messageAttributes, messageId }: SQSRecord): string {
  const header = attributes.AWSTraceHeader;
  const root = header === undefined ? null : /(?:^|;)\s*Root=([A-Za-z0-9-]{1,100})/.exec(header);
  if (root?.[1] !== undefined) return root[1];
  const parent = messageAttributes['traceparent']?.stringValue;
  const trace = parent === undefined ? null : /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(parent);
  return trace?.[1] ?? messageId;
}

function sentAtOf(record: SQSRecord, receivedAt: Micros): Micros {
  const milliseconds = Number(record.attributes.SentTimestamp);
  return Number.isFinite(milliseconds) ? microsFromMillis(milliseconds) : receivedAt;
}

/** Turns a message into a Firehose record, or says why that is impossible. */
export function decodeMessage(record: SQSRecord, receivedAt: Micros, settings: EnvelopeSettings): DecodedMessage {
  const arrival = {
    body: record.body,
    topicAttribute: record.messageAttributes['topic_name']?.stringValue,
    messageId: record.messageId,
    sentAt: sentAtOf(record, receivedAt),
    receivedAt,
  };
  const read = readEnvelope(arrival, settings);
  const traceId = traceIdOf(record);
  if (!read.ok) return { kind: 'permanent', record, topic: undefined, traceId, code: read.code, message: read.message };

  const { topic, messageId, idempotencyKey, eventTime, producedAt, payload, issues } = read.envelope;
  const frame = encodeRecord(
    {
      topic,
      messageId,
      idempotencyKey,
      eventTime,
      producedAt,
      receivedAt,
      sourceMessageId: record.messageId,
      traceId,
      envelopeIssues: issues.length === 0 ? null : JSON.stringify(issues),
    },
    payload,
  );
  if (frame.length <= MAX_RECORD_BYTES) return { kind: 'framed', record, frame };
  return {
    kind: 'permanent',
    record,
    topic,
    traceId,
    code: 'TOO_LARGE',
    message: `the record has ${frame.length} bytes, Firehose takes ${MAX_RECORD_BYTES}: send less, or a reference to it`,
  };
}
