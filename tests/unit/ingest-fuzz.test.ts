/** Sends the messages of careless and hostile producers through the Lambdas of the ingest path, wired as in production. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTopicName } from '../../packages/common/src/core/topic';
import {
  budget,
  fakeClock,
  firehoseEvent,
  memoryArchiveIndex,
  memoryIdempotency,
  memoryObjects,
  recordingLog,
  recordingMetrics,
  memoryAttempts,
  recordingQueue,
  recordingSource,
  recordingStream,
  sqsRecord,
} from '../../packages/common/src/testing';
import { archiveBatch } from '../../packages/dlq-archiver/src/archive-batch';
import { transform } from '../../packages/firehose-transform/src/transform';
import { processBatch } from '../../packages/sqs-processor/src/process-batch';
import type { SQSRecord } from 'aws-lambda';

const POISON_TOPICS = [
  '../x',
  '..',
  'a/../../b',
  'a;drop table',
  "a'--",
  '`a`',
  'x'.repeat(200),
  'Telemetry.Climate',
  'telemetry․climate',
  'tеlemetry.climate', // a Cyrillic е
  '__proto__',
  'a\u0000b',
  'a b',
  '',
];
const topic = fc.oneof(fc.constantFrom('t', 'telemetry.climate'), fc.constantFrom(...POISON_TOPICS));

const nested = fc
  .tuple(fc.constantFrom('[', '{"a":', '[{"a":'), fc.constantFrom(10, 1_000, 500_000), fc.boolean())
  .map(([opening, depth, closed]) => {
    const times = Math.min(depth, Math.floor(1_010_000 / (opening.length * (closed ? 2 : 1))));
    const closing = Array.from(opening)
      .reverse()
      .map((c) => (c === '[' ? ']' : c === '{' ? '}' : ''))
      .join('');
    return `${opening.repeat(times)}1${closed ? closing.repeat(times) : ''}`;
  });

/** Values that parsers trip over, as texts, whether they are valid JSON or not. */
const awkward = fc.constantFrom(
  '{"__proto__":{"polluted":true}}',
  '{"a":1,"a":2,"\\u0061":3}',
  '9'.repeat(5_000),
  '-0.0e-999999999999',
  '1e400',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u12g4"',
  '"\\x"',
  '"\ud800"',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '\ufeff{}',
  'NaN',
  "{'a':1}",
  '{"a":1,}',
  '{"a":1}//',
  '"\u0000"',
  'null',
  '',
);
const value = fc.oneof(
  { weight: 6, arbitrary: fc.json({ noUnicodeString: false }) },
  { weight: 3, arbitrary: awkward },
  { weight: 2, arbitrary: fc.string({ unit: 'binary' }) },
);

const member = fc.tuple(
  fc.constantFrom(
    'topic_name',
    'message_id',
    'idempotency_key',
    'event_time',
    'produced_at',
    'payload',
    '__proto__',
    'x',
  ),
  value,
);
const envelope = fc
  .tuple(topic, fc.array(member, { maxLength: 6 }), value)
  .map(
    ([name, members, payload]) =>
      `{"topic_name":${JSON.stringify(name)}${members.map(([key, text]) => `,"${key}":${text}`).join('')},"payload":${payload}}`,
  );
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString('latin1'));
const body = fc.oneof(
  { weight: 8, arbitrary: envelope },
  { weight: 4, arbitrary: value },
  { weight: 4, arbitrary: bytes },
  { weight: 2, arbitrary: bytes.map((text) => Buffer.from(text, 'latin1').toString('utf8')) },
  { weight: 1, arbitrary: value.map((text) => `\ufeff${text}`) },
);
const message = fc.record({ text: body, attribute: fc.option(topic, { nil: undefined }) });

interface Row {
  readonly topic_name: string;
  readonly source_message_id: string;
  readonly payload: string;
}

