import { beforeAll, describe, expect, it } from '@jest/globals';
import { cycle, freshTopic, rows, send, settle, tableOf, theStack } from '../stack';

const stack = theStack();

async function standardized(topic: string): Promise<Record<string, string | null>[]> {
  return rows(stack, `SELECT * FROM {standardized}."${tableOf(topic)}" ORDER BY message_id`);
}

const BIG = 'x'.repeat(300_000);
const PAYLOAD =
  `{"big":9007199254740993,"price":1.10,"huge":1e400,"nested":{"a":{"b":"deep"}},"list":[1.0,{"k":"ü"},null],"nothing":null,` +
  `"empty":{},"yes":true,"emoji":"🌡️","lone":"a\\ud800b","blob":"${BIG}","dup":1,"dup":2,"__proto__":"p","MixedCase":"m","1st":"f"}`;

describe('messages sent with an SDK', () => {
  const verbatim = freshTopic('verbatim');
  const bare = freshTopic('bare');
  const broken = freshTopic('broken');
  const state = freshTopic('state');
  const clock = freshTopic('clock');
  let bareId = '';

  beforeAll(async () => {
    const times = '"event_time":"2026-11-23T11:00:00+01:00","produced_at":"2026-11-23T10:00:01.5Z"';
    await send(stack, `{"topic_name":"${verbatim}","message_id":"v-1",${times},"payload":${PAYLOAD}}`);
    bareId = await send(stack, '{"event_time":"not an envelope","v":1}', bare);
    await send(stack, "{'single': 'quotes'}", broken);
    await send(stack, '{"ok":1}', broken);
    await send(stack, `{"payload":{"a":NaN},"message_id":"nan","topic_name":"${broken}"}`);
    await send(stack, `\ufeff{"topic_name":"${state}","message_id":"1","payload":"ON"}`);
    await send(stack, `{"topic_name":"${state}","message_id":"2","payload":"{\\"mode\\":\\"auto\\"}"}`);
    await send(stack, '\ufeff{"mode":"off"}', state);
    for (const [at, n] of [
      ['2099-01-01T00:00:00Z', 1],
      ['2026-11-23T10:00:00Z', 2],
      [new Date(Date.now() + 3_600_000).toISOString(), 3],
    ]) {
      await send(
        stack,
        `{"topic_name":"${clock}","message_id":"${n}","idempotency_key":"k","produced_at":"${at}","payload":{"n":${n}}}`,
      );
    }
    await cycle(stack);
  });

  it('come out of Standardized with every value as it was written', async () => {
    const [row] = await standardized(verbatim);
    expect(row).toMatchObject({
      message_id: 'v-1',
      idempotency_key: 'v-1',
      event_time: '2026-11-23T10:00:00.000000Z',
      produced_at: '2026-11-23T10:00:01.500000Z',
      big: '9007199254740993',
      price: '1.10',
      huge: '1e400',
      nested__a__b: 'deep',
      list: '[1.0,{"k":"ü"},null]',
      nothing: null,
      empty: '{}',
      yes: 'true',
      emoji: '🌡️',
      lone: 'a\uFFFDb',
      blob: BIG,
      dup: '2',
      mixedcase: 'm',
      _1st: 'f',
    });
    expect(Object.getOwnPropertyDescriptor(row, '__proto__')?.value).toBe('p');
    const [raw] = await rows(stack, `SELECT payload FROM {raw}."events" WHERE topic_name = '${verbatim}'`);
    expect(raw?.['payload']).toBe(PAYLOAD);
  });

  it('keep a bare payload whole when the attribute names the topic', async () => {
    expect(await standardized(bare)).toEqual([
      expect.objectContaining({ message_id: bareId, event_time: null, payload__event_time: 'not an envelope', v: '1' }),
    ]);
  });

  it('end in parse_errors when the payload is not JSON, and the topic goes on', async () => {
    expect(await standardized(broken)).toHaveLength(1);
    const errors = await rows(
      stack,
      `SELECT error_code, payload FROM {ops}."parse_errors" WHERE topic_name = '${broken}' ORDER BY payload`,
    );
    expect(errors).toEqual([
      { error_code: 'INVALID_JSON', payload: '{"a":NaN}' },
      { error_code: 'INVALID_JSON', payload: "{'single': 'quotes'}" },
    ]);
  });

  it('are values when they are texts, and start behind a byte order mark', async () => {
    const found = await standardized(state);
    expect(found.map(({ value, mode }) => [value, mode]).sort()).toEqual([
      [null, 'auto'],
      [null, 'off'],
      ['ON', null],
    ]);
  });

  it('do not win for ever by a clock that is wrong', async () => {
    expect((await standardized(clock)).map((row) => row['n'])).toEqual(['3']);
    const issues = await rows(
      stack,
      `SELECT envelope_issues FROM {raw}."events" WHERE topic_name = '${clock}' AND envelope_issues IS NOT NULL`,
    );
    expect(issues.map((row) => JSON.parse(row['envelope_issues'] ?? '') as unknown)).toEqual([
      [expect.objectContaining({ field: 'produced_at', code: 'TIME_IN_FUTURE', value: '"2099-01-01T00:00:00Z"' })],
    ]);
  });
});

