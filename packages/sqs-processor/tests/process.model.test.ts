import { describe, expect, it } from '@jest/globals';
import { decodeRecord, type Receipt } from '@lean-ops/common/core';
import { fakeClock, memoryObjects, recordingLog, recordingMetrics, sqsRecord } from '@lean-ops/common/testing';
import fc from 'fast-check';
import { processBatch, RESERVE_MS, type Collaborators } from '../src/process';

/** What one call meets: how long it takes, which items are taken, and whether the answer arrives. */
interface Weather {
  readonly latencyMs: number;
  readonly answer:
    'per item' | 'all taken' | 'throttled' | 'thrown, nothing taken' | 'thrown after taking' | 'cut short';
  /** Decides for each item by its bits. */
  readonly mask: number;
}

const weather = fc.record<Weather>({
  latencyMs: fc.oneof(fc.nat(50), fc.nat(3_000), fc.constant(60_000)),
  answer: fc.constantFrom(
    'per item',
    'all taken',
    'throttled',
    'thrown, nothing taken',
    'thrown after taking',
    'cut short',
  ),
  mask: fc.nat(0xffff),
});

const body = fc.oneof(
  { weight: 6, arbitrary: fc.json().map((payload) => `{"topic_name":"t","payload":${payload}}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', 'no json', '{"payload":1}', '{"topic_name":"../x","payload":1}', '{"a":1}'),
  },
  { weight: 1, arbitrary: fc.constantFrom(1_023_000, 1_024_500, 1_048_576).map((size) => 'x'.repeat(size)) },
);
const message = fc.record({ body, topic: fc.option(fc.constantFrom('t', '../x'), { nil: undefined }) });

const THROTTLED: Receipt = { ok: false, code: 'ThrottlingException', message: 'slow down' };

/** A receiver in such weather. It enters in `held` whatever it takes, answered or not; a late answer is a time-out. */
function receiver<T>(idOf: (item: T) => string, next: () => Weather, pass: (ms: number) => void) {
  const held = new Set<string>();
  const call = async (items: readonly T[], timeoutMs: number): Promise<readonly Receipt[]> => {
    const { latencyMs, answer, mask } = next();
    await Promise.resolve();
    const taken = items.map((_, index) => {
      if (answer === 'all taken' || answer === 'thrown after taking') return true;
      return answer === 'per item' || answer === 'cut short' ? ((mask >> (index % 16)) & 1) === 1 : false;
    });
    items.forEach((item, index) => {
      if (taken[index]) held.add(idOf(item));
    });
    pass(Math.min(latencyMs, timeoutMs));
    if (latencyMs > timeoutMs || answer.startsWith('thrown')) {
      throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
    }
    const receipts = taken.map((yes): Receipt => (yes ? { ok: true } : THROTTLED));
    return answer === 'cut short' ? receipts.slice(0, mask % (items.length + 1)) : receipts;
  };
  return { held, call };
}

describe('processBatch against a hostile Firehose and DLQ', () => {
  it('loses nothing, and acknowledges nothing that nobody took', async () => {
    const scenario = fc.record({
      messages: fc.array(message, { maxLength: 40 }),
      firehose: fc.infiniteStream(weather),
      dlq: fc.infiniteStream(weather),
      s3Fails: fc.infiniteStream(fc.boolean()),
      budgetMs: fc.oneof(fc.nat(2_000), fc.integer({ min: 2_000, max: 60_000 })),
      random: fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true })),
      concurrency: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ messages, firehose, dlq, s3Fails, budgetMs, random, concurrency }) => {
        const records = messages.map(({ body: text, topic }) =>
          sqsRecord({ body: text, ...(topic !== undefined && { topic }) }),
        );
        const clock = fakeClock();
        const deadline = clock.now() + budgetMs;
        const stream = receiver(
          (record: Uint8Array) => {
            const decoded = decodeRecord(Buffer.from(record));
            return decoded.ok ? decoded.header.sourceMessageId : 'unreadable';
          },
          () => firehose.next().value as Weather,
          (ms) => clock.pass(ms),
        );
        const queue = receiver(
          ({ attributes }: { attributes: Readonly<Record<string, string>> }) =>
            attributes['source_message_id'] ?? 'unknown',
          () => dlq.next().value as Weather,
          (ms) => clock.pass(ms),
        );
        const objects = memoryObjects();
        const collaborators: Collaborators = {
          stream: { putBatch: stream.call },
          deadLetters: { sendBatch: queue.call },
          objects: {
            ...objects,
            put: (...put) =>
              s3Fails.next().value === true ? Promise.reject(new Error('S3 is away')) : objects.put(...put),
          },
          log: recordingLog(),
          metrics: recordingMetrics(),
          clock,
          random: () => random.next().value as number,
        };

        const { batchItemFailures } = await processBatch(records, () => deadline - clock.now(), collaborators, {
          overflowBucket: 'archive',
          concurrency,
          maxAttempts: 5,
        });

        const sent = new Set(records.map(({ messageId }) => messageId));
        const reported = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
        expect(new Set(reported).size).toBe(reported.length);
        for (const id of reported) expect(sent.has(id)).toBe(true);
        const acknowledged = [...sent].filter((id) => !reported.includes(id));
        for (const id of acknowledged) expect(stream.held.has(id) || queue.held.has(id)).toBe(true);
        // And each in one place: what Firehose can have does not go to the DLQ.
        for (const id of queue.held) expect(stream.held.has(id)).toBe(false);
        // Calls run side by side, but the fake clock adds them up: at most one call per worker and receiver overruns.
        const slack = budgetMs <= RESERVE_MS ? 0 : concurrency * 2 * 5_000;
        expect(clock.now() - deadline).toBeLessThanOrEqual(slack);
      }),
      { numRuns: 1_000 },
    );
  }, 120_000);
});
