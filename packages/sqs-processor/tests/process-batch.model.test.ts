import { describe, expect, it } from '@jest/globals';
import { decodeRecord, type Receipt } from '@lean-ops/common/core';
import {
  budget,
  fakeClock,
  memoryAttempts,
  memoryObjects,
  recordingSource,
  recordingLog,
  recordingMetrics,
  sqsRecord,
} from '@lean-ops/common/testing';
import type { SQSRecord } from 'aws-lambda';
import fc from 'fast-check';
import type { Collaborators } from '../src/handle-messages';
import { processBatch, RESERVE_MS } from '../src/process-batch';

/** The fate of one call: how long it takes, which items are taken, and whether the answer arrives. */
interface Weather {
  readonly latencyMs: number;
  readonly answer:
    'per item' | 'all taken' | 'throttled' | 'thrown, nothing taken' | 'thrown after taking' | 'cut short';
  /** A number whose bits decide for each item. */
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

/** A receiver whose calls meet such fates. It enters what it takes in `held`, answered or not; a late answer is a time-out. */
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

/** A schedule of everything around one queue that is left to chance. */
const scenario = fc.record({
  messages: fc.array(message, { maxLength: 40 }),
  firehose: fc.infiniteStream(weather),
  dlq: fc.infiniteStream(weather),
  s3Fails: fc.infiniteStream(fc.boolean()),
  budgetsMs: fc.infiniteStream(fc.oneof(fc.nat(2_000), fc.integer({ min: 2_000, max: 60_000 }))),
  random: fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true })),
  concurrency: fc.integer({ min: 1, max: 4 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

const next = <T>(stream: fc.Stream<T>): T => stream.next().value as T;

/** The world around the handler, and one delivery of a batch to it. */
function worldOf({ firehose, dlq, s3Fails, budgetsMs, random, concurrency }: Scenario) {
  const clock = fakeClock();
  const stream = receiver(
    (record: Uint8Array) => {
      const decoded = decodeRecord(Buffer.from(record));
      return decoded.ok ? decoded.header.sourceMessageId : 'unreadable';
    },
    () => next(firehose),
    (ms) => clock.pass(ms),
  );
  const queue = receiver(
    ({ attributes }: { attributes: Readonly<Record<string, string>> }) => attributes['source_message_id'] ?? 'unknown',
    () => next(dlq),
    (ms) => clock.pass(ms),
  );
  const objects = memoryObjects();
  const collaborators: Collaborators = {
    stream: { putBatch: stream.call },
    deadLetters: { sendBatch: queue.call },
    source: recordingSource(),
    attempts: memoryAttempts(),
    objects: {
      ...objects,
      put: (...put) => (next(s3Fails) ? Promise.reject(new Error('S3 is away')) : objects.put(...put)),
    },
    log: recordingLog(),
    metrics: recordingMetrics(),
    clock,
    random: () => next(random),
  };
  /** @returns the ids that are reported as failed */
  const deliverOnce = async (records: readonly SQSRecord[]): Promise<ReadonlySet<string>> => {
    const budgetMs = next(budgetsMs);
    const deadline = clock.now() + budgetMs;
    const { batchItemFailures } = await processBatch(records, () => deadline - clock.now(), collaborators, {
      overflowBucket: 'archive',
      concurrency,
      maxAttempts: 5,
      maxClockSkewSeconds: 86_400,
      suspectReceives: 4,
    });
    // Calls run side by side, but the fake clock adds them up: at most one call per worker and receiver overruns.
    const slack = budgetMs <= RESERVE_MS ? 0 : concurrency * 2 * 5_000;
    expect(clock.now() - deadline).toBeLessThanOrEqual(slack);
    const reported = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    expect(new Set(reported).size).toBe(reported.length);
    return new Set(reported);
  };
  return { stream, queue, deliverOnce };
}

const recordsOf = ({ messages }: Scenario): SQSRecord[] =>
  messages.map(({ body: text, topic }) => sqsRecord({ body: text, ...(topic !== undefined && { topic }) }));

// fast-check prints seed, path and the shrunken schedule of a failure: `{ seed, path }` beside numRuns replays it.
describe('processBatch against a hostile Firehose and DLQ', () => {
  it('acknowledges nothing that nobody took, in random schedules', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (chance) => {
        const records = recordsOf(chance);
        const { stream, queue, deliverOnce } = worldOf(chance);
        const reported = await deliverOnce(records);
        const sent = new Set(records.map(({ messageId }) => messageId));
        for (const id of reported) expect(sent.has(id)).toBe(true);
        const acknowledged = [...sent].filter((id) => !reported.has(id));
        for (const id of acknowledged) expect(stream.held.has(id) || queue.held.has(id)).toBe(true);
        // Each is in one place only: what Firehose can take does not go to the DLQ.
        for (const id of queue.held) expect(stream.held.has(id)).toBe(false);
      }),
      { numRuns: budget({ eachRun: 150, thorough: 1_000 }) },
    );
  }, 120_000);

  it('loses no message over its whole life: delivered, killed in the middle, delivered again, redriven', async () => {
    const maxReceives = 5;
    const life = fc.tuple(scenario, fc.infiniteStream(fc.integer({ min: 0, max: 3 })), fc.infiniteStream(fc.nat(39)));
    await fc.assert(
      fc.asyncProperty(life, async ([chance, fates, sizes]) => {
        const sent = recordsOf(chance);
        const { stream, queue, deliverOnce } = worldOf(chance);
        let waiting = sent.map((record) => ({ record, receives: 0 }));
        const redriven = new Set<string>();
        while (waiting.length > 0) {
          const batch = waiting.slice(0, 1 + next(sizes));
          const reported = await deliverOnce(batch.map(({ record }) => record));
          // One in four invocations dies after all its work and before its answer: SQS hears nothing and keeps all.
          const dies = next(fates) === 0;
          const back = batch
            .filter(({ record }) => dies || reported.has(record.messageId))
            .map(({ record, receives }) => ({ record, receives: receives + 1 }));
          for (const { record } of back.filter(({ receives }) => receives >= maxReceives)) {
            redriven.add(record.messageId);
          }
          waiting = [...waiting.slice(batch.length), ...back.filter(({ receives }) => receives < maxReceives)];
        }
        for (const { messageId: id } of sent) {
          expect(stream.held.has(id) || queue.held.has(id) || redriven.has(id)).toBe(true);
        }
      }),
      { numRuns: budget({ eachRun: 150, thorough: 1_000 }) },
    );
  }, 120_000);
});
