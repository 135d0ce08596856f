import { describe, expect, it } from '@jest/globals';
import {
  decodeMessage,
  decodeRecord,
  originText,
  readOrigin,
  type RecordHeader,
  type ReplayOrigin,
} from '../../../src/core';
import { envelopeOf, sqsRecord } from '../../../src/testing';
import fc from 'fast-check';

const RECEIVED_AT = 1_795_428_002_000_000n;
const SETTINGS = { maxClockSkew: 60_000_000n };

function framed(record = sqsRecord()): { header: RecordHeader; payload: string } {
  const decoded = decodeMessage(record, RECEIVED_AT, SETTINGS);
  if (decoded.kind !== 'framed') throw new Error(decoded.message);
  const read = decodeRecord(decoded.frame);
  if (!read.ok) throw new Error(read.message);
  return { header: read.header, payload: read.payload.toString('utf8') };
}

describe('decodeMessage', () => {
  it('frames envelope and payload', () => {
    const record = sqsRecord({ messageId: 'sqs-1' });
    expect(framed(record)).toEqual({
      header: {
        topic: 'telemetry.climate',
        messageId: '0199c2a4-7d10-7c3e-9a51-3f0e8b7d2c11',
        idempotencyKey: 'dev-7|2026-11-23T10:00:00Z',
        eventTime: 1_795_428_000_000_000n,
        producedAt: 1_795_428_001_000_000n,
        receivedAt: RECEIVED_AT,
        sourceMessageId: 'sqs-1',
        traceId: 'sqs-1',
        envelopeIssues: null,
      },
      payload: '{"device_id":"dev-7","temperature":21.5,"humidity":40}',
    });
  });

  it('takes a time that is too far ahead of the receipt for none', () => {
    const body = '{"topic_name":"t","produced_at":"2026-11-23T10:01:03Z","payload":1}';
    const { header } = framed(sqsRecord({ body, attributes: { SentTimestamp: '1795428001500' } }));
    expect(header.producedAt).toBe(1_795_428_001_500_000n);
    expect(JSON.parse(header.envelopeIssues ?? '')).toMatchObject([
      { field: 'produced_at', code: 'TIME_IN_FUTURE', message: expect.stringContaining('is 61 s later') },
    ]);
  });

  it('takes the trace id from the X-Ray header', () => {
    const AWSTraceHeader = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
    expect(framed(sqsRecord({ attributes: { AWSTraceHeader } })).header.traceId).toBe(
      '1-5759e988-bd862e3fe1be46a994272793',
    );
    const broken = sqsRecord({ attributes: { AWSTraceHeader: 'Root="; drop' } });
    expect(framed(broken).header.traceId).toBe(broken.messageId);
  });

  it('takes it from the W3C attribute traceparent when there is no such header', () => {
    const traced = (traceparent: string) => sqsRecord({ messageAttributes: { traceparent } });
    expect(framed(traced('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')).header.traceId).toBe(
      '4bf92f3577b34da6a3ce929d0e0e4736',
    );
    const broken = traced('00-4bf9-../x');
    expect(framed(broken).header.traceId).toBe(broken.messageId);
  });

  it('produced_at falls back to SentTimestamp, and to now without one', () => {
    const body = JSON.stringify(envelopeOf({ produced_at: undefined }));
    expect(framed(sqsRecord({ body, attributes: { SentTimestamp: '1795428001500' } })).header.producedAt).toBe(
      1_795_428_001_500_000n,
    );
    expect(framed(sqsRecord({ body, attributes: { SentTimestamp: 'never' } })).header.producedAt).toBe(RECEIVED_AT);
  });

  it('writes issues as JSON text', () => {
    const { header } = framed(sqsRecord({ body: JSON.stringify(envelopeOf({ message_id: true })) }));
    expect(JSON.parse(header.envelopeIssues ?? '')).toMatchObject([
      { field: 'message_id', code: 'WRONG_TYPE', value: 'true' },
    ]);
  });

  it.each(['9007199254740993', '1.10', '1e400', '"\\ud800"', '{"a":1,"a":2,"__proto__":[]}', '"😀"'])(
    'payload member %s arrives as it was sent',
    (source) => {
      const body = `{"topic_name":"t","payload":{"x": ${source} }}`;
      expect(framed(sqsRecord({ body })).payload).toBe(`{"x": ${source} }`);
    },
  );

  it.each([
    ['not JSON', 'hello', 'NO_TOPIC'],
    ['an empty body', '', 'NO_TOPIC'],
    ['no topic', '{"payload":{}}', 'NO_TOPIC'],
    ['a path for a topic', '{"topic_name":"../x","payload":{}}', 'INVALID_TOPIC'],
    ['SQL for a topic', '{"topic_name":"a;drop table","payload":{}}', 'INVALID_TOPIC'],
  ])('%s is permanent', (_, body, code) => {
    expect(decodeMessage(sqsRecord({ body }), RECEIVED_AT, SETTINGS)).toMatchObject({
      kind: 'permanent',
      code,
      topic: undefined,
    });
  });

  it('a body that is not JSON, with a topic beside it, is framed', () => {
    expect(framed(sqsRecord({ body: 'hello', topic: 't' }))).toMatchObject({
      header: { topic: 't' },
      payload: 'hello',
    });
    expect(framed(sqsRecord({ body: '', topic: 't' })).payload).toBe('');
  });

  it('lets a record through that has exactly as many bytes as Firehose takes, and none that has one more', () => {
    const empty = decodeMessage(sqsRecord({ body: '', topic: 't' }), RECEIVED_AT, SETTINGS);
    const room = 1_024_000 - (empty.kind === 'framed' ? empty.frame.length : 0);
    expect(decodeMessage(sqsRecord({ body: 'x'.repeat(room), topic: 't' }), RECEIVED_AT, SETTINGS).kind).toBe('framed');
    // Bytes count, not characters.
    for (const body of ['x'.repeat(room + 1), `${'x'.repeat(room - 1)}é`, 'x'.repeat(1_048_000)]) {
      expect(decodeMessage(sqsRecord({ body, topic: 't' }), RECEIVED_AT, SETTINGS)).toMatchObject({
        code: 'TOO_LARGE',
        topic: 't',
      });
    }
  });
});

