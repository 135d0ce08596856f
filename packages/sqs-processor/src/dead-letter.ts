import { messageBytes, SQS_BATCH_LIMITS, type OutgoingMessage } from '@lean-ops/common/aws';
import {
  deliver,
  keySegment,
  mapLimit,
  messageOf,
  PROCESSOR_ORIGIN,
  type DeliveryContext,
  type PermanentFailure as Failure,
} from '@lean-ops/common/core';
import type { MessageQueue, ObjectStore } from '@lean-ops/common/aws';
import type { SQSRecord } from 'aws-lambda';

/** A message that no later try could deliver. */
export type PermanentFailure = Failure<SQSRecord>;

const BACKOFF = { baseMs: 100, capMs: 5_000 } as const;
const CALL_TIMEOUT_MS = 5_000;

export interface DeadLetterSettings {
  readonly overflowBucket: string;
  readonly concurrency: number;
  readonly maxAttempts: number;
}

export interface DeadLetterReport {
  readonly taken: readonly PermanentFailure[];
  readonly left: readonly { readonly item: PermanentFailure; readonly code: string; readonly message: string }[];
  readonly overflowed: number;
}

interface PreparedLetter {
  readonly letter: PermanentFailure;
  readonly outgoing: OutgoingMessage;
}

/**
 * The time of the failure: the time of the first receive, because a permanent error shows at once. Unlike the clock it is
 * the same each time the message is handled, so that a letter sent twice is archived once.
 */
function failedAt({ record }: PermanentFailure, nowMs: number): string {
  const firstReceived = Number(record.attributes.ApproximateFirstReceiveTimestamp);
  return new Date(firstReceived > 0 ? firstReceived : nowMs).toISOString();
}

/** The message for the DLQ: the producer's body, with the reason and the producer's attributes as message attributes. */
export function deadLetterOf(letter: PermanentFailure, nowMs: number): OutgoingMessage {
  const { record, topic, traceId, code, message } = letter;
  return {
    body: record.body,
    attributes: {
      error_code: code,
      error_message: message,
      failed_at: failedAt(letter, nowMs),
      origin: PROCESSOR_ORIGIN,
      source_message_id: record.messageId,
      trace_id: traceId,
      ...(topic !== undefined && { topic_name: topic }),
      // One attribute holds all of them: an SQS message has ten at most, and the producer may have used them up.
      source_attributes: JSON.stringify({ system: record.attributes, message: record.messageAttributes }),
    },
  };
}

/**
 * Puts aside what does not fit into one SQS message beside its reason: writes it to `overflow/` in S3, and returns a letter
 * that says where. The body always goes there, the producer's attributes only when the letter is still too large.
 */
async function overflow(
  { record }: PermanentFailure,
  { attributes }: OutgoingMessage,
  bucket: string,
  objects: ObjectStore,
  timeoutMs: number,
): Promise<OutgoingMessage> {
  const key = `overflow/${keySegment(record.messageId)}`;
  const bytes = Buffer.byteLength(record.body);
  await objects.put(bucket, key, record.body, { contentType: 'text/plain; charset=utf-8', timeoutMs });
  const light: OutgoingMessage = {
    body: JSON.stringify({ overflow: { bucket, key, bytes } }),
    attributes: { ...attributes, body_overflow: 'true' },
  };
  if (messageBytes(light) <= SQS_BATCH_LIMITS.maxBytes) return light;

  const attributesKey = `${key}.attributes.json`;
  const { source_attributes: sourceAttributes = '{}', ...reason } = light.attributes;
  await objects.put(bucket, attributesKey, sourceAttributes, { timeoutMs });
  return {
    body: JSON.stringify({ overflow: { bucket, key, bytes, attributes_key: attributesKey } }),
    attributes: reason,
  };
}

/** Hands permanent failures to the DLQ. The letters reported as taken are there for certain, the others perhaps. Never throws. */
export async function deadLetter(
  letters: readonly PermanentFailure[],
  nowMs: number,
  { deadLetters, objects }: { readonly deadLetters: MessageQueue; readonly objects: ObjectStore },
  { overflowBucket, concurrency, maxAttempts }: DeadLetterSettings,
  context: DeliveryContext,
): Promise<DeadLetterReport> {
  const ready: PreparedLetter[] = [];
  const unready: { item: PermanentFailure; code: string; message: string }[] = [];
  let overflowed = 0;
  await mapLimit(letters, concurrency, async (letter) => {
    try {
      let outgoing = deadLetterOf(letter, nowMs);
      if (messageBytes(outgoing) > SQS_BATCH_LIMITS.maxBytes) {
        outgoing = await overflow(letter, outgoing, overflowBucket, objects, Math.max(1, context.remainingMs()));
        overflowed++;
      }
      ready.push({ letter, outgoing });
    } catch (error) {
      unready.push({ item: letter, code: 'OVERFLOW_FAILED', message: messageOf(error) });
    }
  });

  const report = await deliver(
    ready,
    {
      ...SQS_BATCH_LIMITS,
      sizeOf: ({ outgoing }) => messageBytes(outgoing),
      send: (batch, timeoutMs) =>
        deadLetters.sendBatch(
          batch.map(({ outgoing }) => outgoing),
          timeoutMs,
        ),
      concurrency,
      maxAttempts,
      backoff: BACKOFF,
      callTimeoutMs: CALL_TIMEOUT_MS,
    },
    context,
  );
  return {
    taken: report.taken.map(({ letter }) => letter),
    left: [...unready, ...report.left.map(({ item, ...why }) => ({ ...why, item: item.letter }))],
    overflowed,
  };
}
