import { readId, readTime, readTopic, readTopicMember, wellFormed } from './envelope-fields';
import type { EnvelopeIssue, FieldRead } from './envelope-fields';
import { decodeString, scanJson, type JsonScan } from './envelope-scan';
import type { Micros } from './time';
import { printable, type TopicName } from './topic';

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

const FIELDS: ReadonlySet<string> = new Set([
  'topic_name',
  'message_id',
  'idempotency_key',
  'event_time',
  'produced_at',
  'payload',
]);

/** Source text of each member; of duplicate keys the last, as with JSON.parse. A Map, so `__proto__` is a key like any other. */
type Sources = ReadonlyMap<string, string>;

function sourcesOf(body: string, scan: JsonScan & { kind: 'object' }, issues: EnvelopeIssue[]): Sources {
  const sources = new Map<string, string>();
  for (const { key, start, end } of scan.members) {
    const earlier = sources.get(key);
    if (earlier !== undefined) {
      const message = 'is there more than once: the last one counts';
      issues.push({ field: wellFormed(key), code: 'DUPLICATE_FIELD', message, value: wellFormed(earlier) });
    }
    sources.set(key, body.slice(start, end));
  }
  return sources;
}

/** An envelope has a payload, and either says its topic or nothing that an envelope does not know. */
function isEnvelope({ members }: JsonScan & { kind: 'object' }): boolean {
  let hasPayload = false;
  let hasTopic = false;
  let allKnown = true;
  for (const { key } of members) {
    if (key === 'payload') hasPayload = true;
    else if (key === 'topic_name') hasTopic = true;
    else if (!FIELDS.has(key)) allKnown = false;
  }
  return hasPayload && (hasTopic || allKnown);
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
  sources: Sources,
  payload: string,
  issues: EnvelopeIssue[],
): EnvelopeResult {
  const take = <T>({ value, issue }: FieldRead<T>): T | undefined => {
    if (issue) issues.push(issue);
    return value;
  };
  const messageId = take(readId('message_id', sources.get('message_id'))) ?? arrival.messageId;
  const idempotencyKey = take(readId('idempotency_key', sources.get('idempotency_key'))) ?? messageId;
  const eventTime = take(readTime('event_time', sources.get('event_time'))) ?? null;
  const producedAt = take(readTime('produced_at', sources.get('produced_at'))) ?? arrival.sentAt;
  return { ok: true, envelope: { topic, messageId, idempotencyKey, eventTime, producedAt, payload, issues } };
}

const NO_SOURCES: Sources = new Map();

/**
 * Makes an envelope of a message. Only a message without any usable topic has none: whatever else is wrong is noted and
 * stood in for, and a body that is not JSON is a payload that is not JSON. Never throws.
 */
export function readEnvelope(arrival: Arrival): EnvelopeResult {
  const { body, topicAttribute } = arrival;
  const scan = scanJson(body);
  const issues: EnvelopeIssue[] = [];
  const attribute = topicAttribute === undefined ? {} : readTopic(topicAttribute, JSON.stringify(topicAttribute));

  if (scan.kind === 'object' && isEnvelope(scan)) {
    const sources = sourcesOf(body, scan, issues);
    const member = readTopicMember(sources.get('topic_name'));
    const topic = member.value ?? attribute.value;
    if (member.issue) issues.push(member.issue);
    if (topic === undefined) {
      const issue = member.issue ?? attribute.issue;
      return issue ? unusableTopic(issue) : noTopic(scan);
    }
    if (attribute.issue) issues.push(attribute.issue);
    for (const [field, value] of sources) {
      if (FIELDS.has(field)) continue;
      const message = 'is no envelope field';
      issues.push({ field: wellFormed(field), code: 'UNKNOWN_FIELD', message, value: wellFormed(value) });
    }
    const payload = sources.get('payload') ?? 'null';
    const text = payload.startsWith('"') ? decodeString(payload) : payload;
    return build(arrival, topic, sources, text, issues);
  }

  // The whole body is the payload. With the topic beside it, nothing in the body is ours to read.
  if (attribute.value !== undefined) return build(arrival, attribute.value, NO_SOURCES, body, issues);
  if (scan.kind !== 'object') return attribute.issue ? unusableTopic(attribute.issue) : noTopic(scan);
  // Duplicates are not noted: the body goes on as a whole, both included.
  const sources = sourcesOf(body, scan, []);
  const member = readTopicMember(sources.get('topic_name'));
  if (member.value === undefined) {
    const issue = member.issue ?? attribute.issue;
    return issue ? unusableTopic(issue) : noTopic(scan);
  }
  if (attribute.issue) issues.push(attribute.issue);
  issues.push({
    field: 'payload',
    code: 'MISSING_PAYLOAD',
    message: 'is missing: the whole body is the payload',
  });
  return build(arrival, member.value, sources, body, issues);
}
