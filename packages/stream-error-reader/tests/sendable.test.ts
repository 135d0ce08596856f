import { describe, expect, it } from '@jest/globals';
import { MAX_MICROS, MIN_MICROS, type TopicName } from '@lean-ops/common/core';
import fc from 'fast-check';
import { sendableOf } from '../src/sendable';
import { frameOf, headerOf, rowTextOf } from './world';

const text = fc.string({ unit: 'grapheme' }).map((given) => Buffer.from(given).toString('utf8'));
const micros = fc.bigInt({ min: MIN_MICROS, max: MAX_MICROS });
const header = fc
  .record({
    topic: fc.constantFrom('a', 'telemetry.climate', 'b-c_d').map((name) => name as TopicName),
    messageId: text,
    idempotencyKey: text,
    eventTime: fc.option(micros),
    producedAt: micros,
    receivedAt: micros,
    sourceMessageId: text,
    traceId: text,
    envelopeIssues: fc.option(text),
  })
  .map(headerOf);

describe('sendableOf', () => {
  it('takes a frame as it is', () => {
    const frame = frameOf();
    expect(sendableOf(frame)).toEqual({ ok: true, topic: 'telemetry.climate', sourceMessageId: 'source-1', frame });
  });

  it('makes of a row the frame it was, byte for byte', () => {
    fc.assert(
      fc.property(header, text, (given, payload) => {
        const sendable = sendableOf(Buffer.from(rowTextOf(given, payload)));
        expect(sendable.ok && sendable.frame.toString()).toBe(frameOf(given, payload).toString());
      }),
    );
  });

  it.each([
    ['no text at all', Buffer.from([0xff, 0xfe, 0])],
    ['garbage', 'garbage'],
    ['another object', '{"a":1}'],
    ['a row of a poisoned topic', rowTextOf(headerOf({ topic: '../../etc' as TopicName }), '{}')],
    ['a row without times', '{"topic_name":"a","message_id":"m","payload":"{}"}'],
    ['a row with a rounded time', rowTextOf(headerOf(), '{}').replace('253402300799999999', '2.5e17')],
    ['nothing', ''],
  ])('refuses %s and says why', (_, raw) => {
    expect(sendableOf(Buffer.from(raw))).toMatchObject({
      ok: false,
      code: 'INVALID_RECORD',
      message: expect.stringMatching(/./),
    });
  });

  it('refuses what Firehose does not take', () => {
    expect(sendableOf(frameOf({}, 'x'.repeat(1_024_000)))).toMatchObject({ ok: false, code: 'TOO_LARGE' });
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void sendableOf(Buffer.from(bytes))));
    fc.assert(fc.property(fc.json(), (json) => void sendableOf(Buffer.from(json))));
  });
});
