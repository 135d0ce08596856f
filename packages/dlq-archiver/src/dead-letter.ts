import {
  isTopicName,
  keySegment,
  microsFromMillis,
  parseTime,
  readEnvelope,
  UNKNOWN_TOPIC,
  type TopicName,
} from '@lean-ops/common/core';
import type { SQSRecord } from 'aws-lambda';

/** Stands for the reason of a message that nobody refused: it was received `maxReceiveCount` times and never acknowledged. */
export const MAX_RECEIVES = 'MAX_RECEIVES';

/** What a dead letter says about itself, checked: every part is fit for a key. */
export interface DeadLetter {
  readonly topic: TopicName | typeof UNKNOWN_TOPIC;
  /** As the queue gave it at first; as one key segment, which changes nothing about ids that SQS makes. */
  readonly sourceMessageId: string;
  /** ISO 8601 with milliseconds, UTC; the same each time the letter is read. */
  readonly failedAt: string;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly origin: string;
  /** What the producer's log knows the message by, when sqs-processor read it. */
  readonly traceId: string | null;
  readonly receiveCount: number;
  readonly sentAt: string | null;
  readonly firstReceivedAt: string | null;
  /** Where an object goes that is told from others of its topic and day by `id`, one key segment. */
  readonly keyOf: (id: string) => string;
}

function attributeOf(record: SQSRecord, name: string): string | undefined {
  return record.messageAttributes[name]?.stringValue;
}

function isoOf(milliseconds: string): string | null {
  const value = Number(milliseconds);
  // Above zero and inside Date's range: anything else is no time that a queue has given.
  return value > 0 && value <= 8.64e15 ? new Date(value).toISOString() : null;
}

function topicOf(record: SQSRecord): TopicName | typeof UNKNOWN_TOPIC {
  const attribute = attributeOf(record, 'topic_name');
  if (attribute !== undefined && isTopicName(attribute)) return attribute;
  // Came by redrive, so as the producer sent it: the envelope may know.
  const { body, messageId } = record;
  const read = readEnvelope({ body, messageId, sentAt: microsFromMillis(0) });
  return read.ok ? read.envelope.topic : UNKNOWN_TOPIC;
}

/** Said by who refused the message, else by the queue. Never the clock: a second delivery must give the same key. */
function failedAtOf(record: SQSRecord): string {
  const given = parseTime(attributeOf(record, 'failed_at') ?? '');
  if (given.ok) return new Date(Number(given.micros / 1000n)).toISOString();
  const { ApproximateFirstReceiveTimestamp: firstReceived, SentTimestamp: sent } = record.attributes;
  return isoOf(firstReceived) ?? isoOf(sent) ?? new Date(0).toISOString();
}

export function describeDeadLetter(record: SQSRecord): DeadLetter {
  const topic = topicOf(record);
  const failedAt = failedAtOf(record);
  const sourceMessageId = keySegment(attributeOf(record, 'source_message_id') ?? record.messageId);
  const receiveCount = Number(record.attributes.ApproximateReceiveCount);
  const [year = '', month = '', day = ''] = failedAt.slice(0, 10).split('-');
  return {
    topic,
    sourceMessageId,
    failedAt,
    // A key of the index, which takes 2,048 bytes; ours are short.
    errorCode: (attributeOf(record, 'error_code') ?? MAX_RECEIVES).slice(0, 100),
    errorMessage: attributeOf(record, 'error_message') ?? 'received as often as the queue allows, never acknowledged',
    origin: attributeOf(record, 'origin') ?? 'redrive',
    traceId: attributeOf(record, 'trace_id') ?? null,
    receiveCount: Number.isInteger(receiveCount) ? receiveCount : 0,
    sentAt: isoOf(record.attributes.SentTimestamp),
    firstReceivedAt: isoOf(record.attributes.ApproximateFirstReceiveTimestamp),
    keyOf: (id) => `dlq/${topic}/${year}/${month}/${day}/${id}.json`,
  };
}
