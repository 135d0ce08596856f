/** The message that a dead letter was, and the one that is sent in its place. Pure: the archive's object comes as text. */
import { hash } from 'node:crypto';
import { messageBytes, SQS_BATCH_LIMITS, type OutgoingMessage } from '@lean-ops/common/aws';
import {
  decodeMessage,
  decodeRecord,
  isObject,
  MAX_CLOCK_SKEW_SECONDS,
  messageOf,
  microsFromMillis,
  ORIGIN_ATTRIBUTE,
  originText,
  PROCESSOR_ORIGIN,
  readOrigin,
  type AttributeValue,
  type MessageOrigin,
  type QueueMessage,
  type RecordHeader,
} from '@lean-ops/common/core';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** A message as its producer sent it, with the facts of its first time. */
export interface OriginalMessage {
  readonly body: string;
  readonly attributes: Attributes;
  /** The id that the queue gave it at first; of a correction, its own. */
  readonly messageId: string;
  /** Epoch milliseconds. */
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly traceId: string | undefined;
  /** The archive key of the first letter that it died as. */
  readonly firstLetter: string;
  /** How often it was sent again until now. */
  readonly attempts: number;
}

export type ReadMessage =
  | { readonly ok: true; readonly message: OriginalMessage }
  | { readonly ok: false; readonly code: MissingCode; readonly message: string };

/** Why a letter's message is not there any more. */
export type MissingCode = 'OBJECT_GONE' | 'OBJECT_UNREADABLE' | 'BODY_GONE' | 'ATTRIBUTES_GONE';

/** SQS takes ten attributes. */
const MAX_ATTRIBUTES = 10;
/** Attributes that sqs-processor reads, which must stay where they are. */
const READ_ATTRIBUTES = new Set(['topic_name', 'traceparent']);

/**
 * Reads an object of the archive. docs/data-contracts.md, S3.
 *
 * @param text the object; undefined when it is gone
 */
export function readArchived(text: string | undefined, key: string): ReadMessage {
  if (text === undefined) return missing('OBJECT_GONE', `${key} is not in the archive any more`);
  let letter: unknown;
  try {
    letter = JSON.parse(text);
  } catch {
    letter = undefined;
  }
  if (!isObject(letter)) return missing('OBJECT_UNREADABLE', `${key} is no JSON object`);
  const { body } = letter;
  if (typeof body !== 'string') return missing('BODY_GONE', 'the archive has the letter without its body');
  const facts = factsOf(letter);
  if (facts === undefined) {
    return missing('ATTRIBUTES_GONE', 'the archive does not have when it was sent, nor its message attributes');
  }
  return { ok: true, message: originalOf(body, key, facts) };
}

function missing(code: MissingCode, message: string): ReadMessage {
  return { ok: false, code, message };
}

interface Facts {
  readonly attributes: Attributes;
  readonly messageId: string;
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly traceId: string | undefined;
}

/** What the queue said of the message, from where sqs-processor or dlq-archiver put it. */
function factsOf(letter: Readonly<Record<string, unknown>>): Facts | undefined {
  // Any other came by redrive, whatever its producer's attributes made of `origin`, of the ids and of the rest.
  const redriven = letter['origin'] !== PROCESSOR_ORIGIN;
  const source = redriven ? undefined : parsed(letter['source_attributes']);
  const system = isObject(source?.['system']) ? source['system'] : undefined;
  const sentAt = system ? Number(system['SentTimestamp']) : redriven ? timeOf(letter['sent_at']) : NaN;
  const receivedAt = system
    ? Number(system['ApproximateFirstReceiveTimestamp'])
    : timeOf(letter['first_received_at'] ?? letter['sent_at']);
  const attributes = attributesOf(system ? source?.['message'] : letter['message_attributes']);
  const messageId = (redriven ? letter['dlq_message_id'] : undefined) ?? letter['source_message_id'];
  const traceId = redriven ? undefined : letter['trace_id'];
  if (!(sentAt > 0) || attributes === undefined || typeof messageId !== 'string') return undefined;
  return {
    attributes,
    messageId,
    sentAt,
    receivedAt: receivedAt > 0 ? receivedAt : sentAt,
    traceId: typeof traceId === 'string' ? traceId : undefined,
  };
}

