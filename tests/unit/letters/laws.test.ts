/**
 * Law L11: RAW after any replays of dead letters, repeated and killed, is the model with each message once, at the version that it
 * had when it was first received; and each correction once, under its own id.
 */
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeMessage, decodeRecord } from '../../../packages/common/src/core';
import { budget, interruption } from '../../../packages/common/src/testing';
import { editId } from '../../../packages/cli/src/dead-letters/archived-message';
import { world, type RawRow, type World } from './world';

const SINCE = ['--since', '300d'];
const APPLY = ['--topic-as', 'strays', '--apply', '--reason', 'law'];
const SKEW = { maxClockSkew: 86_400_000_000n };

/** A message as a producer sends it. */
interface Given {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const named = { topic_name: 'fleet.cars' };
const member = (name: string, value: string | undefined): string =>
  value === undefined ? '' : `"${name}":"${value}",`;
const envelope = fc
  .record({
    topic: fc.constantFrom(undefined, 'fleet.cars', 'fleet.trucks', '../x'),
    id: fc.constantFrom(undefined, 'm-1', 'm-2'),
    key: fc.constantFrom(undefined, 'k-1'),
    // The first is a day and more ahead of the receipt, and past when the letter is sent again.
    producedAt: fc.constantFrom(undefined, '2026-11-25T10:00:00Z', '2026-11-23T09:00:00Z'),
    n: fc.integer({ min: 0, max: 99 }),
  })
  .map(
    ({ topic, id, key, producedAt, n }) =>
      `{${member('topic_name', topic)}${member('message_id', id)}${member('idempotency_key', key)}${member('produced_at', producedAt)}"payload":{"n":${n}}}`,
  );
const given: fc.Arbitrary<Given> = fc.record({
  body: fc.oneof(
    { weight: 4, arbitrary: envelope },
    { weight: 1, arbitrary: fc.constantFrom('5', 'no json', '{"n":1}') },
  ),
  attributes: fc.constantFrom<Given['attributes']>(
    {},
    named,
    named,
    { topic_name: 'Fleet' },
    { ...named, region: 'eu' },
    // Names that sqs-processor has for its own.
    {
      ...named,
      source_message_id: 'shop',
      origin: 'checkout',
      error_code: 'E42',
      trace_id: 't',
      failed_at: '2026-01-01',
    },
    { ...named, source_message_id: 'shop', source_attributes: '{"system":{"SentTimestamp":"1"},"message":{}}' },
  ),
});

/** What happens to everything that waits in the queue. */
type Fate = 'taken' | 'lost' | 'lost after it was taken';
const fate = fc.constantFrom<Fate>('taken', 'lost', 'lost after it was taken');

type Step =
  | { readonly kind: 'send'; readonly messages: readonly Given[]; readonly fate: Fate }
  | { readonly kind: 'replay'; readonly killedAt: number; readonly moment: 'before' | 'after'; readonly fate: Fate }
  | {
      readonly kind: 'edit';
      readonly letter: number;
      readonly n: number;
      readonly killedAt: number;
      readonly fate: Fate;
    };
const killedAt = fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 40 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), messages: fc.array(given, { minLength: 1, maxLength: 4 }), fate }),
  fc.record({
    kind: fc.constant('replay' as const),
    killedAt,
    moment: fc.constantFrom('before' as const, 'after' as const),
    fate,
  }),
  fc.record({
    kind: fc.constant('edit' as const),
    letter: fc.nat(20),
    n: fc.constantFrom(1, 2),
    killedAt,
    fate,
  }),
);

async function befall(w: World, what: Fate): Promise<void> {
  if (what === 'taken') await w.process();
  else await w.giveUp(what === 'lost after it was taken', w.process);
}

