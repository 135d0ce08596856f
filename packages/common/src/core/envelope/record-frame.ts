import { isUtf8 } from 'node:buffer';
import { LeanOpsError } from '../errors';
import { decodeString, memberSources } from '../json/scan';
import { microsOfSource, type Micros } from '../time';
import { isTopicName, printable, type TopicName } from '../topic';

/**
 * The header of a payload on its way through Firehose: RAW's columns without the payload and without those that the
 * transform adds.
 */
export interface RecordHeader {
  readonly topic: TopicName;
  readonly messageId: string;
  readonly idempotencyKey: string;
  readonly eventTime: Micros | null;
  readonly producedAt: Micros;
  /** The time at which sqs-processor took the message from the queue. */
  readonly receivedAt: Micros;
  /** The queue's id of the message. */
  readonly sourceMessageId: string;
  readonly traceId: string;
  /** JSON text of the envelope's issues. */
  readonly envelopeIssues: string | null;
}

export type RecordResult =
  | {
      readonly ok: true;
      readonly header: RecordHeader;
      /** UTF-8 bytes, a view on the record. */ readonly payload: Buffer;
    }
  | { readonly ok: false; readonly code: 'INVALID_RECORD'; readonly message: string };

/** Bytes that Firehose takes as one record: 1,000 KiB before base64. */
export const MAX_RECORD_BYTES = 1_024_000;

/** The version of the frame, the member `v` of the header. */
const VERSION = '1';

/** Bytes of a slab. Records are cut from slabs, as a buffer of its own would cost more than filling it. */
const SLAB_BYTES = 1_048_576;
let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

function cut(bytes: number): Buffer {
  if (bytes > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(bytes);
  if (used + bytes > SLAB_BYTES) {
    // The old slab lives as long as a record that was cut from it.
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  used += bytes;
  return slab.subarray(used - bytes, used);
}

/** A text as a JSON string token. Most ids need quotes around them and no escape, which is the faster way. */
function token(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

/**
 * Frames a payload: the header as one line of JSON, a line feed, then the payload's text as UTF-8
 * (docs/data-contracts.md, The Firehose record). The payload is copied once and never escaped, as this runs for every
 * message.
 */
export function encodeRecord(header: RecordHeader, payload: string): Buffer {
  const { topic, messageId, idempotencyKey, eventTime, producedAt, receivedAt, sourceMessageId, traceId } = header;
  const issues = header.envelopeIssues === null ? 'null' : JSON.stringify(header.envelopeIssues);
  // A checked topic and integers need no escape.
  const line =
    `{"v":${VERSION},"topic_name":"${topic}","message_id":${token(messageId)}` +
    `,"idempotency_key":${token(idempotencyKey)},"event_time":${eventTime === null ? 'null' : eventTime.toString()}` +
    `,"produced_at":${producedAt.toString()},"received_at":${receivedAt.toString()}` +
    `,"source_message_id":${token(sourceMessageId)},"trace_id":${token(traceId)}` +
    `,"envelope_issues":${issues}}\n`;
  const lineBytes = Buffer.byteLength(line);
  const record = cut(lineBytes + Buffer.byteLength(payload));
  record.write(line, 0, 'utf8');
  record.write(payload, lineBytes, 'utf8');
  return record;
}

/** Thrown while a header is read; decodeRecord turns it into a result. */
class UnreadableRecordError extends LeanOpsError {
  override readonly name = 'UnreadableRecordError';

  constructor(message: string) {
    super('INVALID_RECORD', message);
  }
}

type Sources = ReadonlyMap<string, string>;

function stringOf(sources: Sources, key: string): string {
  const source = sources.get(key);
  if (!source?.startsWith('"')) throw new UnreadableRecordError(`header member ${key} is no string`);
  return decodeString(source);
}

function microsOf(sources: Sources, key: string): Micros {
  const micros = microsOfSource(sources.get(key));
  if (micros === undefined) throw new UnreadableRecordError(`header member ${key} is no time in microseconds`);
  return micros;
}

function headerOf(line: string): RecordHeader {
  const sources = memberSources(line);
  if (sources === undefined) throw new UnreadableRecordError('the first line is no JSON object');
  if (sources.get('v') !== VERSION) throw new UnreadableRecordError(`header version is not ${VERSION}`);
  const topic = stringOf(sources, 'topic_name');
  if (!isTopicName(topic)) throw new UnreadableRecordError(`${printable(topic)} is no topic name`);
  return {
    topic,
    messageId: stringOf(sources, 'message_id'),
    idempotencyKey: stringOf(sources, 'idempotency_key'),
    eventTime: sources.get('event_time') === 'null' ? null : microsOf(sources, 'event_time'),
    producedAt: microsOf(sources, 'produced_at'),
    receivedAt: microsOf(sources, 'received_at'),
    sourceMessageId: stringOf(sources, 'source_message_id'),
    traceId: stringOf(sources, 'trace_id'),
    envelopeIssues: sources.get('envelope_issues') === 'null' ? null : stringOf(sources, 'envelope_issues'),
  };
}

/** Takes a record apart. It gives a result for any bytes and never throws. */
export function decodeRecord(bytes: Buffer): RecordResult {
  const end = bytes.indexOf(0x0a);
  // Decoding would replace bytes that are no UTF-8 by U+FFFD, and the row would hold a text that nobody sent.
  if (end < 0) return { ok: false, code: 'INVALID_RECORD', message: 'no header line' };
  if (!isUtf8(bytes)) return { ok: false, code: 'INVALID_RECORD', message: 'not UTF-8' };
  try {
    return { ok: true, header: headerOf(bytes.toString('utf8', 0, end)), payload: bytes.subarray(end + 1) };
  } catch (error) {
    if (error instanceof UnreadableRecordError) return { ok: false, code: 'INVALID_RECORD', message: error.message };
    throw error;
  }
}
