import { hash } from 'node:crypto';
import { decodeRecord, type Micros } from '@lean-ops/common/core';

export type RawRowResult =
  | { readonly ok: true; readonly row: string }
  | { readonly ok: false; readonly code: 'INVALID_RECORD'; readonly message: string };

const textOrNull = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text));
const microsOrNull = (micros: Micros | null): string => (micros === null ? 'null' : micros.toString());

/**
 * The row of RAW for a framed record, as JSON text. Every column is always there, and times are integer microseconds. The
 * text is built by hand because JSON.stringify takes no bigint, and a number would be rounded from the year 2255 on.
 */
export function rawRowOf(record: Buffer, ingestedAt: Micros): RawRowResult {
  const decoded = decodeRecord(record);
  if (!decoded.ok) return decoded;
  const { header, payload } = decoded;
  const row =
    `{"topic_name":${JSON.stringify(header.topic)},"message_id":${JSON.stringify(header.messageId)}` +
    `,"idempotency_key":${JSON.stringify(header.idempotencyKey)}` +
    `,"event_time":${microsOrNull(header.eventTime)},"produced_at":${microsOrNull(header.producedAt)}` +
    `,"received_at":${microsOrNull(header.receivedAt)},"ingested_at":${microsOrNull(ingestedAt)}` +
    `,"payload":${JSON.stringify(payload.toString('utf8'))},"source_message_id":${JSON.stringify(header.sourceMessageId)}` +
    `,"payload_sha256":"${hash('sha256', payload, 'hex')}","trace_id":${JSON.stringify(header.traceId)}` +
    `,"envelope_issues":${textOrNull(header.envelopeIssues)}}`;
  return { ok: true, row };
}
