import { describe, expect, it } from '@jest/globals';
import type { Receipt } from '@lean-ops/common/core';
import {
  envelopeOf,
  fakeClock,
  memoryObjects,
  recordingLog,
  recordingMetrics,
  memoryAttempts,
  recordingQueue,
  recordingSource,
  recordingStream,
  sqsRecord,
} from '@lean-ops/common/testing';
import type { Collaborators } from '../src/handle-messages';
import { processBatch } from '../src/process-batch';

const SETTINGS = {
  overflowBucket: 'archive',
  concurrency: 4,
  maxAttempts: 4,
  maxClockSkewSeconds: 86_400,
  suspectReceives: 4,
};
const THROTTLED: Receipt = { ok: false, code: 'ServiceUnavailableException', message: 'slow down' };
const plenty = (): number => 60_000;

function collaborators() {
  return {
    stream: recordingStream(),
    deadLetters: recordingQueue(),
    source: recordingSource(),
    attempts: memoryAttempts(),
    objects: memoryObjects(),
    log: recordingLog(),
    metrics: recordingMetrics(),
    clock: fakeClock(),
    random: () => 0.5,
  };
}

const good = (id: string) => sqsRecord({ messageId: id });
const poison = (id: string) => sqsRecord({ messageId: id, body: 'secret, and not JSON' });
const failed = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

