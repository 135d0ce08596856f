import { frameDelivery } from '@lean-ops/common/aws';
import type { Clock, Log, MessageQueue, MetricsPort, ObjectStore, RecordStream } from '@lean-ops/common/aws';
import { deliver, messageOf, microsFromMillis, type DeliveryContext, type Micros } from '@lean-ops/common/core';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { deadLetter, type DeadLetterSettings } from './dead-letter';
import { decodeMessage, type Framed, type Permanent } from './decode-message';

export interface Collaborators {
  readonly stream: RecordStream;
  readonly deadLetters: MessageQueue;
  readonly objects: ObjectStore;
  readonly log: Log;
  readonly metrics: MetricsPort;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Kept back from Lambda's time for the answer and the log lines. */
export const RESERVE_MS = 500;

interface Failure {
  readonly code: string;
  readonly message: string;
}

interface Sorted {
  readonly framed: Framed[];
  readonly permanent: Permanent[];
  readonly failures: Failure[];
}

function sortMessages(records: readonly SQSRecord[], receivedAt: Micros): Sorted {
  const sorted: Sorted = { framed: [], permanent: [], failures: [] };
  for (const record of records) {
    try {
      const decoded = decodeMessage(record, receivedAt);
      if (decoded.kind === 'framed') sorted.framed.push(decoded);
      else sorted.permanent.push(decoded);
    } catch (error) {
      // Not foreseen, so a fault of ours: it must not cost the other messages, nor this one. It stays in the queue.
      sorted.failures.push({ code: 'UNEXPECTED', message: messageOf(error) });
    }
  }
  return sorted;
}

/** Codes with how often they came, and one message for each, for the log. */
function summarise(failures: readonly Failure[]): Record<string, { count: number; example: string }> {
  const summary: Record<string, { count: number; example: string }> = {};
  for (const { code, message } of failures) {
    const entry = (summary[code] ??= { count: 0, example: message.slice(0, 300) });
    entry.count++;
  }
  return summary;
}

async function run(
  records: readonly SQSRecord[],
  context: DeliveryContext,
  collaborators: Collaborators,
  settings: DeadLetterSettings,
): Promise<SQSBatchResponse> {
  const { stream, log, metrics, clock } = collaborators;
  const startedMs = clock.now();
  const { framed, permanent, failures } = sortMessages(records, microsFromMillis(startedMs));

  const [accepted, buried] = await Promise.all([
    deliver(
      framed,
      {
        ...frameDelivery(stream),
        concurrency: settings.concurrency,
        maxAttempts: settings.maxAttempts,
        backoff: { baseMs: 100, capMs: 5_000 },
        callTimeoutMs: 5_000,
      },
      context,
    ),
    deadLetter(permanent, startedMs, collaborators, settings, context),
  ]);

  // A message is acknowledged by being absent from the response, so absence needs a receipt: Firehose's or the DLQ's.
  // Counted by message id and not by record, as SQS may deliver one message twice in a batch.
  const unsettled = new Set(records.map((record) => record.messageId));
  const settled = [...accepted.taken, ...buried.taken].map(({ record }) => record.messageId);
  for (const id of settled) unsettled.delete(id);
  for (const { item } of [...accepted.left, ...buried.left]) unsettled.add(item.record.messageId);
  const response = { batchItemFailures: [...unsettled].map((itemIdentifier) => ({ itemIdentifier })) };

  for (const { record, topic, traceId, code } of buried.taken) {
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
    dead_lettered: buried.taken.length,
    retried,
    resent: accepted.resent,
    overflowed: buried.overflowed,
    firehose_calls: accepted.calls,
    millis,
    ...(retried > 0 && { failures: summarise([...failures, ...accepted.left, ...buried.left]) }),
  });
  metrics.count('Received', records.length);
  metrics.count('Accepted', accepted.taken.length);
  metrics.count('DeadLettered', buried.taken.length);
  metrics.count('Retried', retried);
  metrics.count('Resent', accepted.resent);
  metrics.count('Overflowed', buried.overflowed);
  metrics.millis('BatchMillis', millis);
  return response;
}

/**
 * Takes a batch to where each message belongs and says which ones SQS has to deliver again.
 *
 * Who deletes a message: Lambda's event source mapping does, after this returns, for every message that is not among
 * `batchItemFailures`. So an id is left out only when Firehose or the DLQ has said that it holds the message. After a
 * call without an answer nobody knows, the message counts as not taken, and FIFO removes the copy later. An empty or
 * missing response would acknowledge everything, and an id that was not in the batch would fail it all: the response
 * is built from the batch's own ids, and after an unforeseen error it names them all.
 *
 * @param remainingMs milliseconds until Lambda ends this invocation
 */
export async function processBatch(
  records: readonly SQSRecord[],
  remainingMs: () => number,
  collaborators: Collaborators,
  settings: DeadLetterSettings,
): Promise<SQSBatchResponse> {
  const { clock, random, log, metrics } = collaborators;
  const context: DeliveryContext = {
    remainingMs: () => remainingMs() - RESERVE_MS,
    sleep: (milliseconds) => clock.sleep(milliseconds),
    random,
  };
  try {
    return await run(records, context, collaborators, settings);
  } catch (error) {
    log.error('batch failed as a whole; every message stays in the queue', { error, received: records.length });
    const ids = new Set(records.map((record) => record.messageId));
    return { batchItemFailures: [...ids].map((itemIdentifier) => ({ itemIdentifier })) };
  } finally {
    metrics.flush();
  }
}