/** The version that a message has when it is received at once; with the stray's topic where it names none. */
function modelOf(id: string, { body, attributes }: Given, sentAt: number): RawRow | undefined {
  const decode = (all: Given['attributes']) =>
    decodeMessage(
      {
        messageId: id,
        body,
        attributes: { SentTimestamp: String(sentAt) },
        messageAttributes: Object.fromEntries(
          Object.entries(all).map(([name, stringValue]) => [name, { stringValue }]),
        ),
      },
      BigInt(sentAt) * 1_000n,
      SKEW,
    );
  const [first, second] = [decode(attributes), decode({ ...attributes, topic_name: 'strays' })];
  const decoded = first.kind === 'framed' ? first : second;
  if (decoded.kind !== 'framed') return undefined;
  const read = decodeRecord(decoded.frame);
  return read.ok ? { ...read.header, payload: read.payload.toString('utf8') } : undefined;
}

/** All of a row that is settled when its message is first received. */
const versionOf = ({
  topic,
  messageId,
  idempotencyKey,
  eventTime,
  producedAt,
  sourceMessageId,
  payload,
}: RawRow): string =>
  [topic, messageId, idempotencyKey, eventTime, producedAt, sourceMessageId, payload].map(String).join(' | ');

it('L11: any letters, sent again, killed and dying again, are each message once, at its original version', async () => {
  const seen = { rows: 0, letters: 0, again: 0, edits: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
      const w = world();
      const model = new Map<string, string>();
      const asked = new Set<string>();
      const edited = new Set<string>();
      for (const one of steps) {
        if (one.kind === 'send') {
          for (const message of one.messages) {
            const sentAt = w.clock.now();
            const id = w.send(message.body, message.attributes);
            const expected = modelOf(id, message, sentAt);
            if (expected !== undefined) model.set(id, versionOf(expected));
          }
        } else if (one.kind === 'edit') {
          const keys = w.keys().sort();
          const key = keys[one.letter % Math.max(1, keys.length)];
          if (key === undefined) continue;
          const body = `{"topic_name":"fleet.cars","payload":{"edit":${one.n}}}`;
          w.files.set('body.json', body);
          asked.add(editId(key, body));
          const gate = interruption(one.killedAt, 'after');
          const { code } = await w.dlqThrough(gate, 'replay', '--id', key, '--edit', 'body.json', ...APPLY);
          if (code === 0) edited.add(editId(key, body));
        } else await w.dlqThrough(interruption(one.killedAt, one.moment), 'replay', ...SINCE, ...APPLY);
        await befall(w, one.fate);
        w.clock.pass(3_600_000);
      }
      seen.again += w.entries().filter((entry) => entry['attempt'] !== undefined).length;
      // In the end everything that died is sent once more, and taken.
      await w.process();
      await expect(w.dlq('replay', ...SINCE, '--again', ...APPLY)).resolves.toMatchObject({ error: '' });
      await w.process();
      seen.rows += w.rows.length;
      seen.letters += w.entries().length;

      const bySource = new Map<string, Set<string>>();
      const corrections = new Set<string>();
      for (const row of w.rows) {
        if (asked.has(row.messageId)) {
          corrections.add(row.messageId);
          continue;
        }
        const versions = bySource.get(row.sourceMessageId) ?? new Set();
        bySource.set(row.sourceMessageId, versions.add(versionOf(row)));
      }
      expect(new Map([...bySource].map(([id, versions]) => [id, [...versions]]))).toEqual(
        new Map([...model].map(([id, version]) => [id, [version]])),
      );
      // What was corrected has come, and under no other id.
      for (const id of edited) expect([...corrections]).toContain(id);
      seen.edits += corrections.size;
      // No letter has taken another's place, and each is either sent again or could not be.
      const keys = w.keys();
      expect(new Set(keys).size).toBe(keys.length);
      for (const key of keys) expect(w.objects.objects.has(`s3://acme-dlq-archive/${key}`)).toBe(true);
    }),
    { numRuns: budget({ eachRun: 100, thorough: 5_000 }) },
  );
  // The schedules that were drawn are about something.
  expect(seen.letters).toBeGreaterThan(100);
  expect(seen.again).toBeGreaterThan(10);
  expect(seen.edits).toBeGreaterThan(10);
  expect(seen.rows).toBeGreaterThan(100);
}, 600_000);
