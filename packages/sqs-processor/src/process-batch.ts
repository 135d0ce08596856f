import { frameDelivery } from '@lean-ops/common/aws';
import type { Clock, Log, MessageQueue, MetricsPort, ObjectStore, RecordStream } from '@lean-ops/common/aws';
import { deliver, messageOf, microsFromMillis, type DeliveryContext, type Micros } from '@lean-ops/common/core';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { deadLetter, type DeadLetterSettings } from './dead-letter';
import { decodeMessage, type FramedMessage, type PermanentFailure } from './decode-message';

/** Milliseconds of Lambda's time that are kept for the answer and the log lines. */
export const RESERVE_MS = 500;
const BACKOFF = { baseMs: 100, capMs: 5_000 } as const;
const CALL_TIMEOUT_MS = 5_000;
const MAX_EXAMPLE = 300;

export interface Collaborators {
  readonly stream: RecordStream;
  readonly deadLetters: MessageQueue;
  readonly objects: ObjectStore;
  readonly log: Log;
  readonly metrics: MetricsPort;
  readonly clock: Clock;
  /** A random number, uniform in [0, 1). */
  readonly random: () => number;
}

export interface BatchSettings extends DeadLetterSettings {
  /** How many seconds after its receipt a message may say that it was produced. */
  readonly maxClockSkewSeconds: number;
}

interface Failure {
  readonly code: string;
  readonly message: string;
}

interface SortedMessages {
  readonly framed: FramedMessage[];
  readonly permanent: PermanentFailure[];
  readonly failures: Failure[];
}

function decodeMessages(
  records: readonly SQSRecord[],
  receivedAt: Micros,
  { maxClockSkewSeconds }: BatchSettings,
): SortedMessages {
  const settings = { maxClockSkew: microsFromMillis(maxClockSkewSeconds * 1_000) };
  const sorted: SortedMessages = { framed: [], permanent: [], failures: [] };
  for (const record of records) {
    try {
      const decoded = decodeMessage(record, receivedAt, settings);
      if (decoded.kind === 'framed') sorted.framed.push(decoded);
      else sorted.permanent.push(decoded);
    } catch (error) {
      // An unforeseen error is ours, and must cost neither the other messages nor this one, which stays in the queue.
      sorted.failures.push({ code: 'UNEXPECTED', message: messageOf(error) });
    }
  }
  return sorted;
}

/** For the log: each code, how often it came, and one message as an example. */
function summarise(failures: readonly Failure[]): Record<string, { count: number; example: string }> {
  const summary: Record<string, { count: number; example: string }> = {};
  for (const { code, message } of failures) {
    const entry = (summary[code] ??= { count: 0, example: message.slice(0, MAX_EXAMPLE) });
    entry.count++;
  }
  return summary;
}

async function handleBatch(
  records: readonly SQSRecord[],
  context: DeliveryContext,
  collaborators: Collaborators,
  settings: BatchSettings,
): Promise<SQSBatchResponse> {
  const { stream, log, metrics, clock } = collaborators;
  const startedMs = clock.now();
  const { framed, permanent, failures } = decodeMessages(records, microsFromMillis(startedMs), settings);

  const [accepted, deadLettered] = await Promise.all([
    deliver(
      framed,
      {
        ...frameDelivery(stream),
        concurrency: settings.concurrency,
        maxAttempts: settings.maxAttempts,
        backoff: BACKOFF,
        callTimeoutMs: CALL_TIMEOUT_MS,
      },
      context,
    ),
    deadLetter(permanent, startedMs, collaborators, settings, context),
  ]);

  // A message is acknowledged by its absence from the response, so an absence needs a receipt from Firehose or the DLQ.
  // Message ids are counted and not records, because SQS may deliver one message twice in a batch.
  const unsettled = new Set(records.map((record) => record.messageId));
  const settled = [...accepted.taken, ...deadLettered.taken].map(({ record }) => record.messageId);
  for (const id of settled) unsettled.delete(id);
  for (const { item } of [...accepted.left, ...deadLettered.left]) unsettled.add(item.record.messageId);
  const response = { batchItemFailures: [...unsettled].map((itemIdentifier) => ({ itemIdentifier })) };

  for (const { record, topic, traceId, code } of deadLettered.taken) {
    log.warn('message dead-lettered', {
      message_id: record.messageId,
      correlation_id: traceId,
      error_code: code,
      ...(topic !== undefined && { topic_name: topic }),
    });
  }
  const millis = clock.now() - startedMs;
  const retried = response.batchItemFailures.length;
  log.info('batch handled', {
    received: records.length,
    accepted: accepted.taken.length,
    dead_lettered: deadLettered.taken.length,
    retried,
    resent: accepted.resent,
    overflowed: deadLettered.overflowed,
    firehose_calls: accepted.calls,
    millis,
    ...(retried > 0 && { failures: summarise([...failures, ...accepted.left, ...deadLettered.left]) }),
  });
  metrics.count('Received', records.length);
  metrics.count('Accepted', accepted.taken.length);
  metrics.count('DeadLettered', deadLettered.taken.length);
  metrics.count('Retried', retried);
  metrics.count('Resent', accepted.resent);
  metrics.count('Overflowed', deadLettered.overflowed);
  metrics.millis('BatchMillis', millis);
  return response;
}

/**
 * Delivers each message of a batch to Firehose or to the DLQ, and names those that SQS has to deliver again.
 *
 * Lambda's event source mapping deletes the messages: after this returns, it deletes every message that is not among
 * `batchItemFailures`. So an id is left out only when Firehose or the DLQ has confirmed that it has the message. A call
 * without an answer counts as not taken, and Standardized removes the copy later. An empty or missing response would
 * acknowledge every message, and an id from outside the batch would fail the whole batch. Therefore the response is built
 * from the batch's own ids, and after an unforeseen error it names all of them.
 *
 * @param remainingMs milliseconds until Lambda ends this invocation
 */
export async function processBatch(
  records: readonly SQSRecord[],
  remainingMs: () => number,
  collaborators: Collaborators,
  settings: BatchSettings,
): Promise<SQSBatchResponse> {
  const { clock, random, log, metrics } = collaborators;
  const context: DeliveryContext = {
    remainingMs: () => remainingMs() - RESERVE_MS,
    sleep: (milliseconds) => clock.sleep(milliseconds),
    random,
  };
  try {
    return await handleBatch(records, context, collaborators, settings);
  } catch (error) {
    log.error('batch failed as a whole; every message stays in the queue', { error, received: records.length });
    const ids = new Set(records.map((record) => record.messageId));
    return { batchItemFailures: [...ids].map((itemIdentifier) => ({ itemIdentifier })) };
  } finally {
    metrics.flush();
  }
}
