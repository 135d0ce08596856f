import {
  isTopicName,
  keySegment,
  parseTime,
  PROCESSOR_ORIGIN,
  readEnvelope,
  UNKNOWN_TOPIC,
  type TopicName,
} from '@lean-ops/common/core';
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
  /** `sqs-processor`, or `redrive` for a message that the queue gave up on. */
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

/** What sqs-processor writes on each of its letters. */
const REASON_ATTRIBUTES = ['error_code', 'error_message', 'failed_at', 'source_message_id'];

/**
 * Whether sqs-processor sent the letter, so that its attributes say why and which message it was. A message that came by redrive has
 * its producer's attributes, which may have the same names and mean something else: they are read only where the whole set is
 * there, and SQS does not say that it moved the message here from another queue.
 */
export function isOfProcessor(record: SQSRecord): boolean {
  const { DeadLetterQueueSourceArn: movedFrom } = record.attributes;
  if (movedFrom !== undefined && movedFrom !== record.eventSourceARN) return false;
  return (
    attributeOf(record, 'origin') === PROCESSOR_ORIGIN &&
    REASON_ATTRIBUTES.every((name) => attributeOf(record, name) !== undefined) &&
    (attributeOf(record, 'source_attributes') !== undefined || attributeOf(record, 'body_overflow') === 'true')
  );
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
  if (isOfProcessor(record)) return UNKNOWN_TOPIC;
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
  const given = parseTime((isOfProcessor(record) ? attributeOf(record, 'failed_at') : undefined) ?? '');
  if (given.ok) return new Date(Number(given.micros / 1000n)).toISOString();
  const { ApproximateFirstReceiveTimestamp: firstReceived, SentTimestamp: sent } = record.attributes;
  return isoOf(firstReceived) ?? isoOf(sent) ?? new Date(0).toISOString();
}

/** Reads the facts of a dead letter from the attributes of sqs-processor, and of one that came by redrive from its envelope. */
export function describeDeadLetter(record: SQSRecord): DeadLetter {
  const ofProcessor = isOfProcessor(record);
  const reasonOf = (name: string): string | undefined => (ofProcessor ? attributeOf(record, name) : undefined);
  const topic = topicOf(record);
  const failedAt = failedAtOf(record);
  const sourceMessageId = keySegment(reasonOf('source_message_id') ?? record.messageId);
  const receiveCount = Number(record.attributes.ApproximateReceiveCount);
  const [year = '', month = '', day = ''] = failedAt.slice(0, 10).split('-');
  return {
    topic,
    sourceMessageId,
    failedAt,
    errorCode: (reasonOf('error_code') ?? MAX_RECEIVES).slice(0, MAX_ERROR_CODE),
    errorMessage: reasonOf('error_message') ?? 'received as often as the queue allows, never acknowledged',
    origin: ofProcessor ? PROCESSOR_ORIGIN : 'redrive',
    traceId: reasonOf('trace_id') ?? null,
    receiveCount: Number.isInteger(receiveCount) ? receiveCount : 0,
    sentAt: isoOf(record.attributes.SentTimestamp),
    firstReceivedAt: isoOf(record.attributes.ApproximateFirstReceiveTimestamp),
    keyOf: (id) => `dlq/${topic}/${year}/${month}/${day}/${id}.json`,
  };
}