/** Runs a batch through the ingest path, and returns where each of its messages ended. */
async function ingest(records: readonly SQSRecord[]) {
  const ports = {
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
  const { batchItemFailures } = await processBatch(records, () => 60_000, ports, {
    overflowBucket: 'archive',
    concurrency: 4,
    maxAttempts: 3,
    maxClockSkewSeconds: 86_400,
    suspectReceives: 4,
  });
  expect(batchItemFailures).toEqual([]);

  const event = firehoseEvent(ports.stream.taken);
  const settings = { rawDatabase: 'raw', rawTable: 'events', responseLimitBytes: 1_000_000_000 };
  const response = transform(event.records, 1n, settings, { log: ports.log, metrics: ports.metrics });
  expect(response.records.map(({ recordId }) => recordId)).toEqual(event.records.map(({ recordId }) => recordId));
  const rows = response.records.map((record) => {
    if (record.result !== 'Ok') throw new Error('a frame of ours was refused');
    return JSON.parse(Buffer.from(record.data, 'base64').toString('utf8')) as Row;
  });

  const index = memoryArchiveIndex();
  const letters = ports.deadLetters.taken.map(({ body: text, attributes }, n) =>
    sqsRecord({ messageId: `dlq-${n}`, body: text, messageAttributes: attributes }),
  );
  const archived = await archiveBatch(
    letters,
    { archiveBucket: 'archive', concurrency: 4, entryDays: 0 },
    { ...ports, index, idempotency: memoryIdempotency() },
  );
  expect(archived.batchItemFailures).toEqual([]);
  return { rows, entries: [...index.entries.values()], keys: [...ports.objects.objects.keys()] };
}

function check(records: readonly SQSRecord[], { rows, entries, keys }: Awaited<ReturnType<typeof ingest>>): void {
  const ended = [...rows.map((row) => row.source_message_id), ...entries.map((entry) => entry.source_message_id)];
  expect(ended.sort()).toEqual(records.map(({ messageId }) => messageId).sort());
  const bodies = new Map(records.map(({ messageId, body: text }) => [messageId, text]));
  for (const row of rows) {
    expect(isTopicName(row.topic_name)).toBe(true);
    const text = Buffer.from(bodies.get(row.source_message_id) ?? '').toString('utf8');
    // The payload is a substring of the message, or the object or array that a string in it holds.
    expect(text.includes(row.payload) || /^[\ufeff\s]*[[{]/.test(row.payload)).toBe(true);
    if (!text.includes(row.payload)) expect(() => JSON.parse(row.payload) as unknown).not.toThrow();
  }
  for (const entry of entries) expect(entry.topic_name === '_unknown' || isTopicName(entry.topic_name)).toBe(true);
  for (const key of keys) {
    expect(key).toMatch(
      /^s3:\/\/archive\/(dlq\/([a-z][a-z0-9._-]{0,127}|_unknown)\/\d{4}\/\d\d\/\d\d\/[\w-]+\.json|overflow\/[\w-]+(\.attributes\.json)?)$/,
    );
  }
}

describe('any body', () => {
  it('ends as one row of RAW or one archived letter', async () => {
    // 12,000 bodies in a thorough run.
    const numRuns = budget({ eachRun: 60, thorough: 300 });
    let bodies = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 40, maxLength: 40 }), async (messages) => {
        const records = messages.map(({ text, attribute }) =>
          sqsRecord({ body: text, ...(attribute !== undefined && { topic: attribute }) }),
        );
        bodies += records.length;
        check(records, await ingest(records));
      }),
      { numRuns, endOnFailure: true },
    );
    expect(bodies).toBeGreaterThanOrEqual(numRuns * 40);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  }, 120_000);

  it('may be nested 500,000 levels deep', async () => {
    await fc.assert(
      fc.asyncProperty(nested, fc.boolean(), async (payload, isEnvelope) => {
        const text = isEnvelope ? `{"topic_name":"t","payload":${payload}}` : payload;
        const records = [sqsRecord({ body: text, topic: 't' })];
        check(records, await ingest(records));
      }),
      { numRuns: budget({ eachRun: 10, thorough: 40 }) },
    );
  }, 120_000);

  it.each(POISON_TOPICS)('never takes %j for a topic, wherever it stands', async (name) => {
    const given = JSON.stringify(name);
    const records = [
      sqsRecord({ body: `{"topic_name":${given},"payload":{"a":1}}` }),
      sqsRecord({ body: '{"a":1}', topic: name }),
      sqsRecord({ body: `{"topic_name":${given},"a":1}` }),
    ];
    const { rows, entries, keys } = await ingest(records);
    expect(rows).toEqual([]);
    expect(entries.map((entry) => [entry.topic_name, entry.error_code])).toEqual(
      records.map(() => ['_unknown', expect.stringMatching(/^(INVALID_TOPIC|NO_TOPIC)$/)]),
    );
    if (name.length > 2) for (const key of keys) expect(key).not.toContain(name);
  });
});
