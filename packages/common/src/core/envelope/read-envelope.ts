import { readId, readProducedAt, readTime, readTopic, readTopicMember, wellFormed } from './fields';
import type { EnvelopeIssue } from './fields';
import { payloadText, withoutByteOrderMark } from './payload-text';
import { scanJson, type JsonScan, type Member } from '../json/scan';
import { scanBroken } from '../json/scan-broken';
import type { Micros } from '../time';
import { printable, type TopicName } from '../topic';

/** A message as it arrived, with the facts that the queue adds. */
export interface Arrival {
  readonly body: string;
  /** The message attribute `topic_name`, which is not checked yet. */
  readonly topicAttribute?: string | undefined;
  /** The queue's id of the message, which stands in for `message_id`. */
  readonly messageId: string;
  /** The time at which the producer handed it to the queue, which stands in for `produced_at`. */
  readonly sentAt: Micros;
  /** The time at which it was taken from the queue. */
  readonly receivedAt: Micros;
}

export interface EnvelopeSettings {
  /** How much later than `receivedAt` a usable `produced_at` may be. */
  readonly maxClockSkew: Micros;
}

/** An envelope that was read, complete with stand-ins (docs/data-contracts.md, A message). */
export interface Envelope {
  readonly topic: TopicName;
  readonly messageId: string;
  readonly idempotencyKey: string;
  readonly eventTime: Micros | null;
  readonly producedAt: Micros;
  /** The payload's text as it was sent; for a JSON string that holds an object or an array the text in it. */
  readonly payload: string;
  readonly issues: readonly EnvelopeIssue[];
}

export type EnvelopeResult =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly code: 'NO_TOPIC' | 'INVALID_TOPIC'; readonly message: string };

/** The members that an envelope knows. */
const FIELDS = ['topic_name', 'message_id', 'idempotency_key', 'event_time', 'produced_at', 'payload'];
const FIELD_INDICES: ReadonlyMap<string, number> = new Map(FIELDS.map((name, index) => [name, index]));

/** Source texts of an envelope's members. The last one of duplicates counts, as with JSON.parse. */
interface Fields {
  readonly topicName: string | undefined;
  readonly messageId: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly eventTime: string | undefined;
  readonly producedAt: string | undefined;
  readonly payload: string | undefined;
  /** Members that an envelope does not know; undefined without any. In a Map `__proto__` is a key like any other. */
  readonly unknown: ReadonlyMap<string, string> | undefined;
  /** Issues for members that are there more than once. */
  readonly duplicates: EnvelopeIssue[];
}

function duplicateOf(key: string, earlier: string): EnvelopeIssue {
  const message = 'is there more than once: the last one counts';
  return { field: wellFormed(key), code: 'DUPLICATE_FIELD', message, value: wellFormed(earlier) };
}

function fieldsOf(body: string, members: readonly Member[]): Fields {
  const known: (string | undefined)[] = [undefined, undefined, undefined, undefined, undefined, undefined];
  let unknown: Map<string, string> | undefined;
  const duplicates: EnvelopeIssue[] = [];
  for (const { key, start, end } of members) {
    const source = body.slice(start, end);
    const index = FIELD_INDICES.get(key);
    const earlier = index === undefined ? unknown?.get(key) : known[index];
    if (earlier !== undefined) duplicates.push(duplicateOf(key, earlier));
    if (index === undefined) (unknown ??= new Map<string, string>()).set(key, source);
    else known[index] = source;
  }
  const [topicName, messageId, idempotencyKey, eventTime, producedAt, payload] = known;
  return { topicName, messageId, idempotencyKey, eventTime, producedAt, payload, unknown, duplicates };
}

/**
 * Whether an object is an envelope: it has a payload, and beside it its topic or no member that an envelope does not
 * know.
 */
function isEnvelope({ payload, topicName, unknown }: Fields): boolean {
  return payload !== undefined && (topicName !== undefined || unknown === undefined);
}

/** @param skipped characters of the body that stand before what was scanned */
function noTopic(scan: JsonScan, skipped: number): EnvelopeResult {
  const where =
    scan.kind === 'invalid'
      ? `the body is not JSON (it stops being so at character ${skipped + scan.offset})`
      : scan.kind === 'object'
        ? 'the body has no topic_name'
        : 'the body is not an object';
  return { ok: false, code: 'NO_TOPIC', message: `no topic: ${where}, and there is no message attribute topic_name` };
}

/** The refusal of a message whose topic cannot be one. */
function unusableTopic(issue: EnvelopeIssue): EnvelopeResult {
  const given = issue.code === 'INVALID_TOPIC' ? issue.message : `topic_name ${issue.message}`;
  const value = issue.code === 'INVALID_TOPIC' ? '' : `, not ${printable(issue.value ?? '')}`;
  return { ok: false, code: 'INVALID_TOPIC', message: given + value };
}

