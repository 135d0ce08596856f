/** The messages of a soak: a day of the fleet, mixed with those of careless or hostile producers. */
import { MAX_RECORD_BYTES } from '../../packages/common/src/core/envelope/record-frame';
import type { Message } from '../local/send';
import { simulateDay } from '../simulator/fleet';
import { seeded } from '../simulator/random';

/** Texts that are not topic names, so that none may ever become part of a path, a table or a column. */
export const ILLEGAL_TOPICS: readonly string[] = [
  '../x',
  '../../etc/passwd',
  'a/b',
  'a%2fb',
  '.hidden',
  'a;drop table x',
  "a' or '1'='1",
  '`a`',
  'a b',
  '9lives',
  'Telemetry.Climate',
  // Look-alikes: with a one dot leader, a Cyrillic e, and an invisible space.
  'telemetry․climate',
  'tеlemetry.climate',
  'telemetry.climate\u200b',
  'x'.repeat(200),
];

const POISON_SHARE = 0.01;
const TOO_LARGE_SHARE = 0.0002;
const DAY = new Date('2026-11-03T00:00:00Z');

export interface SoakMessage extends Message {
  /** True when the message belongs in the DLQ and never in RAW. Any other message may end in either. */
  readonly refused: boolean;
}

export interface SoakMessagesOptions {
  readonly count: number;
  readonly seed: number;
  /** The topics of the fleet to use; all of them when it is left out. */
  readonly topics?: readonly string[];
}

/** Makes `count` messages, the same ones for the same seed. */
export function soakMessages({ count, seed, topics }: SoakMessagesOptions): SoakMessage[] {
  const random = seeded(seed);
  const bad = [
    ...Array.from({ length: Math.max(ILLEGAL_TOPICS.length * 2 + 3, Math.round(count * POISON_SHARE)) }, (_, n) =>
      poison(n),
    ),
    ...Array.from({ length: Math.max(2, Math.round(count * TOO_LARGE_SHARE)) }, (_, n) => tooLarge(n)),
  ];
  const wanted = count - bad.length;
  // A few topics are a small share of the fleet, so a larger fleet is needed to get enough of their messages.
  const fleet = simulateDay({ seed, day: 2, events: topics === undefined ? count : count * 8, start: DAY })
    .filter(({ expectedTopic, body }) => expectedTopic !== undefined && body.length < MAX_RECORD_BYTES / 2)
    .filter(({ expectedTopic }) => topics?.includes(expectedTopic ?? '') ?? true)
    .slice(0, wanted)
    .map(({ body, topic }) => ({ body, ...(topic === undefined ? {} : { topic }), refused: false }));
  if (fleet.length < wanted) throw new RangeError(`the fleet has ${fleet.length} of ${wanted} messages`);
  return [...fleet, ...bad]
    .map((message) => ({ message, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ message }) => message);
}

/** The `n`th refused message. They take turns: each illegal topic in the envelope and in the attribute, and no topic at all. */
function poison(n: number): SoakMessage {
  const kind = n % (ILLEGAL_TOPICS.length * 2 + 3);
  const topic = ILLEGAL_TOPICS[kind >> 1];
  if (topic !== undefined) {
    if (kind % 2 === 0) return { body: JSON.stringify({ topic_name: topic, payload: { n } }), refused: true };
    return { body: JSON.stringify({ n }), topic, refused: true };
  }
  const bodies = [JSON.stringify({ payload: { n } }), `<xml>${n}</xml>`, JSON.stringify({ topic_name: [n] })] as const;
  return { body: bodies[kind % 3] ?? bodies[0], refused: true };
}

/** A message that SQS takes and Firehose does not. */
function tooLarge(n: number): SoakMessage {
  const payload = { n, blob: 'x'.repeat(MAX_RECORD_BYTES) };
  return { body: JSON.stringify({ topic_name: 'telemetry.climate', payload }), refused: true };
}