describe('a message that cannot be taken', () => {
  it.each([
    ['names no topic', '{"payload":{"a":1}}', undefined, 'NO_TOPIC'],
    ['is not JSON and names no topic', '<xml/>', undefined, 'NO_TOPIC'],
    ['names an illegal topic', '{"topic_name":"../../etc","payload":{}}', undefined, 'INVALID_TOPIC'],
    [
      'names a topic in look-alike letters',
      '{"topic_name":"telemetry․climate","payload":{}}',
      undefined,
      'INVALID_TOPIC',
    ],
    [
      'is larger than Firehose takes',
      `{"topic_name":"e2e.large","payload":{"blob":"${'x'.repeat(1_047_000)}"}}`,
      undefined,
      'TOO_LARGE',
    ],
  ])('%s: archived with its reason, once', async (_, body, topic, code) => {
    const id = await send(stack, body, topic);
    await settle(stack);
    const archived = await archivedAs(id);
    expect(archived).toHaveLength(1);
    expect(archived[0]).toMatchObject({ error_code: code, body });
  });
});

describe('the archive', () => {
  it('says what failed for a topic since a time, and for which reason, without a scan', async () => {
    const { failedSince } = await import('../archive');
    const topic = freshTopic('large');
    const before = await send(stack, `{"topic_name":"${topic}","payload":"${'x'.repeat(1_040_000)}"}`);
    await settle(stack);
    const since = new Date().toISOString();
    const after = await send(stack, `{"topic_name":"${topic}","payload":"${'y'.repeat(1_040_000)}"}`);
    await settle(stack);
    const lately = await failedSince(stack, { topic, code: 'TOO_LARGE', since });
    expect(lately.byTopic).toEqual([after]);
    // Other tests of this stack may send letters of the same kind meanwhile.
    expect(lately.byCode).toContain(after);
    expect(lately.byCode).not.toContain(before);
    const ever = await failedSince(stack, { topic, code: 'TOO_LARGE', since: '2026' });
    expect(ever.byTopic).toEqual([before, after]);
    expect(ever.byCode).toEqual(expect.arrayContaining([before, after]));
  });
});

async function archivedAs(sourceMessageId: string): Promise<{ error_code: string; body: string }[]> {
  const { archive } = await import('../archive');
  return archive(stack, sourceMessageId);
}

describe('the same messages sent twice', () => {
  it('leave Standardized as it was', async () => {
    const topic = freshTopic('twice');
    const bodies = [1, 2, 3].map(
      (n) =>
        `{"topic_name":"${topic}","message_id":"m${n}","idempotency_key":"k${n % 2}","produced_at":"2026-11-23T10:00:0${n}Z","payload":{"n":${n}}}`,
    );
    for (const body of bodies) await send(stack, body);
    await cycle(stack);
    const before = await standardized(topic);
    expect(before.map((row) => row['n'])).toEqual(['2', '3']);
    for (const body of [...bodies].reverse()) await send(stack, body);
    await cycle(stack);
    expect(await standardized(topic)).toEqual(before);
    const [ledger] = await rows(
      stack,
      `SELECT sum(records_in) AS records_in, sum(duplicates) + sum(superseded) + sum(parse_errors) AS gone FROM {ops}."ledger" WHERE topic_name = '${topic}' AND layer = 'standardized'`,
    );
    expect(Number(ledger?.['records_in'])).toBe(6);
    expect(Number(ledger?.['gone'])).toBe(4);
  });
});
