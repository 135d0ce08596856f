/** What the soak sends: a day of the fleet, and among it what careless or hostile producers send. */
import { MAX_RECORD_BYTES } from '../../packages/common/src/core/envelope/record-frame';
import type { Message } from '../local/send';
import { simulateDay } from '../simulator/fleet';
import { seeded } from '../simulator/random';

/** None of them is a topic name, so none may ever become part of a path, a table or a column. */
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
  // Look-alikes: a one dot leader, a Cyrillic e, a space that nobody sees.
  'telemetry․climate',
  'tеlemetry.climate',
  'telemetry.climate\u200b',
  'x'.repeat(200),
];

export interface SoakMessage extends Message {
  /** Refused messages belong into the DLQ and never into RAW; of the others, nobody knows what befalls them. */
  readonly refused: boolean;
}

export interface SoakMessagesOptions {
  readonly count: number;
  readonly seed: number;
  /** Only these topics of the fleet; all of them when left out. */
  readonly topics?: readonly string[];
}

const POISON_SHARE = 0.01;
const TOO_LARGE_SHARE = 0.0002;
const DAY = new Date('2026-11-03T00:00:00Z');

/** `count` messages, the same ones for the same seed. */
export function soakMessages({ count, seed, topics }: SoakMessagesOptions): SoakMessage[] {
  const random = seeded(seed);
  const bad = [
    ...Array.from({ length: Math.max(ILLEGAL_TOPICS.length * 2 + 3, Math.round(count * POISON_SHARE)) }, (_, n) =>
      poison(n),
    ),
    ...Array.from({ length: Math.max(2, Math.round(count * TOO_LARGE_SHARE)) }, (_, n) => tooLarge(n)),
  ];
  const wanted = count - bad.length;
  // A few topics are a small part of the fleet: their share of a larger one.
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

/** The `n`th refused message: every illegal topic in the envelope and in the attribute in turn, and messages without one. */
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

/** Fits SQS and not Firehose. */
function tooLarge(n: number): SoakMessage {
  const payload = { n, blob: 'x'.repeat(MAX_RECORD_BYTES) };
  return { body: JSON.stringify({ topic_name: 'telemetry.climate', payload }), refused: true };
}
