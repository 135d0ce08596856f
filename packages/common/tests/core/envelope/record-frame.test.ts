import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budget } from '../../../src/testing';
import { decodeRecord, encodeRecord, type RecordHeader } from '../../../src/core/envelope/record-frame';
import { MAX_MICROS, MIN_MICROS } from '../../../src/core/time';
import type { TopicName } from '../../../src/core/topic';

const HEADER: RecordHeader = {
  topic: 'telemetry.climate' as TopicName,
  messageId: 'm-1',
  idempotencyKey: 'dev-7|2026-11-23T10:00:00Z',
  eventTime: 1_795_428_000_000_000n,
  producedAt: 1_795_428_001_000_000n,
  receivedAt: 1_795_428_002_000_000n,
  sourceMessageId: '2e1424d4-f796-459a-8184-9c92662be6da',
  traceId: '1-5759e988-bd862e3fe1be46a994272793',
  envelopeIssues: null,
};

describe('encodeRecord', () => {
  it('is one line of header in a fixed order, then the payload as it is', () => {
    const [line = '', ...rest] = encodeRecord(HEADER, '{"a":\n1}').toString('utf8').split('\n');
    expect(rest.join('\n')).toBe('{"a":\n1}');
    expect(Object.entries(JSON.parse(line) as object)).toEqual([
      ['v', 1],
      ['topic_name', 'telemetry.climate'],
      ['message_id', 'm-1'],
      ['idempotency_key', 'dev-7|2026-11-23T10:00:00Z'],
      ['event_time', 1_795_428_000_000_000],
      ['produced_at', 1_795_428_001_000_000],
      ['received_at', 1_795_428_002_000_000],
      ['source_message_id', '2e1424d4-f796-459a-8184-9c92662be6da'],
      ['trace_id', '1-5759e988-bd862e3fe1be46a994272793'],
      ['envelope_issues', null],
    ]);
  });

  it('comes back from decodeRecord whole: ids with quotes and line feeds, times past 2^53, any payload', () => {
    // Lone surrogates are left out, as the envelope reader replaces them before.
    const text = fc.string({ unit: 'grapheme' }).map((id) => `${id}"\n\\`);
    const micros = fc.bigInt({ min: MIN_MICROS, max: MAX_MICROS });
    const header = fc.record({
      topic: fc.constantFrom('t', 'a.b-c_d').map((name) => name as TopicName),
      messageId: text,
      idempotencyKey: text,
      eventTime: fc.option(micros),
      producedAt: micros,
      receivedAt: micros,
      sourceMessageId: text,
      traceId: text,
      envelopeIssues: fc.option(text),
    });
    fc.assert(
      fc.property(header, fc.string({ unit: 'grapheme' }), (expected, payload) => {
        const decoded = decodeRecord(encodeRecord(expected, payload));
        if (!decoded.ok) throw new Error(decoded.message);
        expect(decoded.header).toEqual(expected);
        expect(decoded.payload.toString('utf8')).toBe(payload);
      }),
    );
  });
});

describe('decodeRecord', () => {
  const line = encodeRecord(HEADER, '').toString('utf8').trimEnd();
  const changed = (from: string | RegExp, to: string): string => `${line.replace(from, to)}\n{}`;

  it.each([
    ['nothing', ''],
    ['no line feed', line],
    ['no header', '\n{}'],
    ['a header that is no object', '[]\n{}'],
    ['a header cut short', `${line.slice(0, -9)}\n{}`],
    ['another version', changed('"v":1', '"v":2')],
    ['an unchecked topic', changed('telemetry.climate', '../x')],
    ['a missing id', changed('"message_id"', '"other"')],
    ['an id that is no string', changed('"m-1"', '1')],
    ['a time as text', changed(/"produced_at":\d+/, '"produced_at":"now"')],
    ['a time with a fraction', changed(/"produced_at":\d+/, '"produced_at":1.5')],
    ['a time out of range', changed(/"received_at":\d+/, '"received_at":999999999999999999')],
    ['no produced_at', changed(/"produced_at":\d+/, '"produced_at":null')],
  ])('refuses %s', (_, text) => {
    expect(decodeRecord(Buffer.from(text))).toMatchObject({ ok: false, code: 'INVALID_RECORD' });
  });

  it('refuses a payload that is not UTF-8 rather than change it', () => {
    expect(decodeRecord(Buffer.concat([Buffer.from(`${line}\n`), Buffer.from([0xff, 0xfe])]))).toMatchObject({
      ok: false,
    });
  });

  it('keeps a byte order mark and an empty payload', () => {
    const withMark = decodeRecord(encodeRecord(HEADER, '\ufeff{}'));
    expect(withMark.ok && withMark.payload.toString('utf8')).toBe('\ufeff{}');
    const empty = decodeRecord(encodeRecord(HEADER, ''));
    expect(empty.ok && empty.payload.length).toBe(0);
  });

  it('never throws, whatever the bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.tuple(fc.nat(line.length - 1), fc.uint8Array({ maxLength: 4 })).map(([at, noise]) => {
        const record = Buffer.from(`${line}\n{}`);
        record.set(noise, at);
        return record;
      }),
    );
    fc.assert(
      fc.property(bytes, (record) => {
        expect(typeof decodeRecord(Buffer.from(record)).ok).toBe('boolean');
      }),
      { numRuns: budget({ eachRun: 500, thorough: 2_000 }) },
    );
  });
});
