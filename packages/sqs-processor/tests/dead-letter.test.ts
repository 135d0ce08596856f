import { describe, expect, it } from '@jest/globals';
import { messageBytes } from '@lean-ops/common/aws';
import { memoryObjects, recordingQueue, sqsRecord } from '@lean-ops/common/testing';
import { decodeMessage, type DeliveryContext } from '@lean-ops/common/core';
import { deadLetter, deadLetterOf, type PermanentFailure } from '../src/dead-letter';

const NOW_MS = 1_795_428_002_000;
const SETTINGS = { overflowBucket: 'archive', concurrency: 2, maxAttempts: 3 };
const CONTEXT: DeliveryContext = { remainingMs: () => 20_000, sleep: () => Promise.resolve(), random: () => 0 };

function letterOf(...overrides: Parameters<typeof sqsRecord>): PermanentFailure {
  const decoded = decodeMessage(sqsRecord(...overrides), 0n, { maxClockSkew: 0n });
  if (decoded.kind !== 'permanent') throw new Error('is not permanent');
  return decoded;
}

describe('deadLetterOf', () => {
  it('says what, why, when, by whom, and what came with it', () => {
    const letter = letterOf({ body: 'hello', messageId: 'm-1', messageAttributes: { region: 'eu' } });
    const { body, attributes } = deadLetterOf(letter, NOW_MS);
    const { source_attributes: source, ...reason } = attributes;
    expect(body).toBe('hello');
    expect(reason).toEqual({
      error_code: 'NO_TOPIC',
      error_message: expect.stringContaining('not JSON'),
      failed_at: '2026-11-23T10:00:01.250Z',
      origin: 'sqs-processor',
      source_message_id: 'm-1',
      trace_id: 'm-1',
    });
    expect(JSON.parse(source ?? '')).toMatchObject({ message: { region: { stringValue: 'eu' } } });
  });

  it('failed_at does not depend on when the message is handled again, so that copies are archived as one', () => {
    const letter = letterOf({ body: 'hello' });
    expect(deadLetterOf(letter, NOW_MS)).toEqual(deadLetterOf(letter, NOW_MS + 86_400_000));
  });

  it('names the topic only when it is one', () => {
    expect(deadLetterOf(letterOf({ body: 'x', topic: '../x' }), NOW_MS).attributes).not.toHaveProperty('topic_name');
    const large = letterOf({ body: 'x'.repeat(1_030_000), topic: 'telemetry.climate' });
    expect(deadLetterOf(large, NOW_MS).attributes).toMatchObject({
      topic_name: 'telemetry.climate',
      error_code: 'TOO_LARGE',
    });
  });

  it('keeps to the characters SQS takes in an attribute, whatever the topic was', () => {
    const letter = letterOf({ body: JSON.stringify({ topic_name: '\u0000\uffff\ud800𝕏', payload: 1 }) });
    expect(deadLetterOf(letter, NOW_MS).attributes['error_message']).toMatch(/^[ -~]+$/);
  });
});

describe('deadLetter', () => {
  it('puts a body aside that would not fit beside its reason, before the letter is sent', async () => {
    const objects = memoryObjects();
    const seen: number[] = [];
    const queue = recordingQueue((messages) => {
      seen.push(objects.journal.length);
      return messages.map(() => ({ ok: true }));
    });
    const body = 'x'.repeat(1_048_576);
    const letter = letterOf({ body, messageId: 'm-1', topic: 't' });
    const report = await deadLetter([letter], NOW_MS, { deadLetters: queue, objects }, SETTINGS, CONTEXT);
    expect(report).toMatchObject({ taken: [letter], left: [], overflowed: 1 });
    expect(objects.objects.get('s3://archive/overflow/m-1')?.body).toBe(body);
    expect(queue.taken[0]).toMatchObject({
      body: '{"overflow":{"bucket":"archive","key":"overflow/m-1","bytes":1048576}}',
      attributes: { body_overflow: 'true', error_code: 'TOO_LARGE' },
    });
    expect(seen).toEqual([1]);
  });

  it("puts the producer's attributes aside when they are what does not fit", async () => {
    const objects = memoryObjects();
    const queue = recordingQueue();
    // Every quote of an attribute is escaped twice in the JSON text, and so grows twice.
    const letter = letterOf({ body: 'x', messageId: 'm-1', messageAttributes: { region: '"'.repeat(1_000_000) } });
    const report = await deadLetter([letter], NOW_MS, { deadLetters: queue, objects }, SETTINGS, CONTEXT);
    expect(report.taken).toEqual([letter]);
    expect(objects.journal).toEqual(['put s3://archive/overflow/m-1', 'put s3://archive/overflow/m-1.attributes.json']);
    for (const message of queue.taken) expect(messageBytes(message)).toBeLessThanOrEqual(1_048_576);
  });

  it('leaves a message whose body could not be put aside', async () => {
    const objects = { ...memoryObjects(), put: () => Promise.reject(new Error('S3 is away')) };
    const queue = recordingQueue();
    const large = letterOf({ body: 'x'.repeat(1_048_576), topic: 't' });
    const small = letterOf({ body: 'x' });
    const report = await deadLetter([large, small], NOW_MS, { deadLetters: queue, objects }, SETTINGS, CONTEXT);
    expect(report.taken).toEqual([small]);
    expect(report.left).toEqual([{ item: large, code: 'OVERFLOW_FAILED', message: 'S3 is away' }]);
  });

  it('keeps every batch within 10 messages and 1 MiB', async () => {
    const queue = recordingQueue();
    const letters = Array.from({ length: 25 }, (_, index) => letterOf({ body: 'x'.repeat((index % 3) * 200_000) }));
    await deadLetter(letters, NOW_MS, { deadLetters: queue, objects: memoryObjects() }, SETTINGS, CONTEXT);
    expect(queue.taken).toHaveLength(25);
    for (const batch of queue.calls) {
      expect(batch.length).toBeLessThanOrEqual(10);
      expect(batch.reduce((sum, message) => sum + messageBytes(message), 0)).toBeLessThanOrEqual(1_048_576);
    }
  });
});