function parsed(text: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const found: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    return isObject(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function timeOf(text: unknown): number {
  return typeof text === 'string' ? Date.parse(text) : NaN;
}

function attributesOf(given: unknown): Attributes | undefined {
  if (!isObject(given)) return undefined;
  const found: [string, AttributeValue][] = [];
  for (const [name, value] of Object.entries(given)) {
    if (!isObject(value) || typeof value['dataType'] !== 'string') return undefined;
    const { dataType, stringValue, binaryValue } = value;
    found.push([
      name,
      {
        dataType,
        ...(typeof stringValue === 'string' && { stringValue }),
        ...(typeof binaryValue === 'string' && { binaryValue }),
      },
    ]);
  }
  return Object.fromEntries(found);
}

/** A malformed origin stays among the attributes, so that the decoder refuses it again. */
function originalOf(body: string, key: string, facts: Facts): OriginalMessage {
  const { [ORIGIN_ATTRIBUTE]: attribute, ...others } = facts.attributes;
  const read = attribute && readOrigin(attribute.stringValue);
  if (!read?.ok) return { ...facts, body, firstLetter: key, attempts: 0 };
  const { origin } = read;
  if (origin.kind === 'edit') {
    // The correction's own id, and the time of sending that is its version: it may have come through all the same.
    return { ...facts, body, attributes: others, messageId: origin.messageId, firstLetter: key, attempts: 0 };
  }
  const { messageId, sentAt, receivedAt, traceId, letter, attempt } = origin;
  const attributes = { ...others, ...origin.attributes };
  return { body, attributes, messageId, sentAt, receivedAt, traceId, firstLetter: letter, attempts: attempt };
}

/** What is to be sent, and as what. */
export interface Sending {
  /** The topic for a message without a usable one. */
  readonly topicAs?: string | undefined;
  readonly operation: string;
}

/**
 * The message that takes a letter's place in the queue: the same body and attributes, and one more attribute that says which
 * message it is. The producer's attributes that have no room beside that are kept in it.
 */
export function replayMessage(original: OriginalMessage, { topicAs, operation }: Sending): OutgoingMessage {
  const given = withTopic(original.attributes, topicAs);
  // The decoder refuses a malformed one, as it did before.
  if (ORIGIN_ATTRIBUTE in given) return outgoing(original.body, given);
  const names = Object.keys(given);
  const spare = names.filter((name) => !READ_ATTRIBUTES.has(name));
  const folded = new Set(spare.slice(0, Math.max(0, names.length + 1 - MAX_ATTRIBUTES)));
  const { messageId, sentAt, receivedAt, traceId, firstLetter, attempts } = original;
  const origin: MessageOrigin = {
    kind: 'replay',
    messageId,
    sentAt,
    receivedAt,
    traceId,
    letter: firstLetter,
    attempt: attempts + 1,
    operation,
    attributes: folded.size === 0 ? undefined : only(given, (name) => folded.has(name)),
  };
  return outgoing(original.body, { ...only(given, (name) => !folded.has(name)), ...originAttribute(origin) });
}

/**
 * A corrected body in the place of a letter: a new message with the letter's attributes, which names the letter.
 *
 * @param key the archive key of the letter
 */
export function editMessage(
  body: string,
  key: string,
  { attributes }: Pick<OriginalMessage, 'attributes'>,
  { topicAs, operation }: Sending,
): OutgoingMessage {
  const given = only(withTopic(attributes, topicAs), (name) => name !== ORIGIN_ATTRIBUTE);
  const origin: MessageOrigin = { kind: 'edit', messageId: editId(key, body), letter: key, operation };
  return outgoing(body, { ...given, ...originAttribute(origin) });
}

/** The id of a correction, the same for the same letter and body. */
export function editId(key: string, body: string): string {
  return `edit-${hash('sha256', `${key}\n${body}`, 'hex').slice(0, 32)}`;
}

function withTopic(attributes: Attributes, topicAs: string | undefined): Attributes {
  if (topicAs === undefined) return attributes;
  return { ...attributes, topic_name: { dataType: 'String', stringValue: topicAs } };
}

function originAttribute(origin: MessageOrigin): Attributes {
  return { [ORIGIN_ATTRIBUTE]: { dataType: 'String', stringValue: originText(origin) } };
}

function only(attributes: Attributes, isWanted: (name: string) => boolean): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => isWanted(name)));
}