describe('a dead letter that was sent again', () => {
  const BARE = '{"device_id":"dev-7"}';
  const origin = (changes: Readonly<Record<string, unknown>> = {}): Record<string, string> => ({
    lean_ops_origin: JSON.stringify({
      v: 1,
      kind: 'replay',
      message_id: 'first',
      sent_at: 1_795_000_000_500,
      received_at: 1_795_000_001_000,
      letter: 'dlq/t/2026/11/18/first.json',
      attempt: 1,
      operation: '20261123T100000Z-replay-ab12cd',
      ...changes,
    }),
  });
  const again = (body: string, changes: Readonly<Record<string, unknown>> = {}) =>
    sqsRecord({ body, topic: 't', messageAttributes: origin(changes), attributes: { SentTimestamp: '1795428001500' } });

  it('is the message that it was: its id and time of sending stand in, and name it in RAW', () => {
    expect(framed(again(BARE)).header).toMatchObject({
      messageId: 'first',
      idempotencyKey: 'first',
      producedAt: 1_795_000_000_500_000n,
      receivedAt: RECEIVED_AT,
      sourceMessageId: 'first',
      traceId: 'first',
    });
  });

  it('keeps what its envelope names, and the trace id that was on record', () => {
    const { header } = framed(
      again(JSON.stringify(envelopeOf()), { trace_id: '1-5e1b', received_at: 1_795_428_001_250 }),
    );
    expect(header).toMatchObject({
      messageId: '0199c2a4-7d10-7c3e-9a51-3f0e8b7d2c11',
      producedAt: 1_795_428_001_000_000n,
      sourceMessageId: 'first',
      traceId: '1-5e1b',
    });
  });

  it('has its produced_at judged by its first receipt, so that it does not become another version by waiting', () => {
    const body = '{"topic_name":"t","produced_at":"2026-11-23T09:00:00Z","payload":1}';
    expect(framed(sqsRecord({ body })).header.envelopeIssues).toBeNull();
    const { header } = framed(again(body));
    expect(header.producedAt).toBe(1_795_000_000_500_000n);
    expect(JSON.parse(header.envelopeIssues ?? '')).toMatchObject([{ code: 'TIME_IN_FUTURE' }]);
  });

  it.each([
    ['no JSON', 'first'],
    ['an array', '[]'],
    ['a later version of the attribute', origin({ v: 2 })],
    ['another kind', origin({ kind: 'copy' })],
    ['no letter', origin({ letter: undefined })],
    ['no operation', origin({ operation: 'x y' })],
    ['no id', origin({ message_id: '' })],
    ['an id that is too long', origin({ message_id: 'x'.repeat(1_025) })],
    ['a time as text', origin({ sent_at: '2026' })],
    ['a time that no clock has', origin({ sent_at: 1e300 })],
    ['no time of receipt', origin({ received_at: null })],
    ['a time in the future, which would win over all that comes', origin({ sent_at: 1_795_500_000_000 })],
    ['no attempt', origin({ attempt: 0 })],
    ['attributes that are none', origin({ attributes: { a: 'b' } })],
  ])('is refused where its origin is %s, and never taken for a new message', (_, attribute) => {
    const messageAttributes = typeof attribute === 'string' ? { lean_ops_origin: attribute } : attribute;
    expect(
      decodeMessage(sqsRecord({ body: BARE, topic: 't', messageAttributes }), RECEIVED_AT, SETTINGS),
    ).toMatchObject({ kind: 'permanent', code: 'INVALID_ORIGIN', topic: 't' });
  });

  it('is refused where the attribute is no text', () => {
    const record = sqsRecord({ body: BARE, topic: 't' });
    record.messageAttributes['lean_ops_origin'] = { dataType: 'Binary', binaryValue: 'e30=' };
    expect(decodeMessage(record, RECEIVED_AT, SETTINGS)).toMatchObject({ code: 'INVALID_ORIGIN' });
  });

  it('is a message of its own where somebody has corrected its body', () => {
    const edit = { kind: 'edit', message_id: 'edit-1', sent_at: undefined, received_at: undefined };
    const record = again(BARE, edit);
    expect(framed(record).header).toMatchObject({
      messageId: 'edit-1',
      producedAt: 1_795_428_001_500_000n,
      sourceMessageId: record.messageId,
    });
  });

  it('reads every origin that is written, and throws for no text', () => {
    const text = fc.string({ minLength: 1, maxLength: 20 });
    const millis = fc.integer({ min: 1, max: 253_402_300_799_999 });
    const attributes = fc.dictionary(
      text,
      fc.record({ dataType: fc.constantFrom('String', 'Number.x'), stringValue: text }, { requiredKeys: ['dataType'] }),
    );
    const replay = fc.record<ReplayOrigin>({
      kind: fc.constant('replay'),
      messageId: text,
      sentAt: millis,
      receivedAt: millis,
      traceId: fc.option(fc.constant('1-5e1b'), { nil: undefined }),
      letter: fc.constant('dlq/t/2026/11/18/first.json'),
      attempt: fc.integer({ min: 1, max: 9 }),
      operation: fc.constant('20261123T100000Z-replay-ab12cd'),
      attributes: fc.option(attributes, { nil: undefined }),
    });
    fc.assert(fc.property(replay, (one) => expect(readOrigin(originText(one))).toEqual({ ok: true, origin: one })));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (any) => {
        readOrigin(any);
      }),
    );
  });
});
