import {
  decodeRecord,
  decodeString,
  encodeRecord,
  isTopicName,
  MAX_RECORD_BYTES,
  memberSources,
  microsOfSource,
  wellFormed,
  type Micros,
  type RecordHeader,
  type TopicName,
} from '@lean-ops/common/core';
import { isUtf8 } from 'node:buffer';

/** A record that can go into the stream again, or the reason why it cannot. */
export type Sendable =
  | { readonly ok: true; readonly topic: TopicName; readonly sourceMessageId: string; readonly frame: Buffer }
  | { readonly ok: false; readonly code: 'INVALID_RECORD' | 'TOO_LARGE'; readonly message: string };

/** A row of RAW. Its functions give a column as text or as microseconds, and undefined when the row lacks it. */
export interface RawRow {
  readonly text: (column: string) => string | undefined;
  readonly micros: (column: string) => Micros | undefined;
}

function refused(message: string): Sendable {
  return { ok: false, code: 'INVALID_RECORD', message };
}

function sized(topic: TopicName, sourceMessageId: string, frame: Buffer): Sendable {
  if (frame.length <= MAX_RECORD_BYTES) return { ok: true, topic, sourceMessageId, frame };
  return { ok: false, code: 'TOO_LARGE', message: `${frame.length} bytes, and Firehose takes ${MAX_RECORD_BYTES}` };
}

/** The frame from which a row of RAW was made, with the same payload byte for byte. */
export function frameOfRow({ text, micros }: RawRow): Sendable {
  const topic = text('topic_name');
  if (topic === undefined || !isTopicName(topic)) return refused('a row without a legal topic_name');
  const messageId = text('message_id');
  const producedAt = micros('produced_at');
  const receivedAt = micros('received_at');
  const payload = text('payload');
  if (messageId === undefined || producedAt === undefined || receivedAt === undefined || payload === undefined) {
    return refused('a row without message_id, produced_at, received_at or payload');
  }
  const header: RecordHeader = {
    topic,
    messageId,
    idempotencyKey: text('idempotency_key') ?? messageId,
    eventTime: micros('event_time') ?? null,
    producedAt,
    receivedAt,
    sourceMessageId: text('source_message_id') ?? '',
    traceId: text('trace_id') ?? '',
    envelopeIssues: text('envelope_issues') ?? null,
  };
  return sized(topic, header.sourceMessageId, encodeRecord(header, payload));
}

function rowOfText(text: string): RawRow | undefined {
  const sources = memberSources(text);
  return (
    sources && {
      text: (column) => {
        const source = sources.get(column);
        return source?.startsWith('"') ? wellFormed(decodeString(source)) : undefined;
      },
      micros: (column) => microsOfSource(sources.get(column)),
    }
  );
}

/**
 * Reads the `rawData` of a failed record. It is a frame when the transform failed, a row of RAW when the delivery after it
 * failed, or bytes that never were a record of ours. Never throws.
 */
export function sendableOf(raw: Buffer): Sendable {
  const record = decodeRecord(raw);
  if (record.ok) return sized(record.header.topic, record.header.sourceMessageId, raw);
  const row = isUtf8(raw) ? rowOfText(raw.toString('utf8')) : undefined;
  if (row?.text('payload') !== undefined) return frameOfRow(row);
  return refused(`neither a record of this stream (${record.message}) nor a row of RAW`);
}
