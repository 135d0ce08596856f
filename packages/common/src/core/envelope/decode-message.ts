import type { TopicName } from '../topic';
import { microsFromMillis, type Micros } from '../time';
import { ORIGIN_ATTRIBUTE, readOrigin, type MessageOrigin } from './message-origin';
import { readEnvelope, type EnvelopeSettings } from './read-envelope';
import { encodeRecord, MAX_RECORD_BYTES } from './record-frame';

/** The default of how many seconds after its receipt a message may say that it was produced. */
export const MAX_CLOCK_SKEW_SECONDS = 86_400;

/** A message of the ingest queue, in the form in which Lambda hands it over. */
export interface QueueMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: {
    /** Epoch milliseconds. */
    readonly SentTimestamp?: string | undefined;
    readonly AWSTraceHeader?: string | undefined;
  };
  readonly messageAttributes: Readonly<Record<string, { readonly stringValue?: string | undefined }>>;
}

/** A message that is ready for Firehose, as a framed record. */
export interface FramedMessage<M extends QueueMessage> {
  readonly kind: 'framed';
  readonly record: M;
  readonly frame: Buffer;
}

/** A message that no later try could deliver. */
export interface PermanentFailure<M extends QueueMessage> {
  readonly kind: 'permanent';
  readonly record: M;
  readonly topic: TopicName | undefined;
  readonly traceId: string;
  readonly code: 'NO_TOPIC' | 'INVALID_TOPIC' | 'INVALID_ORIGIN' | 'TOO_LARGE' | 'UNEXPECTED' | 'ENDS_FUNCTION';
  readonly message: string;
}

export type DecodedMessage<M extends QueueMessage> = FramedMessage<M> | PermanentFailure<M>;

/**
 * The id that names the message from the producer's log to RAW: the trace id of its X-Ray header
 * (`Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1`), else the trace id of the W3C attribute `traceparent`
 * (`00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`), else the id that the queue gave it.
 *
 * @param messageId the queue's id
 */
function traceIdOf({ attributes, messageAttributes }: QueueMessage, messageId: string): string {
  const header = attributes.AWSTraceHeader;
  const root = header === undefined ? null : /(?:^|;)\s*Root=([A-Za-z0-9-]{1,100})/.exec(header);
  if (root?.[1] !== undefined) return root[1];
  const parent = messageAttributes['traceparent']?.stringValue;
  const trace = parent === undefined ? null : /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(parent);
  return trace?.[1] ?? messageId;
}

function sentAtOf(message: QueueMessage, receivedAt: Micros): Micros {
  const milliseconds = Number(message.attributes.SentTimestamp ?? NaN);
  return Number.isFinite(milliseconds) ? microsFromMillis(milliseconds) : receivedAt;
}

/** The origin that a message says it has; undefined for one that says nothing. */
function originOf(
  { messageAttributes }: QueueMessage,
  receivedAt: Micros,
  { maxClockSkew }: EnvelopeSettings,
):
  { readonly ok: true; readonly origin: MessageOrigin | undefined } | { readonly ok: false; readonly message: string } {
  const attribute = messageAttributes[ORIGIN_ATTRIBUTE];
  if (attribute === undefined) return { ok: true, origin: undefined };
  const read = readOrigin(attribute.stringValue);
  if (!read.ok || read.origin.kind === 'edit') return read;
  // The time of sending stands in for the version, and no version may be further ahead than clocks differ.
  if (microsFromMillis(read.origin.sentAt) <= receivedAt + maxClockSkew) return read;
  return { ok: false, message: `the message attribute ${ORIGIN_ATTRIBUTE} has a sent_at in the future` };
}

/**
 * Turns a message into a Firehose record, or says why that is impossible.
 *
 * A dead letter that was sent again is the message that its attribute `lean_ops_origin` names: it has that one's id and time of
 * sending where the envelope names none, and `produced_at` is judged by when that one was first received. So it is the same
 * version, whenever and however often it comes.
 *
 * @param receivedAt the time at which it was taken from the queue
 */
export function decodeMessage<M extends QueueMessage>(
  record: M,
  receivedAt: Micros,
  settings: EnvelopeSettings,
): DecodedMessage<M> {
  const claimed = originOf(record, receivedAt, settings);
  const origin = claimed.ok ? claimed.origin : undefined;
  const replay = origin?.kind === 'replay' ? origin : undefined;
  const firstReceived = replay ? microsFromMillis(replay.receivedAt) : receivedAt;
  const arrival = {
    body: record.body,
    topicAttribute: record.messageAttributes['topic_name']?.stringValue,
    messageId: origin?.messageId ?? record.messageId,
    sentAt: replay ? microsFromMillis(replay.sentAt) : sentAtOf(record, receivedAt),
    receivedAt: firstReceived < receivedAt ? firstReceived : receivedAt,
  };
  const read = readEnvelope(arrival, settings);
  const sourceMessageId = replay?.messageId ?? record.messageId;
  const traceId = replay?.traceId ?? traceIdOf(record, sourceMessageId);
  const permanent = (
    topic: TopicName | undefined,
    code: PermanentFailure<M>['code'],
    message: string,
  ): PermanentFailure<M> => ({ kind: 'permanent', record, topic, traceId, code, message });
  if (!read.ok) return permanent(undefined, read.code, read.message);

  const { topic, messageId, idempotencyKey, eventTime, producedAt, payload, issues } = read.envelope;
  if (!claimed.ok) return permanent(topic, 'INVALID_ORIGIN', claimed.message);
  const frame = encodeRecord(
    {
      topic,
      messageId,
      idempotencyKey,
      eventTime,
      producedAt,
      receivedAt,
      sourceMessageId,
      traceId,
      envelopeIssues: issues.length === 0 ? null : JSON.stringify(issues),
    },
    payload,
  );
  if (frame.length <= MAX_RECORD_BYTES) return { kind: 'framed', record, frame };
  const message = `the record has ${frame.length} bytes, Firehose takes ${MAX_RECORD_BYTES}: send less, or a reference to it`;
  return permanent(topic, 'TOO_LARGE', message);
}