/** Builds an envelope of its members. An unusable one is replaced by its stand-in and noted in `issues`. */
function build(
  arrival: Arrival,
  topic: TopicName,
  fields: Fields | undefined,
  payload: string,
  issues: EnvelopeIssue[],
  { maxClockSkew }: EnvelopeSettings,
): EnvelopeResult {
  const given = readId('message_id', fields?.messageId);
  const key = readId('idempotency_key', fields?.idempotencyKey);
  const event = readTime('event_time', fields?.eventTime);
  const produced = readProducedAt(fields?.producedAt, arrival.receivedAt, maxClockSkew);
  for (const { issue } of [given, key, event, produced]) if (issue) issues.push(issue);
  const messageId = given.value ?? arrival.messageId;
  return {
    ok: true,
    envelope: {
      topic,
      messageId,
      idempotencyKey: key.value ?? messageId,
      eventTime: event.value ?? null,
      producedAt: produced.value ?? arrival.sentAt,
      payload,
      issues,
    },
  };
}

/**
 * The fields in the reading of a broken body that has the longest payload, so that the least is lost. undefined where readings
 * have different topics: then nobody knows whose the message is.
 */
function chooseReading(readings: readonly Fields[]): Fields | undefined {
  const usable = readings.filter(({ topicName }) => readTopicMember(topicName).value !== undefined);
  const topics = new Set(usable.map(({ topicName }) => readTopicMember(topicName).value));
  return topics.size > 1 ? undefined : (usable[0] ?? readings[0]);
}

/**
 * A body's members, and whether the payload's end is known. In a body that is no JSON only the payload may be broken, or
 * the body's end be missing: then the members beside it count.
 */
function scanBody(body: string): { readonly scan: JsonScan; readonly fields?: Fields; readonly closed: boolean } {
  const scan = scanJson(body);
  if (scan.kind === 'other') return { scan, closed: true };
  if (scan.kind === 'object') return { scan, fields: fieldsOf(body, scan.members), closed: true };
  const broken = scanBroken(body, 'payload');
  if (broken === undefined) return { scan, closed: true };
  const chosen = chooseReading(broken.whole.map((members) => fieldsOf(body, members)));
  return chosen ? { scan, fields: chosen, closed: true } : { scan, fields: fieldsOf(body, broken.rest), closed: false };
}

/**
 * Reads a message as an envelope. Only a message without a usable topic is refused: for any other fault there is a
 * stand-in and an issue, and a body that is not JSON becomes a payload that is not JSON. Throws for no body.
 */
export function readEnvelope(arrival: Arrival, settings: EnvelopeSettings): EnvelopeResult {
  const { topicAttribute } = arrival;
  const body = withoutByteOrderMark(arrival.body);
  const skipped = arrival.body.length - body.length;
  const { scan, fields, closed } = scanBody(body);
  const attribute = topicAttribute === undefined ? {} : readTopic(topicAttribute, JSON.stringify(topicAttribute));

  // Where a payload's end is not known, more than the payload may be broken: only a topic before it makes an envelope.
  if (fields && isEnvelope(fields) && (closed || fields.topicName !== undefined)) {
    const issues = fields.duplicates;
    const member = readTopicMember(fields.topicName);
    const topic = member.value ?? attribute.value;
    if (member.issue) issues.push(member.issue);
    if (topic === undefined) {
      const issue = member.issue ?? attribute.issue;
      return issue ? unusableTopic(issue) : noTopic(scan, skipped);
    }
    if (attribute.issue) issues.push(attribute.issue);
    for (const [field, value] of fields.unknown ?? []) {
      const message = 'is no envelope field';
      issues.push({ field: wellFormed(field), code: 'UNKNOWN_FIELD', message, value: wellFormed(value) });
    }
    const { payload = 'null' } = fields;
    const isJson = scan.kind === 'object' || scanJson(payload).kind !== 'invalid';
    if (!isJson) return build(arrival, topic, fields, payload, issues, settings);
    // What a payload that is whole lacks in a body that was cut off behind it may be its record's id: it must be no row.
    return build(arrival, topic, fields, closed ? payloadText(payload) : body, issues, settings);
  }

  // The whole body is the payload. With the topic beside it, nothing in the body is read.
  if (attribute.value !== undefined) {
    return build(arrival, attribute.value, undefined, scan.kind === 'other' ? payloadText(body) : body, [], settings);
  }
  if (!fields) return attribute.issue ? unusableTopic(attribute.issue) : noTopic(scan, skipped);
  // Duplicates are not noted, as the body goes on as a whole with both.
  const member = readTopicMember(fields.topicName);
  if (member.value === undefined) {
    const issue = member.issue ?? attribute.issue;
    return issue ? unusableTopic(issue) : noTopic(scan, skipped);
  }
  const issues = attribute.issue ? [attribute.issue] : [];
  issues.push({
    field: 'payload',
    code: 'MISSING_PAYLOAD',
    message: 'is missing: the whole body is the payload',
  });
  return build(arrival, member.value, fields, body, issues, settings);
}
