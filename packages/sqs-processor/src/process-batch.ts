import { type DeliveryContext } from '@lean-ops/common/core';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import {
  handleMessages,
  receivesOf,
  type BatchSettings,
  type Collaborators,
  type Failure,
  type Handled,
} from './handle-messages';
import { acknowledge, CLOSING_MS, endingEarlier, handleSuspects, SUSPECTS_MS } from './suspects';

/** Milliseconds of Lambda's time that are kept for the answer and the log lines. */
export const RESERVE_MS = 500;
const MAX_EXAMPLE = 300;

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
  const { log, metrics, clock } = collaborators;
  const startedMs = clock.now();
  const suspects = records.filter((record) => receivesOf(record) >= settings.suspectReceives);
  const others = records.filter((record) => !(receivesOf(record) >= settings.suspectReceives));
  const all: Handled[] = [];
  if (suspects.length === 0) {
    all.push(await handleMessages(others, context, collaborators, settings));
  } else {
    const early = endingEarlier(context, SUSPECTS_MS);
    const handled = await handleMessages(others, endingEarlier(early, CLOSING_MS), collaborators, settings);
    await acknowledge(handled.settled, early, collaborators, settings);
    all.push(handled, ...(await handleSuspects(suspects, context, collaborators, settings)));
  }

  // A message is acknowledged by its absence from the response, so an absence needs a receipt from Firehose or the DLQ.
  // Message ids are counted and not records, because SQS may deliver one message twice in a batch.
  const unsettled = new Set(records.map((record) => record.messageId));
  for (const { settled } of all) for (const { messageId } of settled) unsettled.delete(messageId);
  const response = { batchItemFailures: [...unsettled].map((itemIdentifier) => ({ itemIdentifier })) };

  const deadLettered = all.flatMap((handled) => handled.deadLettered);
  for (const { record, topic, traceId, code } of deadLettered) {
    log.warn('message dead-lettered', {
      message_id: record.messageId,
      correlation_id: traceId,
      error_code: code,
      ...(topic !== undefined && { topic_name: topic }),
    });
  }
  const sum = (of: (handled: Handled) => number): number => all.reduce((total, handled) => total + of(handled), 0);
  const [accepted, resent, overflowed] = [
    sum((handled) => handled.accepted),
    sum((handled) => handled.resent),
    sum((handled) => handled.overflowed),
  ];
  const millis = clock.now() - startedMs;
  const retried = response.batchItemFailures.length;
  log.info('batch handled', {
    received: records.length,
    suspects: suspects.length,
    accepted,
    dead_lettered: deadLettered.length,
    retried,
    resent,
    overflowed,
    firehose_calls: sum((handled) => handled.firehoseCalls),
    millis,
    ...(retried > 0 && { failures: summarise(all.flatMap(({ failures }) => failures)) }),
  });
  metrics.count('Received', records.length);
  metrics.count('Accepted', accepted);
  metrics.count('DeadLettered', deadLettered.length);
  metrics.count('Retried', retried);
  metrics.count('Resent', resent);
  metrics.count('Overflowed', overflowed);
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
