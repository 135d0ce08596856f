/** A day of the fleet: its messages in the order in which they reach the queue, with everything that goes wrong on a real day. */
import { FLEET, type DeviceKind, type Payload } from './devices';
import { seeded, type Random } from './random';

export interface SimulatedMessage {
  readonly body: string;
  /** The value of the message attribute `topic_name`, when the producer sets one. */
  readonly topic?: string;
  /** The topic under which the ledger counts the message; undefined when the message names no legal topic. */
  readonly expectedTopic: string | undefined;
}

export interface DayOptions {
  readonly seed: number;
  readonly day: 1 | 2;
  readonly events: number;
  /** Midnight UTC of the day. */
  readonly start: Date;
}

/** The shares of the events that are copies, corrections, late, broken, or (on Day 2) drifted or in violation. */
const RATES = {
  duplicate: 0.01,
  correction: 0.012,
  late: 0.02,
  brokenPayload: 0.003,
  drift: 0.35,
  violation: 0.03,
} as const;

interface Envelope {
  readonly topic_name: string;
  readonly message_id: string;
  readonly idempotency_key: string;
  readonly event_time: string;
  readonly produced_at: string;
  readonly payload: Payload;
}

export function simulateDay(options: DayOptions): SimulatedMessage[] {
  const random = seeded(options.seed * 7919 + options.day);
  const total = FLEET.reduce((sum, kind) => sum + kind.weight, 0);
  const messages: SimulatedMessage[] = [];
  for (const kind of FLEET) {
    const count = Math.round((options.events * kind.weight) / total);
    for (let n = 0; n < count; n += 1) messages.push(...oneEvent(kind, n, options, random));
  }
  messages.push(...mishaps(options));
  return shuffleLocally(messages, random);
}

/** One event with its consequences: perhaps a copy, and perhaps a correction under the same idempotency key. */
function oneEvent(kind: DeviceKind, n: number, options: DayOptions, random: Random): SimulatedMessage[] {
  const device = `${kind.topic.split('.')[0] ?? ''}-${String(n % kind.devices).padStart(4, '0')}`;
  const late = random.chance(RATES.late) ? random.int(1, 3) * 86_400_000 : 0;
  const at = new Date(options.start.getTime() + random.int(0, 86_399_999) - late);
  const produced = new Date(at.getTime() + late + random.int(20, 4_000));
  let payload = kind.payload(device, at.toISOString(), random);
  if (options.day === 2 && kind.drift !== undefined && random.chance(RATES.drift))
    payload = kind.drift(payload, random);
  if (options.day === 2 && kind.violate !== undefined && random.chance(RATES.violation))
    payload = kind.violate(payload, random);
  const envelope: Envelope = {
    topic_name: kind.topic,
    message_id: `${options.day}-${kind.topic}-${String(n).padStart(6, '0')}`,
    idempotency_key: `${device}|${kind.topic}|${at.toISOString()}|${n}`,
    event_time: at.toISOString(),
    produced_at: produced.toISOString(),
    payload,
  };
  const whole = JSON.stringify(envelope);
  if (random.chance(RATES.brokenPayload)) {
    // The device was cut off while it wrote: at least the envelope's last brace is missing.
    return [{ body: whole.slice(0, -random.int(1, 12)), expectedTopic: kind.topic }];
  }
  const out: SimulatedMessage[] = [{ body: whole, expectedTopic: kind.topic }];
  if (random.chance(RATES.duplicate)) out.push({ body: whole, expectedTopic: kind.topic });
  if (random.chance(RATES.correction)) {
    const corrected: Envelope = {
      ...envelope,
      message_id: `${envelope.message_id}-c`,
      produced_at: new Date(produced.getTime() + random.int(1_000, 600_000)).toISOString(),
      payload: { ...payload, corrected: true },
    };
    out.push({ body: JSON.stringify(corrected), expectedTopic: kind.topic });
  }
  return out;
}

/** The messages of careless or hostile producers, sent every day. It is known of each where it must end. */
function mishaps({ day }: DayOptions): SimulatedMessage[] {
  const noTopic = { body: JSON.stringify({ payload: { lost: true, day } }), expectedTopic: undefined };
  const notJson = { body: `AT+CSQ: ${day}9,99 OK`, topic: 'water.meter', expectedTopic: 'water.meter' };
  const notJsonNoTopic = { body: `<xml>${day}</xml>`, expectedTopic: undefined };
  const illegal = ['../../etc/passwd', 'a;drop table x', 'Telemetry.Climate', 'telemetry․climate', 'x'.repeat(200)].map(
    (topic) => ({
      body: JSON.stringify({ topic_name: topic, payload: { day } }),
      expectedTopic: undefined,
    }),
  );
  const bare = {
    body: JSON.stringify({ meter: 'bare', at: `day ${day}`, litres: 9007199 }),
    topic: 'water.meter',
    expectedTopic: 'water.meter',
  };
  // SQS takes this message (up to 1,048,576 bytes), but Firehose does not (up to 1,024,000 bytes).
  const huge = {
    body: JSON.stringify({
      topic_name: 'factory.press',
      message_id: `${day}-huge`,
      payload: { blob: 'x'.repeat(1_040_000) },
    }),
    expectedTopic: 'factory.press',
  };
  return [noTopic, notJson, notJsonNoTopic, ...illegal, bare, huge];
}

/** Reorders the messages at random, as networks do, so that a correction may come before the event that it corrects. */
function shuffleLocally(messages: readonly SimulatedMessage[], random: Random): SimulatedMessage[] {
  return messages
    .map((message) => ({ message, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ message }) => message);
}
