import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budget } from '../../../src/testing';
import { readEnvelope, type Arrival, type Envelope } from '../../../src/core/envelope/read-envelope';

const SENT_AT = 1_795_428_001_000_000n;
const MESSAGE_ID = '2e1424d4-f796-459a-8184-9c92662be6da';

function read(body: string, overrides: Partial<Arrival> = {}) {
  return readEnvelope({ body, messageId: MESSAGE_ID, sentAt: SENT_AT, ...overrides });
}

function envelope(body: string, overrides: Partial<Arrival> = {}): Envelope {
  const result = read(body, overrides);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.envelope;
}

const codes = ({ issues }: Envelope): string[] => issues.map(({ field, code }) => `${field} ${code}`);

describe('readEnvelope', () => {
  it('reads every field', () => {
    const body = `{"topic_name":"telemetry.climate","message_id":"m-1","idempotency_key":"k-1",
      "event_time":"2026-11-23T10:00:00Z","produced_at":"2026-11-23T11:00:01.5+01:00","payload":{"a":1}}`;
    expect(envelope(body)).toEqual({
      topic: 'telemetry.climate',
      messageId: 'm-1',
      idempotencyKey: 'k-1',
      eventTime: 1_795_428_000_000_000n,
      producedAt: 1_795_428_001_500_000n,
      payload: '{"a":1}',
      issues: [],
    });
  });

  it('stands in for what is absent or null', () => {
    const standIns = {
      messageId: MESSAGE_ID,
      idempotencyKey: MESSAGE_ID,
      eventTime: null,
      producedAt: SENT_AT,
      issues: [],
    };
    expect(envelope('{"topic_name":"t","payload":1}')).toMatchObject(standIns);
    const nulls = '"message_id":null,"idempotency_key":null,"event_time":null,"produced_at":null';
    expect(envelope(`{"topic_name":"t","payload":1,${nulls}}`)).toMatchObject(standIns);
    expect(envelope('{"topic_name":"t","message_id":"m","payload":1}').idempotencyKey).toBe('m');
  });

  it('passes the payload on as it was sent', () => {
    const payload = '{ "n":9007199254740993, "m":1.10,"x":1e400,"a":1,"a":2, "__proto__":{}, "s":"\\ud800\\u0041" }';
    expect(envelope(`{"topic_name":"t","payload": ${payload} }`).payload).toBe(payload);
  });

  it.each([
    ['null', 'null'],
    ['[ 1 ]', '[ 1 ]'],
    ['1.10', '1.10'],
    ['"text \\"quoted\\" \\u0041"', '"text \\"quoted\\" \\u0041"'],
    ['"{\\"a\\":1}"', '{"a":1}'],
  ])('payload %s is the text %s', (source, text) => {
    expect(envelope(`{"topic_name":"t","payload":${source}}`).payload).toBe(text);
  });

  it('keeps any document as a payload, character for character', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom('', ' ', '\n\t'), (payload, ws) => {
        fc.pre(!payload.startsWith('"'));
        expect(envelope(`{"payload":${ws}${payload}${ws},"topic_name":"t"}`).payload).toBe(payload);
        expect(envelope(ws + payload + ws, { topicAttribute: 't' }).payload).toBe(ws + payload + ws);
      }),
    );
  });

  it('survives a payload nested 500,000 deep', () => {
    const payload = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    expect(envelope(`{"topic_name":"t","payload":${payload}}`).payload).toBe(payload);
  });

  describe('ids', () => {
    it.each([
      ['7', '7'],
      ['9007199254740993', '9007199254740993'],
      ['1.10', '1.10'],
      ['-1e400', '-1e400'],
      ['"\\u0041"', 'A'],
      [`"${'x'.repeat(1024)}"`, 'x'.repeat(1024)],
      [`"${'😀'.repeat(1024)}"`, '😀'.repeat(1024)],
      ['"a\\ud800b"', 'a\ufffdb'],
    ])('%.40s is taken as text', (source, id) => {
      const found = envelope(`{"topic_name":"t","message_id":${source},"idempotency_key":${source},"payload":1}`);
      expect(found).toMatchObject({ messageId: id, idempotencyKey: id, issues: [] });
    });

    it.each([
      ['true', 'WRONG_TYPE'],
      ['{"a":1}', 'WRONG_TYPE'],
      ['[1]', 'WRONG_TYPE'],
      ['""', 'EMPTY'],
      [`"${'x'.repeat(1025)}"`, 'TOO_LONG'],
      [`"${'😀'.repeat(1025)}"`, 'TOO_LONG'],
      ['1'.repeat(1025), 'TOO_LONG'],
    ])('%.40s counts as absent, and what was there is noted', (source, code) => {
      const found = envelope(`{"topic_name":"t","message_id":${source},"payload":1}`);
      expect(found.messageId).toBe(MESSAGE_ID);
      expect(found.issues).toEqual([{ field: 'message_id', code, message: expect.any(String), value: source }]);
    });
  });

  describe('times', () => {
    it.each([
      ['"2026-11-23T10:00:00"', 'INVALID_TIME'],
      ['"soon"', 'INVALID_TIME'],
      ['"0000-01-01T00:00:00Z"', 'TIME_OUT_OF_RANGE'],
      ['1795428000', 'WRONG_TYPE'],
    ])('%s counts as absent, and what was there is noted', (source, code) => {
      const found = envelope(`{"topic_name":"t","event_time":${source},"produced_at":${source},"payload":1}`);
      expect(found).toMatchObject({ eventTime: null, producedAt: SENT_AT });
      expect(codes(found)).toEqual([`event_time ${code}`, `produced_at ${code}`]);
      expect(found.issues.map(({ value }) => value)).toEqual([source, source]);
    });
  });

  describe('topic', () => {
    it('comes from the body, else from the attribute', () => {
      expect(envelope('{"topic_name":"t","payload":1}', { topicAttribute: 'u' }).topic).toBe('t');
      expect(envelope('{"message_id":"m","payload":1}', { topicAttribute: 'u' })).toMatchObject({
        topic: 'u',
        messageId: 'm',
      });
      expect(envelope('{"topic_name":null,"payload":1}', { topicAttribute: 'u' })).toMatchObject({
        topic: 'u',
        issues: [],
      });
    });

    it.each([
      ['"../x"', 'INVALID_TOPIC'],
      ['"a;drop table"', 'INVALID_TOPIC'],
      [`"${'x'.repeat(200)}"`, 'INVALID_TOPIC'],
      ['"t\u0435lemetry"', 'INVALID_TOPIC'],
      ['7', 'WRONG_TYPE'],
      ['{}', 'WRONG_TYPE'],
    ])('%.40s in the body gives way to the attribute, or is refused', (source, code) => {
      const body = `{"topic_name":${source},"payload":1}`;
      const found = envelope(body, { topicAttribute: 'u' });
      expect(found.topic).toBe('u');
      expect(found.issues).toMatchObject([{ field: 'topic_name', code, value: source }]);
      expect(read(body)).toMatchObject({
        ok: false,
        code: 'INVALID_TOPIC',
        message: expect.stringMatching(/^[ -~]+$/),
      });
    });

    it.each(['../x', 'a;drop table', 'x'.repeat(200), 'T', ''])(
      'attribute %.40j gives way to the body, or is refused',
      (topic) => {
        const overrides = { topicAttribute: topic };
        expect(codes(envelope('{"topic_name":"t","payload":1}', overrides))).toEqual(['topic_name INVALID_TOPIC']);
        expect(envelope('{"topic_name":"t","a":1}', overrides).topic).toBe('t');
        for (const body of ['{"payload":1}', '{"a":1}', 'no json', '']) {
          expect(read(body, overrides)).toMatchObject({ ok: false, code: 'INVALID_TOPIC' });
        }
      },
    );

    it.each([
      '{"payload":1}',
      '{"a":1}',
      '{"topic_name":null,"payload":1}',
      '[]',
      '"t"',
      '1',
      'no json',
      '',
      '{"topic_name":"t",}',
    ])('is missing from %j without an attribute', (body) => {
      expect(read(body)).toMatchObject({ ok: false, code: 'NO_TOPIC', message: expect.stringMatching(/^[ -~]+$/) });
    });

    it('a byte order mark before the body is no part of it', () => {
      expect(envelope('\ufeff{"topic_name":"t","payload":1}')).toMatchObject({ topic: 't', payload: '1', issues: [] });
      expect(envelope('\ufeff{"a":1}', { topicAttribute: 't' }).payload).toBe('{"a":1}');
      expect(envelope('\ufeffno json', { topicAttribute: 't' }).payload).toBe('no json');
      expect(envelope('\ufeff{"topic_name":"t","a":1}').payload).toBe('{"topic_name":"t","a":1}');
    });

    it('the message says where the body that was sent stops being JSON', () => {
      expect(read('\ufeff{"topic_name":"t",}')).toMatchObject({ message: expect.stringContaining('character 19') });
      expect(read(' \ufeff{}')).toMatchObject({ message: expect.stringContaining('character 1)') });
    });
  });

  describe('what is an envelope', () => {
    it('payload and topic_name make one, and unknown members are kept as issues', () => {
      const found = envelope('{"topic_name":"t","payload":{"a":1},"region": { "n":1.10 },"__proto__":1}');
      expect(found.payload).toBe('{"a":1}');
      expect(found.issues).toEqual([
        { field: 'region', code: 'UNKNOWN_FIELD', message: expect.any(String), value: '{ "n":1.10 }' },
        { field: '__proto__', code: 'UNKNOWN_FIELD', message: expect.any(String), value: '1' },
      ]);
    });

    it('payload beside unknown members and no topic_name is not one: the body is the payload', () => {
      const body = '{"payload":{"a":1},"region":"eu","message_id":"mine"}';
      expect(envelope(body, { topicAttribute: 't' })).toMatchObject({
        payload: body,
        messageId: MESSAGE_ID,
        issues: [],
      });
    });

    it('topic_name without payload, and no attribute: the body is the payload, its envelope fields are read', () => {
      const body =
        '{"topic_name":"t","message_id":"m","event_time":"2026-11-23T10:00:00Z","temperature":1.10,"a":1,"a":2}';
      const found = envelope(body);
      expect(found).toMatchObject({ topic: 't', messageId: 'm', eventTime: 1_795_428_000_000_000n, payload: body });
      expect(codes(found)).toEqual(['payload MISSING_PAYLOAD']);
    });

    it('topic_name without payload beside an attribute is data', () => {
      const body = '{"topic_name":"t","message_id":"m"}';
      expect(envelope(body, { topicAttribute: 'u' })).toMatchObject({
        topic: 'u',
        messageId: MESSAGE_ID,
        payload: body,
      });
    });

    it('keeps what duplicate envelope fields lose', () => {
      const found = envelope('{"payload":{"a":1},"topic_name":"t","payload":{"a":2},"topic\\u005fname":"u"}');
      expect(found).toMatchObject({ topic: 'u', payload: '{"a":2}' });
      expect(found.issues).toMatchObject([
        { field: 'payload', code: 'DUPLICATE_FIELD', value: '{"a":1}' },
        { field: 'topic_name', code: 'DUPLICATE_FIELD', value: '"t"' },
      ]);
    });

    it.each(['', 'no json', '{"a":1,}', "{'a':1}", '{"a":NaN}', '[1,2]', '"x"', ' 7 '])(
      '%j beside an attribute is a payload, verbatim',
      (body) => {
        expect(envelope(body, { topicAttribute: 't' })).toMatchObject({ payload: body, issues: [] });
      },
    );
  });

  it('never throws, whatever the body', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      'topic_name',
      'payload',
      't',
      '1',
      '\ufeff',
      '\\ud800',
      '\ud800',
    );
    const bodies = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fragment).map((parts) => parts.join('')),
      fc.json(),
    );
    fc.assert(
      fc.property(bodies, fc.option(fc.string({ unit: 'binary' }), { nil: undefined }), (body, topicAttribute) => {
        const result = read(body, { topicAttribute });
        if (!result.ok) expect(['NO_TOPIC', 'INVALID_TOPIC']).toContain(result.code);
      }),
      { numRuns: budget({ eachRun: 1_000, thorough: 5_000 }) },
    );
  });
});
