import { hash } from 'node:crypto';
import { decodeRecord, type Micros } from '@lean-ops/common/core';

export type RowResult =
  | { readonly ok: true; readonly row: string }
  | { readonly ok: false; readonly code: 'INVALID_RECORD'; readonly message: string };

const textOrNull = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text));
const microsOrNull = (micros: Micros | null): string => (micros === null ? 'null' : micros.toString());

/**
 * RAW's row as JSON text, of a framed record: every column always there, times as integer microseconds. Written by hand,
 * as JSON.stringify takes no bigint and a number would round from the year 2255 on.
 */
export function rowOf(record: Buffer, ingestedAt: Micros): RowResult {
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
