import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budget } from '../../../src/testing';
import { formatMicros } from '../../../src/core/time';
import { scanJson } from '../../../src/core/json/scan';
import { readEnvelope, type Arrival, type Envelope } from '../../../src/core/envelope/read-envelope';

const SENT_AT = 1_795_428_001_000_000n;
const RECEIVED_AT = SENT_AT + 500_000n;
const DAY = 86_400_000_000n;
const MESSAGE_ID = '2e1424d4-f796-459a-8184-9c92662be6da';

function read(body: string, overrides: Partial<Arrival> = {}) {
  const arrival = { body, messageId: MESSAGE_ID, sentAt: SENT_AT, receivedAt: RECEIVED_AT, ...overrides };
  return readEnvelope(arrival, { maxClockSkew: DAY });
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

  describe('clocks', () => {
    const produced = (at: bigint, overrides: Partial<Arrival> = {}): Envelope =>
      envelope(`{"topic_name":"t","produced_at":"${formatMicros(at)}","payload":1}`, overrides);

    it('may be ahead by as much as is allowed', () => {
      expect(produced(RECEIVED_AT + DAY)).toMatchObject({ producedAt: RECEIVED_AT + DAY, issues: [] });
    });

    it('have no say when they are further ahead: the time of sending stands in, and the issue says by how much', () => {
      const found = produced(RECEIVED_AT + DAY + 1n);
      expect(found.producedAt).toBe(SENT_AT);
      expect(found.issues).toEqual([
        {
          field: 'produced_at',
          code: 'TIME_IN_FUTURE',
          message: 'is 86400.000001 s later than the message was received, and 86400 s are allowed',
          value: `"${formatMicros(RECEIVED_AT + DAY + 1n)}"`,
        },
      ]);
      expect(produced(253_402_300_799_999_999n).producedAt).toBe(SENT_AT);
    });

    it('may be ahead in event_time, by which no version wins', () => {
      const event = '9999-12-31T23:59:59Z';
      expect(envelope(`{"topic_name":"t","event_time":"${event}","payload":1}`).issues).toEqual([]);
    });

    it('that are wrong do not win for ever: what is produced more than that after a receipt beats all that was received', () => {
      const span = 400n * 366n * DAY;
      const wrong = fc.record({
        received: fc.bigInt({ min: 0n, max: span }),
        waited: fc.bigInt({ min: 0n, max: 14n * DAY }),
        // Any clock, most of them near the bound.
        ahead: fc.oneof(
          fc.bigInt({ min: -RECEIVED_AT, max: 20n * span }),
          fc.bigInt({ min: -3n, max: 3n }).map((more) => DAY + more),
        ),
      });
      fc.assert(
        fc.property(fc.array(wrong, { minLength: 1 }), fc.bigInt({ min: 1n, max: span }), (messages, later) => {
          const versions = messages.map(({ received, waited, ahead }) => {
            const receivedAt = RECEIVED_AT + received;
            return produced(receivedAt + ahead, { receivedAt, sentAt: receivedAt - waited }).producedAt;
          });
          const last = messages.reduce((latest, { received }) => (received > latest ? received : latest), 0n);
          const at = RECEIVED_AT + last + DAY + later;
          const correct = produced(at, { receivedAt: at, sentAt: at });
          expect(correct).toMatchObject({ producedAt: at, issues: [] });
          for (const version of versions) expect(version).toBeLessThan(at);
        }),
      );
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

  describe('a payload that is broken', () => {
    it.each(['NaN', "{'a':1}", '{"a":NaN}', '{"a":1,}', '{"a":1 /* one */}', '{"a":"line\nbreak"}', '"{"a":1}"', ''])(
      '%j goes on as it was sent, and what stands beside it counts',
      (payload) => {
        const found = { messageId: 'm', idempotencyKey: 'k', payload, issues: [] };
        const before = `{"topic_name":"t","message_id":"m","payload":${payload},"idempotency_key":"k"}`;
        expect(envelope(before)).toMatchObject({ topic: 't', ...found });
        const behind = `\ufeff{ "payload" : ${payload} , "idempotency_key":"k","message_id":"m","topic_name":"t"}`;
        expect(envelope(behind)).toMatchObject({ topic: 't', ...found });
        const beside = `{"payload":${payload},"message_id":"m","idempotency_key":"k"}`;
        expect(envelope(beside, { topicAttribute: 'u' })).toMatchObject({ topic: 'u', ...found });
      },
    );

    it('is all that follows where the body was cut off, and the topic stands before it', () => {
      const body = '{"topic_name":"t","message_id":"m","payload":{"a":1,"b":"x';
      expect(envelope(body)).toMatchObject({ topic: 't', messageId: 'm', payload: '{"a":1,"b":"x' });
      expect(envelope(body, { topicAttribute: 'u' }).topic).toBe('t');
      const topicBehind = '{"message_id":"m","payload":{"a":[1},"topic_name":"t"}';
      expect(read(topicBehind)).toMatchObject({ code: 'NO_TOPIC' });
      // Whether this body is an envelope nobody knows, so nothing of it is cut off.
      expect(envelope(topicBehind, { topicAttribute: 'u' })).toMatchObject({
        messageId: MESSAGE_ID,
        payload: topicBehind,
      });
    });

    it.each([
      // What hides a bracket or a quote in it: single quotes, a comment, nothing.
      ['{"payload":', '{"a":\'{\'}', ',"topic_name":"t"}'],
      ['{"message_id":"m","payload":', '{"a":\'}\'}', ',"topic_name":"t"}'],
      ['{"payload":', '{"a":\'it"s\'}', ',"topic_name":"t"}'],
      ['{"payload":', '{"a":\'it"s\', "b":\'}\' /* " */}', ',"topic_name":"t"}'],
      ['{"payload":', '{"a":\'tis /* " */}', ',"topic_name":"t"}'],
      ['{"payload":', '{"a":NaN /* " */}', ',"topic_name":"t"}'],
      ['{"payload":', '{"a":1 // }\n}', ',"topic_name":"t"}'],
      ['{"payload":', '{"a":"C:\\temp\\"}', ',"topic_name":"t"}'],
      ['{"message_id":"m","payload":', "{'a':'C:\\temp\\'}", ',"topic_name":"t"}'],
      ['{"payload":', "{'a':'tis}", ',"topic_name":"t"}'],
    ])('ends where only one way to read it leaves an envelope: %s%s%s', (before, payload, behind) => {
      expect(envelope(`${before}${payload}${behind}`)).toMatchObject({ topic: 't', payload, issues: [] });
    });

    it('is the longer one of two that leave the same topic', () => {
      const comment = '1 //,"message_id":"m",\n"message_id":"n"';
      expect(envelope(`{"topic_name":"t","payload":${comment}}`)).toMatchObject({
        topic: 't',
        messageId: MESSAGE_ID,
        payload: comment,
      });
      // The one that leaves a topic counts, as where there is a topic the message is not lost.
      expect(envelope('{"payload":1 //,"topic_name":"t",\n"message_id":"m"}')).toMatchObject({
        topic: 't',
        messageId: 'm',
        payload: '1 //',
      });
    });

    it('has no end where two ways to read it leave different topics', () => {
      const two = '"payload":1 //,"topic_name":"t",\n"x":0,"topic_name":"u"}';
      const other = '"payload":1 //,"topic_name":"t",\n"x":0}';
      expect(envelope(`{${two}`).topic).toBe('u');
      expect(envelope(`{"topic_name":"u",${other}`)).toMatchObject({ topic: 'u', payload: other.slice(10) });
    });

    it.each([
      ['{"a":1}', ''],
      ['{"a":1}', ' \n'],
      ['12', ''],
      ['"x"', ''],
      ['"{}"', ''],
      ['\ufeff{"a":1}', ''],
    ])('%j that is whole in a body without an end (%j) is no row: the body is the payload', (payload, space) => {
      const body = `{"topic_name":"t","message_id":"m","payload":${payload}${space}`;
      const found = { topic: 't', messageId: 'm', payload: body, issues: [] };
      expect(envelope(body)).toMatchObject(found);
      expect(envelope(`\ufeff${body}`, { topicAttribute: 'u' })).toMatchObject(found);
      expect(read(body.replace('"topic_name":"t",', ''))).toMatchObject({ code: 'NO_TOPIC' });
    });

    it.each([
      '{"topic_name":"t","payload":{"a":1}}}',
      '{"topic_name":"t","payload":1,"message_id":NaN}',
      '{"topic_name":"t","message_id":NaN,"payload":NaN}',
      '{"topic_name":"t","temperature":NaN}',
      "{'topic_name':'t','payload':{}}",
    ])('is not what is wrong with %j', (body) => {
      expect(read(body)).toMatchObject({ code: 'NO_TOPIC', message: expect.stringMatching(/at character \d+\)/) });
      expect(envelope(body, { topicAttribute: 'u' })).toMatchObject({ messageId: MESSAGE_ID, payload: body });
    });

    it('is kept as an issue where a later one counts, and has no say in what an envelope is', () => {
      const twice = envelope('{"topic_name":"t","payload":{"a":NaN},"payload":"{\\"a\\":1}"}');
      expect(twice.payload).toBe('{"a":1}');
      expect(twice.issues).toMatchObject([{ code: 'DUPLICATE_FIELD', value: '{"a":NaN}' }]);
      const data = '{"payload":NaN,"region":"eu"}';
      expect(envelope(data, { topicAttribute: 't' }).payload).toBe(data);
      expect(read(data)).toMatchObject({ code: 'NO_TOPIC' });
      expect(codes(envelope('{"topic_name":"t","payload":NaN,"region":"eu"}'))).toEqual(['region UNKNOWN_FIELD']);
      expect(read('{"topic_name":"../x","payload":NaN}')).toMatchObject({ code: 'INVALID_TOPIC' });
    });

    /** What careless writers of JSON write: brackets, quotes and slashes stand in quotes or whole comments. */
    const word = fc.constantFrom('x', 'it', 'é', '7', ' ', '.', ':', '=', '<b>', '\n', '{', '}', ']', ',', '"', '/');
    const words = fc.array(word, { maxLength: 4 }).map((parts) => parts.join(''));
    const comment = fc.oneof(
      words.map((text) => ` /*${text}*/ `),
      words.map((text) => ` //${text.replaceAll('\n', '')}\n`),
    );
    const quoted = fc.array(
      fc.constantFrom('a', '}', ']', '{', ',', "'", '\\"', '\\\\', '\n', '\\x', '//', '/*', '\u0000'),
      { maxLength: 5 },
    );
    const between = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('', ' ', '\n') },
      { weight: 1, arbitrary: comment },
    );
    const scalar = fc.oneof(
      fc.constantFrom('NaN', '-Infinity', 'None', 'True', 'undefined', '01', '.5', '+1', '1.', '0x1F', "don't", 'a\\b'),
      fc.constantFrom('http://x/y', 'Decimal("1")', 'datetime.date(2026, 11, 23)', '""x""', '1', 'null', '"x"', ''),
      quoted.map((parts) => `"${parts.join('')}"`),
      words.map((text) => `'${text}'`),
    );
    const { careless } = fc.letrec<{ careless: string; item: string; array: string; object: string }>((tie) => ({
      item: fc.oneof({ depthSize: 'small' }, scalar, tie('array'), tie('object')),
      array: fc
        .tuple(fc.array(fc.tuple(between, tie('item')), { maxLength: 4 }), between, fc.constantFrom('', ','))
        .map(([items, space, comma]) => `[${items.map((parts) => parts.join('')).join(',')}${space}${comma}]`),
      object: fc
        .tuple(
          fc.array(fc.tuple(between, fc.constantFrom('"a"', "'b'", 'c', '1'), between, tie('item')), { maxLength: 4 }),
          fc.constantFrom('', ',', ',,'),
        )
        .map(
          ([members, comma]) =>
            `{${members.map(([space, key, more, item]) => `${space}${key}${more}:${item}`).join(',')}${comma}}`,
        ),
      careless: fc.oneof(
        { weight: 3, arbitrary: tie('object') },
        { weight: 1, arbitrary: tie('array') },
        // Outside brackets a comma ends the value.
        { weight: 1, arbitrary: scalar.filter((text) => !/,(?=[^"]*$)/.test(text)) },
      ),
    }));
    const others = fc.array(
      fc.tuple(
        fc.constantFrom('topic_name', 'message_id', 'idempotency_key', 'event_time', 'x', '__proto__'),
        fc.oneof(
          fc.constantFrom('"t"', '"u"', '7', '"2026-11-23T10:00:00Z"', '{"payload":NaN}'.replace('NaN', '1')),
          fc.json(),
        ),
      ),
      { maxLength: 3 },
    );
    const attribute = fc.constantFrom(undefined, 'v');
    const joined = (members: readonly (readonly [string, string])[]): string[] =>
      members.map(([key, value]) => `"${key}":${value}`);

    it('takes nothing from the envelope: all is as with another payload there', () => {
      fc.assert(
        fc.property(others, careless, others, attribute, (before, payload, behind, topicAttribute) => {
          const around = (text: string): string =>
            `{${[...joined(before), `"payload": ${text} `, ...joined(behind)].join(',')}}`;
          const [broken, whole] = [read(around(payload), { topicAttribute }), read(around('0'), { topicAttribute })];
          if (!whole.ok) {
            expect(broken).toMatchObject({ ok: false, code: whole.code });
            return;
          }
          if (!broken.ok) throw new Error(broken.message);
          const expected = whole.envelope.payload === '0' ? payload.trim() : around(payload);
          const isJson = ((): boolean => {
            try {
              return JSON.parse(payload) !== undefined;
            } catch {
              return false;
            }
          })();
          if (!isJson) expect(broken.envelope).toEqual({ ...whole.envelope, payload: expected });
        }),
        { numRuns: budget({ eachRun: 1_000, thorough: 20_000 }) },
      );
    });

    it('may have quotes in which a backslash means nothing', () => {
      const text = fc
        .array(fc.constantFrom('C:', 'x', '}', ']', '{', ',', '/', ' ', '\\'), { maxLength: 5 })
        .map((parts) => parts.join(''));
      const item = fc
        .tuple(fc.constantFrom('"', "'"), text, fc.boolean())
        .map(([quote, held, isPath]) => `${quote}${held}${isPath ? '\\' : ''}${quote}`);
      fc.assert(
        fc.property(fc.array(item, { minLength: 1, maxLength: 4 }), (items) => {
          const payload = `{"a":NaN,${items.map((held, n) => `"${n}":${held}`).join(',')}}`;
          const found = envelope(`{"message_id":"m","payload":${payload},"topic_name":"t"}`);
          expect(found).toMatchObject({ topic: 't', messageId: 'm', payload });
        }),
        { numRuns: budget({ eachRun: 500, thorough: 20_000 }) },
      );
    });

    it('goes to the topic before it wherever the body is cut off in or behind it, and is no row', () => {
      const member = fc.tuple(fc.constantFrom('message_id', 'x', 'payload'), fc.json());
      fc.assert(
        fc.property(fc.json(), fc.array(member, { maxLength: 3 }), (payload, behind) => {
          const start = '{"topic_name":"t","idempotency_key":"k","payload":';
          const whole = `${start}${[payload, ...joined(behind)].join(',')}}`;
          const wrong: string[] = [];
          for (let length = start.length; length < whole.length; length++) {
            const body = whole.slice(0, length);
            const found = envelope(body, { topicAttribute: 'u' });
            const isKept = found.topic === 't' && found.idempotencyKey === 'k' && body.endsWith(found.payload);
            if (!isKept || scanJson(found.payload).kind !== 'invalid') wrong.push(body);
          }
          expect(wrong).toEqual([]);
        }),
        { numRuns: budget({ eachRun: 100, thorough: 1_000 }) },
      );
    });

    it('is never lost, whatever it is: RAW has it whole or with all that follows', () => {
      fc.assert(
        fc.property(
          fc.oneof(careless, fc.string({ unit: 'binary' }), fc.json()),
          fc.nat(),
          others,
          (text, at, behind) => {
            const payload = text.slice(0, at % (text.length + 1)) + text.slice((at % (text.length + 1)) + 1);
            const start = '{"topic_name":"t","message_id":"m","payload":';
            const rest = [payload, ...joined(behind)].join(',');
            const result = read(`${start}${rest}}`);
            // A payload may be whole and followed by what is broken: the body is refused as it is.
            if (!result.ok) return;
            const found = result.envelope.payload;
            const sent = rest.replace(/^[ \n\r\t]*\ufeff*/, '');
            if (found === `${sent}}` || found === `${start}${rest}}`) return;
            if (!sent.startsWith(found)) {
              expect(typeof JSON.parse(found)).toBe('object'); // What a string holds.
              return;
            }
            expect(() => JSON.parse(`${start}null${sent.slice(found.length)}}`) as unknown).not.toThrow();
          },
        ),
        { numRuns: budget({ eachRun: 1_000, thorough: 20_000 }) },
      );
    });
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
