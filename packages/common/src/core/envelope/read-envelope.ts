import { readId, readTime, readTopic, readTopicMember, wellFormed } from './fields';
import type { EnvelopeIssue } from './fields';
import { decodeString, scanJson, type JsonScan, type Member } from '../json/scan';
import type { Micros } from '../time';
import { printable, type TopicName } from '../topic';

/** A message as it arrived: its text, and what the queue says about it. */
export interface Arrival {
  readonly body: string;
  /** The message attribute `topic_name`, unchecked. */
  readonly topicAttribute?: string | undefined;
  /** The queue's id of the message: stands in for `message_id`. */
  readonly messageId: string;
  /** When the producer handed it to the queue: stands in for `produced_at`. */
  readonly sentAt: Micros;
}

export interface Envelope {
  readonly topic: TopicName;
  readonly messageId: string;
  readonly idempotencyKey: string;
  readonly eventTime: Micros | null;
  readonly producedAt: Micros;
  /** The text that was sent, never re-written; of a JSON string the string it stands for. */
  readonly payload: string;
  readonly issues: readonly EnvelopeIssue[];
}

export type EnvelopeResult =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly code: 'NO_TOPIC' | 'INVALID_TOPIC'; readonly message: string };

const FIELDS = ['topic_name', 'message_id', 'idempotency_key', 'event_time', 'produced_at', 'payload'];
const PLACES: ReadonlyMap<string, number> = new Map(FIELDS.map((name, place) => [name, place]));

/** Source texts of an envelope's members; of duplicates the last, as with JSON.parse. */
interface Fields {
  readonly topicName: string | undefined;
  readonly messageId: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly eventTime: string | undefined;
  readonly producedAt: string | undefined;
  readonly payload: string | undefined;
  /** Members that an envelope does not know. A Map, so `__proto__` is a key like any other; none when there are none. */
  readonly unknown: ReadonlyMap<string, string> | undefined;
  /** What an envelope would say about members that are there more than once. */
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
    const place = PLACES.get(key);
    const earlier = place === undefined ? unknown?.get(key) : known[place];
    if (earlier !== undefined) duplicates.push(duplicateOf(key, earlier));
    if (place === undefined) (unknown ??= new Map<string, string>()).set(key, source);
    else known[place] = source;
  }
  const [topicName, messageId, idempotencyKey, eventTime, producedAt, payload] = known;
  return { topicName, messageId, idempotencyKey, eventTime, producedAt, payload, unknown, duplicates };
}

/** An envelope has a payload, and either says its topic or nothing that an envelope does not know. */
function isEnvelope({ payload, topicName, unknown }: Fields): boolean {
  return payload !== undefined && (topicName !== undefined || unknown === undefined);
}

function noTopic(scan: JsonScan): EnvelopeResult {
  const where =
    scan.kind === 'invalid'
      ? `the body is not JSON (it stops being so at character ${scan.offset})`
      : scan.kind === 'object'
        ? 'the body has no topic_name'
        : 'the body is not an object';
  return { ok: false, code: 'NO_TOPIC', message: `no topic: ${where}, and there is no message attribute topic_name` };
}

/** What was given as a topic and cannot be one. */
function unusableTopic(issue: EnvelopeIssue): EnvelopeResult {
  const given = issue.code === 'INVALID_TOPIC' ? issue.message : `topic_name ${issue.message}`;
  const value = issue.code === 'INVALID_TOPIC' ? '' : `, not ${printable(issue.value ?? '')}`;
  return { ok: false, code: 'INVALID_TOPIC', message: given + value };
}

/** Reads the members an envelope knows and builds it; unusable ones go by their stand-ins and into `issues`. */
function build(
  arrival: Arrival,
  topic: TopicName,
  fields: Fields | undefined,
  payload: string,
  issues: EnvelopeIssue[],
): EnvelopeResult {
  const given = readId('message_id', fields?.messageId);
  const key = readId('idempotency_key', fields?.idempotencyKey);
  const event = readTime('event_time', fields?.eventTime);
  const produced = readTime('produced_at', fields?.producedAt);
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
 * Makes an envelope of a message. Only a message without any usable topic has none: whatever else is wrong is noted and
 * stood in for, and a body that is not JSON is a payload that is not JSON. Never throws.
 */
export function readEnvelope(arrival: Arrival): EnvelopeResult {
  const { body, topicAttribute } = arrival;
  const scan = scanJson(body);
  const fields = scan.kind === 'object' ? fieldsOf(body, scan.members) : undefined;
  const attribute = topicAttribute === undefined ? {} : readTopic(topicAttribute, JSON.stringify(topicAttribute));

  if (fields && isEnvelope(fields)) {
    const issues = fields.duplicates;
    const member = readTopicMember(fields.topicName);
    const topic = member.value ?? attribute.value;
    if (member.issue) issues.push(member.issue);
    if (topic === undefined) {
      const issue = member.issue ?? attribute.issue;
      return issue ? unusableTopic(issue) : noTopic(scan);
    }
    if (attribute.issue) issues.push(attribute.issue);
    for (const [field, value] of fields.unknown ?? []) {
      const message = 'is no envelope field';
      issues.push({ field: wellFormed(field), code: 'UNKNOWN_FIELD', message, value: wellFormed(value) });
    }
    const { payload = 'null' } = fields;
    const text = payload.startsWith('"') ? decodeString(payload) : payload;
    return build(arrival, topic, fields, text, issues);
  }

  // The whole body is the payload. With the topic beside it, nothing in the body is ours to read.
  if (attribute.value !== undefined) return build(arrival, attribute.value, undefined, body, []);
  if (!fields) return attribute.issue ? unusableTopic(attribute.issue) : noTopic(scan);
  // Duplicates are not noted: the body goes on as a whole, both included.
  const member = readTopicMember(fields.topicName);
  if (member.value === undefined) {
    const issue = member.issue ?? attribute.issue;
    return issue ? unusableTopic(issue) : noTopic(scan);
  }
  const issues = attribute.issue ? [attribute.issue] : [];
  issues.push({
    field: 'payload',
    code: 'MISSING_PAYLOAD',
    message: 'is missing: the whole body is the payload',
  });
  return build(arrival, member.value, fields, body, issues);
}
