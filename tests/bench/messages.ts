import { FLEET } from '../../scripts/simulator/devices';
import { seeded } from '../../scripts/simulator/random';
import type { SQSRecord } from 'aws-lambda';

const START_MS = Date.UTC(2026, 10, 23, 10);

/**
 * A message body of exactly `bytes` bytes, as a device of the fleet sends it: a whole envelope whose payload holds
 * the reading and as many earlier samples as there is room for. ASCII, so that bytes are characters.
 */
export function bodyOf(bytes: number, n: number): string {
  const random = seeded(n);
  const at = new Date(START_MS + n * 1000).toISOString();
  const device = `dev-${random.int(1, 200)}`;
  const climate = FLEET[0]?.payload(device, at, random) ?? {};
  const small = bytes < 400;
  const payload: Record<string, unknown> = small ? { temperature: climate['temperature'] } : { ...climate };
  const samples: unknown[] = [];
  const envelope = {
    topic_name: 'telemetry.climate',
    message_id: `${device}-${String(n).padStart(6, '0')}`,
    idempotency_key: `${device}|${String(n).padStart(6, '0')}`,
    ...(!small && { event_time: at }),
    produced_at: at,
    payload,
  };
  payload['samples'] = samples;
  payload['note'] = '';
  let room = bytes - JSON.stringify(envelope).length;
  for (let second = 1; room > 100; second++) {
    const sample = { s: -second, temperature: random.number(-10, 38, 2), humidity: random.number(15, 95, 1), ok: true };
    room -= JSON.stringify(sample).length + Number(samples.length > 0);
    samples.push(sample);
  }
  if (room < 0) throw new RangeError(`an envelope does not fit into ${bytes} bytes`);
  payload['note'] = 'x'.repeat(room);
  return JSON.stringify(envelope);
}

/** A batch as Lambda hands it over: parsed from the text of an invocation, so that its strings are what V8 makes of JSON. */
export function batchOf(bytes: number, count: number): SQSRecord[] {
  const records = Array.from({ length: count }, (_, n) => ({
    messageId: `2e1424d4-f796-459a-8184-${n.toString(16).padStart(12, '0')}`,
    receiptHandle: `AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a${n}`,
    body: bodyOf(bytes, n),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1795428001000',
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: '1795428001250',
    },
    messageAttributes: {},
    md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:lean-ops-ingest',
    awsRegion: 'eu-central-1',
  }));
  return JSON.parse(JSON.stringify(records)) as SQSRecord[];
}
