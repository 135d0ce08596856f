import { isTopicName, keySegment, parseTime, readEnvelope, UNKNOWN_TOPIC, type TopicName } from '@lean-ops/common/core';
import type { SQSRecord } from 'aws-lambda';

/** The error code of a message that nobody refused: it was received `maxReceiveCount` times and never acknowledged. */
export const MAX_RECEIVES = 'MAX_RECEIVES';
/** Longest error code, in characters. It is a key of the index, which takes 2,048 bytes; ours are short. */
const MAX_ERROR_CODE = 100;
/** The end of the range of JavaScript's Date, in milliseconds. */
const LAST_DATE_MS = 8.64e15;

/** The facts that a dead letter carries, checked so that each is safe in a key. */
export interface DeadLetter {
  readonly topic: TopicName | typeof UNKNOWN_TOPIC;
  /** The id that the ingest queue gave the message, as one key segment. (An id that SQS makes is one already.) */
  readonly sourceMessageId: string;
  /** ISO 8601 with milliseconds, in UTC; the same each time the letter is read. */
  readonly failedAt: string;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly origin: string;
  /** The trace id under which the producer's log knows the message; null when sqs-processor has not read it. */
  readonly traceId: string | null;
  readonly receiveCount: number;
  readonly sentAt: string | null;
  readonly firstReceivedAt: string | null;
  /** The key of the letter's object. `id` is one key segment, and tells the object from others of its topic and day. */
  readonly keyOf: (id: string) => string;
}

function attributeOf(record: SQSRecord, name: string): string | undefined {
  return record.messageAttributes[name]?.stringValue;
}

function isoOf(milliseconds: string): string | null {
  const value = Number(milliseconds);
  // A queue gives no other times than these.
  return value > 0 && value <= LAST_DATE_MS ? new Date(value).toISOString() : null;
}

function topicOf(record: SQSRecord): TopicName | typeof UNKNOWN_TOPIC {
  const attribute = attributeOf(record, 'topic_name');
  if (attribute !== undefined && isTopicName(attribute)) return attribute;
  // sqs-processor names the topic where it could read one, and what it could not read must not be tried here.
  if (attributeOf(record, 'error_code') !== undefined) return UNKNOWN_TOPIC;
  // A message that came by redrive is as the producer sent it, so its envelope may name the topic. Its times are not used.
  const { body, messageId } = record;
  const read = readEnvelope({ body, messageId, sentAt: 0n, receivedAt: 0n }, { maxClockSkew: 0n });
  return read.ok ? read.envelope.topic : UNKNOWN_TOPIC;
}

/**
 * The time of the failure: the one that the refusing function wrote, else the queue's. The clock is never used, because a
 * second delivery must give the same key.
 */
function failedAtOf(record: SQSRecord): string {
  const given = parseTime(attributeOf(record, 'failed_at') ?? '');
  if (given.ok) return new Date(Number(given.micros / 1000n)).toISOString();
  const { ApproximateFirstReceiveTimestamp: firstReceived, SentTimestamp: sent } = record.attributes;
  return isoOf(firstReceived) ?? isoOf(sent) ?? new Date(0).toISOString();
}

/** Reads the facts of a dead letter from its attributes, and from its envelope where it has no attributes. */
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
    errorCode: (attributeOf(record, 'error_code') ?? MAX_RECEIVES).slice(0, MAX_ERROR_CODE),
    errorMessage: attributeOf(record, 'error_message') ?? 'received as often as the queue allows, never acknowledged',
    origin: attributeOf(record, 'origin') ?? 'redrive',
    traceId: attributeOf(record, 'trace_id') ?? null,
    receiveCount: Number.isInteger(receiveCount) ? receiveCount : 0,
    sentAt: isoOf(record.attributes.SentTimestamp),
    firstReceivedAt: isoOf(record.attributes.ApproximateFirstReceiveTimestamp),
    keyOf: (id) => `dlq/${topic}/${year}/${month}/${day}/${id}.json`,
  };
}
