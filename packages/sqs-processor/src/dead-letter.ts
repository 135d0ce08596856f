import { messageBytes, SQS_BATCH_LIMITS, type OutgoingMessage } from '@lean-ops/common/aws';
import { deliver, keySegment, mapLimit, messageOf, type DeliveryContext } from '@lean-ops/common/core';
import type { MessageQueue, ObjectStore } from '@lean-ops/common/aws';
import type { Permanent } from './decode-message';

export const ORIGIN = 'sqs-processor';

export interface DeadLetterSettings {
  readonly overflowBucket: string;
  readonly concurrency: number;
  readonly maxAttempts: number;
}

export interface DeadLetterReport {
  readonly taken: readonly Permanent[];
  readonly left: readonly { readonly item: Permanent; readonly code: string; readonly message: string }[];
  readonly overflowed: number;
}

interface Letter {
  readonly letter: Permanent;
  readonly outgoing: OutgoingMessage;
}

/**
 * When it first failed: when it was first received, as permanent errors show at once. Unlike the clock this is the same
 * each time the message is handled, so that a message sent twice is archived as one.
 */
function failedAt({ record }: Permanent, nowMs: number): string {
  const firstReceived = Number(record.attributes.ApproximateFirstReceiveTimestamp);
  return new Date(firstReceived > 0 ? firstReceived : nowMs).toISOString();
}

/** The message as it goes to the DLQ: its own body, and beside it why it is there and what came with it. */
export function deadLetterOf(letter: Permanent, nowMs: number): OutgoingMessage {
  const { record, topic, traceId, code, message } = letter;
  return {
    body: record.body,
    attributes: {
      error_code: code,
      error_message: message,
      failed_at: failedAt(letter, nowMs),
      origin: ORIGIN,
      source_message_id: record.messageId,
      trace_id: traceId,
      ...(topic !== undefined && { topic_name: topic }),
      // All of them in one: an SQS message has ten at most, and the producer may have used them up.
      source_attributes: JSON.stringify({ system: record.attributes, message: record.messageAttributes }),
    },
  };
}

/**
 * What does not fit into one SQS message beside its reason goes to `overflow/` in S3, and the letter says where: the body
 * always, the producer's attributes when they are the reason.
 */
async function overflow(
  { record }: Permanent,
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

/** Hands permanent failures to the DLQ. Those it reports as taken are there; nothing is known of the others. Never throws. */
export async function deadLetter(
  letters: readonly Permanent[],
  nowMs: number,
  { deadLetters, objects }: { readonly deadLetters: MessageQueue; readonly objects: ObjectStore },
  { overflowBucket, concurrency, maxAttempts }: DeadLetterSettings,
  context: DeliveryContext,
): Promise<DeadLetterReport> {
  const ready: Letter[] = [];
  const unready: { item: Permanent; code: string; message: string }[] = [];
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
      backoff: { baseMs: 100, capMs: 5_000 },
      callTimeoutMs: 5_000,
    },
    context,
  );
  return {
    taken: report.taken.map(({ letter }) => letter),
    left: [...unready, ...report.left.map(({ item, ...why }) => ({ ...why, item: item.letter }))],
    overflowed,
  };
}
