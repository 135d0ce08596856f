/** Waits until every message that was sent has come to rest, in RAW or in the DLQ archive. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { connect, output } from './clients';
import { flushFirehose, readStatus } from './emulator-process';
import { UserError } from './errors';
import type { Stack } from './stack';

const POLL_MS = 250;
/** Number of readings in a row that must find nothing: a message is for a moment between two counters. */
const QUIET_READINGS = 2;

/** Numbers of messages that are under way. */
export interface Pending {
  readonly queue: number;
  readonly dlq: number;
  readonly firehose: number;
}

export async function readPending(stack: Stack): Promise<Pending> {
  const { sqs } = connect(stack);
  const depth = async (url: string): Promise<number> => {
    const response = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }));
    const attributes: Partial<Record<string, string>> = response.Attributes ?? {};
    return [
      'ApproximateNumberOfMessages',
      'ApproximateNumberOfMessagesNotVisible',
      'ApproximateNumberOfMessagesDelayed',
    ]
      .map((name) => Number(attributes[name] ?? 0))
      .reduce((sum, count) => sum + count, 0);
  };
  const [queue, dlq, status] = await Promise.all([
    depth(output(stack, 'ingest_queue_url')),
    depth(output(stack, 'dlq_url')),
    readStatus(stack.port),
  ]);
  const firehose = Object.values(status?.firehose ?? {}).reduce((sum, stream) => sum + stream.buffered_records, 0);
  return { queue, dlq, firehose };
}

/**
 * Waits until nothing is under way, and has Firehose deliver what it buffers.
 *
 * @throws {UserError} when something is still under way after `timeoutMs`
 */
export async function drain(stack: Stack, progress: (now: Pending) => void, timeoutMs = 600_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let quiet = 0;
  while (quiet < QUIET_READINGS) {
    const now = await readPending(stack);
    progress(now);
    if (now.queue === 0 && now.firehose > 0) await flushFirehose(stack.port);
    quiet = now.queue + now.dlq + now.firehose === 0 ? quiet + 1 : 0;
    if (Date.now() > deadline) {
      throw new UserError(
        `Messages are still under way after ${timeoutMs / 1000} s (queue ${now.queue}, DLQ ${now.dlq}, Firehose ${now.firehose}). ` +
          `See ${stack.paths.emulatorLog} and the log group of sqs-processor.`,
      );
    }
    if (quiet < QUIET_READINGS) await sleep(POLL_MS);
  }
}