describe('processBatch', () => {
  it('acknowledges what Firehose and the DLQ took', async () => {
    const ports = collaborators();
    const response = await processBatch([good('a'), poison('b'), good('c')], plenty, ports, SETTINGS);
    expect(response).toEqual(failed());
    expect(ports.stream.taken).toHaveLength(2);
    expect(ports.deadLetters.taken.map(({ attributes }) => attributes['source_message_id'])).toEqual(['b']);
  });

  it('never gives an empty response, which would acknowledge everything', async () => {
    await expect(processBatch([], plenty, collaborators(), SETTINGS)).resolves.toEqual(failed());
  });

  it('sends again only what Firehose refused', async () => {
    const stream = recordingStream((records, call) =>
      records.map((_, index) => (call === 1 && index === 1 ? THROTTLED : { ok: true })),
    );
    const ports = { ...collaborators(), stream };
    await expect(processBatch([good('a'), good('b'), good('c')], plenty, ports, SETTINGS)).resolves.toEqual(failed());
    expect(stream.calls.map((records) => records.length)).toEqual([3, 1]);
    expect(stream.calls[1]?.[0]).toBe(stream.calls[0]?.[1]);
  });

  it('reports what was not taken when the attempts are used up', async () => {
    const stream = recordingStream((records) => records.map((_, index) => (index === 0 ? { ok: true } : THROTTLED)));
    const response = await processBatch(
      [good('a'), good('b'), good('c'), good('d'), good('e'), good('f')],
      plenty,
      { ...collaborators(), stream },
      SETTINGS,
    );
    expect(response).toEqual(failed('e', 'f'));
    expect(stream.calls).toHaveLength(4);
  });

  it('stops early and reports the rest when the time is over', async () => {
    const clock = fakeClock();
    const deadline = clock.now() + 1_500;
    const stream = recordingStream((records) => {
      clock.pass(600);
      return records.map(() => THROTTLED);
    });
    const response = await processBatch(
      [good('a')],
      () => deadline - clock.now(),
      { ...collaborators(), stream, clock },
      {
        ...SETTINGS,
        maxAttempts: 99,
      },
    );
    expect(response).toEqual(failed('a'));
    expect(clock.now()).toBeLessThan(deadline);
  });

  it('begins nothing when it starts out of time', async () => {
    const ports = collaborators();
    await expect(processBatch([good('a'), poison('b')], () => 100, ports, SETTINGS)).resolves.toEqual(failed('a', 'b'));
    expect([...ports.stream.calls, ...ports.deadLetters.calls]).toEqual([]);
  });

  it('keeps calls within 500 records and 4 MiB', async () => {
    const ports = collaborators();
    const large = JSON.stringify(envelopeOf({ payload: 'x'.repeat(900_000) }));
    const records = [
      ...Array.from({ length: 1_100 }, (_, index) => good(`s-${index}`)),
      ...Array.from({ length: 6 }, (_, index) => sqsRecord({ messageId: `l-${index}`, body: large })),
    ];
    await expect(processBatch(records, plenty, ports, SETTINGS)).resolves.toEqual(failed());
    expect(ports.stream.taken).toHaveLength(records.length);
    for (const call of ports.stream.calls) {
      expect(call.length).toBeLessThanOrEqual(500);
      expect(call.reduce((sum, record) => sum + record.length, 0)).toBeLessThanOrEqual(4 * 1024 * 1024);
    }
  });

  it('acknowledges only after the commit: nothing is answered while the DLQ has not', async () => {
    const journal: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const deadLetters: Collaborators['deadLetters'] = {
      sendBatch: async (messages) => {
        journal.push('DLQ asked');
        await held;
        journal.push('DLQ took it');
        return messages.map(() => ({ ok: true }));
      },
    };
    const stream: Collaborators['stream'] = {
      putBatch: (records) => {
        journal.push('Firehose took it');
        return Promise.resolve(records.map(() => ({ ok: true })));
      },
    };
    const answer = processBatch(
      [good('a'), poison('b')],
      plenty,
      { ...collaborators(), stream, deadLetters },
      SETTINGS,
    ).then((response) => {
      journal.push(`acknowledged all but ${response.batchItemFailures.length}`);
    });
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    expect(journal.sort()).toEqual(['DLQ asked', 'Firehose took it']);
    release();
    await answer;
    expect(journal.slice(2)).toEqual(['DLQ took it', 'acknowledged all but 0']);
  });

  it('does not acknowledge a poison message the DLQ refused', async () => {
    const deadLetters = recordingQueue(() => [{ ok: false, code: 'AccessDenied', message: 'no' }]);
    await expect(
      processBatch([good('a'), poison('b')], plenty, { ...collaborators(), deadLetters }, SETTINGS),
    ).resolves.toEqual(failed('b'));
  });

  it('names a message that SQS delivered twice in the batch once', async () => {
    const stream = recordingStream((records) => records.map(() => THROTTLED));
    await expect(
      processBatch([good('a'), good('a')], plenty, { ...collaborators(), stream }, SETTINGS),
    ).resolves.toEqual(failed('a'));
  });

  it('keeps a message in the queue that makes us fail in a way not foreseen, and only that one', async () => {
    const broken = { ...good('b'), messageAttributes: undefined as never };
    await expect(processBatch([good('a'), broken], plenty, collaborators(), SETTINGS)).resolves.toEqual(failed('b'));
  });

  it('keeps every message when the batch as a whole fails in a way not foreseen', async () => {
    const clock = { ...fakeClock(), now: () => NaN };
    const ports = { ...collaborators(), clock };
    await expect(processBatch([good('a'), good('b')], plenty, ports, SETTINGS)).resolves.toEqual(failed('a', 'b'));
    expect(ports.log.lines).toMatchObject([{ level: 'error', fields: { received: 2 } }]);
  });

  it('logs one line per batch with counts, one per dead letter, and never a payload', async () => {
    const ports = collaborators();
    await processBatch(
      [good('a'), poison('b'), sqsRecord({ messageId: 'c', body: 'secret', topic: '../x' })],
      plenty,
      ports,
      SETTINGS,
    );
    expect(ports.log.lines).toMatchObject([
      { level: 'warn', fields: { message_id: 'b', error_code: 'NO_TOPIC' } },
      { level: 'warn', fields: { message_id: 'c', error_code: 'INVALID_TOPIC' } },
      { level: 'info', fields: { received: 3, accepted: 1, dead_lettered: 2, retried: 0 } },
    ]);
    expect(JSON.stringify(ports.log.lines)).not.toMatch(/secret|dev-7|temperature/);
    expect(ports.metrics.counts).toMatchObject({
      Received: 3,
      Accepted: 1,
      DeadLettered: 2,
      Retried: 0,
      Overflowed: 0,
    });
    expect(ports.metrics.flushes).toBe(1);
  });

  it('dead-letters a message that fails each time in a way not foreseen, under a code and a readable reason', async () => {
    const ports = collaborators();
    const broken = { ...often('b', 4), messageAttributes: undefined as never };
    await expect(processBatch([good('a'), broken], plenty, ports, SETTINGS)).resolves.toEqual(failed());
    expect(ports.deadLetters.taken[0]?.attributes).toMatchObject({
      error_code: 'UNEXPECTED',
      error_message: expect.stringMatching(/^[ -~]+$/),
      source_message_id: 'b',
    });
  });
});