function outgoing(body: string, attributes: Attributes): OutgoingMessage {
  const isString = ({ dataType, stringValue }: AttributeValue): boolean =>
    dataType === 'String' && stringValue !== undefined;
  const all = Object.entries(attributes);
  return {
    body,
    attributes: Object.fromEntries(
      all.filter(([, value]) => isString(value)).map(([name, { stringValue = '' }]) => [name, stringValue]),
    ),
    typedAttributes: Object.fromEntries(all.filter(([, value]) => !isString(value))),
  };
}

export type Verdict =
  | { readonly ok: true; readonly header: RecordHeader }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The id that stands for the one that SQS will give: as long as those are, as it is part of the record whose size counts. */
export const UNSENT_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Asks the decoder of sqs-processor what it would make of the message now.
 *
 * @param nowMs epoch milliseconds
 */
export function judge(message: OutgoingMessage, nowMs: number): Verdict {
  const bytes = messageBytes(message);
  if (bytes > SQS_BATCH_LIMITS.maxBytes) {
    const text = `with the attribute ${ORIGIN_ATTRIBUTE} it has ${bytes} bytes, SQS takes ${SQS_BATCH_LIMITS.maxBytes}`;
    return { ok: false, code: 'NO_ROOM', message: text };
  }
  const { body, attributes, typedAttributes = {} } = message;
  const names = Object.keys(attributes).length + Object.keys(typedAttributes).length;
  if (names > MAX_ATTRIBUTES) {
    return { ok: false, code: 'NO_ROOM', message: `it has ${names} message attributes, SQS takes ${MAX_ATTRIBUTES}` };
  }
  const record: QueueMessage = {
    messageId: UNSENT_ID,
    body,
    attributes: { SentTimestamp: String(nowMs) },
    messageAttributes: {
      ...typedAttributes,
      ...Object.fromEntries(Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue }])),
    },
  };
  try {
    const maxClockSkew = microsFromMillis(MAX_CLOCK_SKEW_SECONDS * 1_000);
    const decoded = decodeMessage(record, microsFromMillis(nowMs), { maxClockSkew });
    if (decoded.kind === 'permanent') return { ok: false, code: decoded.code, message: decoded.message };
    const read = decodeRecord(decoded.frame);
    return read.ok ? { ok: true, header: read.header } : { ok: false, code: read.code, message: read.message };
  } catch (error) {
    return { ok: false, code: 'UNEXPECTED', message: messageOf(error) };
  }
}

/** A letter's message, ready to be sent, or why it is not sent. */
export type Prepared =
  | { readonly ok: true; readonly outgoing: OutgoingMessage; readonly header: RecordHeader; readonly topicAs: boolean }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** A correction, ready to be sent, or why it is not. @param topicAs counts only for one that has no usable topic */
export function prepareEdit(
  body: string,
  key: string,
  original: Pick<OriginalMessage, 'attributes'>,
  { topicAs, operation }: Sending,
  nowMs: number,
): Prepared {
  return prepare((topic) => editMessage(body, key, original, { topicAs: topic, operation }), topicAs, nowMs);
}

/** @param topicAs counts only for a message that has no usable topic */
export function prepareReplay(original: OriginalMessage, { topicAs, operation }: Sending, nowMs: number): Prepared {
  return prepare((topic) => replayMessage(original, { topicAs: topic, operation }), topicAs, nowMs);
}

function prepare(
  messageWith: (topicAs: string | undefined) => OutgoingMessage,
  topicAs: string | undefined,
  nowMs: number,
): Prepared {
  const asItWas = messageWith(undefined);
  const first = judge(asItWas, nowMs);
  if (first.ok) return { ok: true, outgoing: asItWas, header: first.header, topicAs: false };
  if (topicAs === undefined || !(first.code === 'NO_TOPIC' || first.code === 'INVALID_TOPIC')) return first;
  const message = messageWith(topicAs);
  const second = judge(message, nowMs);
  return second.ok ? { ok: true, outgoing: message, header: second.header, topicAs: true } : second;
}