const often = (id: string, receives: number) =>
  sqsRecord({ messageId: id, attributes: { ApproximateReceiveCount: String(receives) } });

describe('processBatch, of messages that were received often', () => {
  it('handles them behind the others, in growing groups, and deletes each group before the next', async () => {
    const ports = collaborators();
    const records = [...Array.from({ length: 7 }, (_, n) => often(`s-${n}`, 4)), good('a'), often('b', 3)];
    const deletedBefore: number[] = [];
    const stream = recordingStream((frames) => {
      deletedBefore.push(ports.source.deleted.length);
      return frames.map(() => ({ ok: true }));
    });
    await expect(processBatch(records, plenty, { ...ports, stream }, SETTINGS)).resolves.toEqual(failed());
    expect(stream.calls.map((frames) => frames.length)).toEqual([2, 1, 2, 4]);
    expect(deletedBefore).toEqual([0, 2, 3, 5]);
    expect(new Set(ports.source.deleted)).toEqual(new Set(records.map(({ receiptHandle }) => receiptHandle)));
    expect(ports.attempts.begun.size).toBe(0);
  });

  it('deletes nothing early while there are none, as Lambda deletes what is acknowledged', async () => {
    const ports = collaborators();
    await processBatch([good('a'), often('b', 3)], plenty, ports, SETTINGS);
    expect(ports.source.deleted).toEqual([]);
  });

  it('leaves the rest where Firehose takes nothing, and strikes the attempt out', async () => {
    const stream = recordingStream((frames) => frames.map(() => THROTTLED));
    const ports = { ...collaborators(), stream };
    const response = await processBatch([often('a', 500), often('b', 900)], plenty, ports, SETTINGS);
    expect(response.batchItemFailures).toHaveLength(2);
    expect(stream.calls.map((frames) => frames.length)).toEqual([1, 1, 1, 1]);
    expect(ports.attempts.begun.size).toBe(0);
    expect(ports.deadLetters.taken).toEqual([]);
  });

  it('refuses the one that was alone when the function ended, twice in a row, without reading it', async () => {
    const ports = collaborators();
    await ports.attempts.begin('a', 1_000);
    await ports.attempts.begin('a', 1_000);
    const ending = { ...often('a', 6), body: '{"topic_name":"t","payload":{}}' };
    await expect(processBatch([ending], plenty, ports, SETTINGS)).resolves.toEqual(failed());
    expect(ports.stream.calls).toEqual([]);
    expect(ports.deadLetters.taken[0]).toMatchObject({
      body: ending.body,
      attributes: { error_code: 'ENDS_FUNCTION', source_message_id: 'a', origin: 'sqs-processor' },
    });
    expect(ports.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ error_code: 'ENDS_FUNCTION' }) }),
    );
  });

  it('keeps it when the DLQ does not take it, and refuses it again', async () => {
    const ports = { ...collaborators(), deadLetters: recordingQueue((messages) => messages.map(() => THROTTLED)) };
    ports.attempts.begun.set('a', 2);
    await expect(processBatch([often('a', 6)], plenty, ports, SETTINGS)).resolves.toEqual(failed('a'));
    expect(ports.attempts.begun.get('a')).toBe(3);
  });

  it('strikes the attempt out in time, however long Firehose keeps it waiting', async () => {
    const clock = fakeClock();
    const deadline = clock.now() + 20_000;
    const stream = recordingStream((frames) => {
      clock.pass(4_000);
      return frames.map(() => THROTTLED);
    });
    let endedMs = Infinity;
    const ports = { ...collaborators(), clock, stream };
    const attempts = { ...ports.attempts, end: () => Promise.resolve(void (endedMs = deadline - clock.now())) };
    const settings = { ...SETTINGS, maxAttempts: 99 };
    const left = () => deadline - clock.now();
    await expect(processBatch([often('a', 4)], left, { ...ports, attempts }, settings)).resolves.toEqual(failed('a'));
    expect(endedMs).toBeGreaterThanOrEqual(3_000);
  });

  it('begins no group that may not end in time', async () => {
    const ports = collaborators();
    await expect(processBatch([often('a', 4)], () => 10_000, ports, SETTINGS)).resolves.toEqual(failed('a'));
    expect([...ports.attempts.begun.keys(), ...ports.stream.calls]).toEqual([]);
  });

  it('tries to strike the attempt out until the time is over, and not longer', async () => {
    const clock = fakeClock();
    const deadline = clock.now() + 30_000;
    const stream = recordingStream((frames) => frames.map(() => THROTTLED));
    const ports = { ...collaborators(), clock, stream };
    const end = (_: string, timeoutMs: number) => {
      clock.pass(timeoutMs);
      return Promise.reject(new Error('slow'));
    };
    const attempts = { ...ports.attempts, end };
    const left = () => deadline - clock.now();
    await expect(processBatch([often('a', 4)], left, { ...ports, attempts }, SETTINGS)).resolves.toEqual(failed('a'));
    expect(left()).toBeGreaterThan(0);
    expect(left()).toBeLessThan(3_000);
  });

  it('strikes out an attempt whose writing got no answer, as it may be there', async () => {
    const stream = recordingStream((frames) => frames.map(() => THROTTLED));
    const ports = { ...collaborators(), stream };
    const begin = async (key: string, timeoutMs: number): Promise<number> => {
      await ports.attempts.begin(key, timeoutMs);
      throw new Error('no answer');
    };
    const attempts = { ...ports.attempts, begin };
    await processBatch([often('a', 4)], plenty, { ...ports, attempts }, SETTINGS);
    expect(ports.attempts.begun.size).toBe(0);
  });

  it('keeps time for them, however long Firehose keeps the others waiting', async () => {
    const clock = fakeClock();
    const deadline = clock.now() + 30_000;
    const stream = recordingStream((frames) => {
      clock.pass(4_000);
      return frames.map(() => (frames.length === 1 ? { ok: true } : THROTTLED));
    });
    const ports = { ...collaborators(), clock, stream };
    const settings = { ...SETTINGS, maxAttempts: 99 };
    const left = () => deadline - clock.now();
    const records = [good('a'), good('b'), often('c', 4)];
    await expect(processBatch(records, left, ports, settings)).resolves.toEqual(failed('a', 'b'));
  });

  it('delivers without writing attempts down, or deleting early, where that fails', async () => {
    const away = () => Promise.reject(new Error('away'));
    const ports = {
      ...collaborators(),
      attempts: { begin: away, end: away },
      source: recordingSource(() => [{ ok: false, code: 'AccessDenied', message: 'no' }]),
    };
    await expect(processBatch([often('a', 4), often('b', 4)], plenty, ports, SETTINGS)).resolves.toEqual(failed());
    expect(ports.stream.taken).toHaveLength(2);
    expect(ports.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(6);
  });
});
