import type { Log, MetricsPort } from '@lean-ops/common/aws';
import { messageOf, type Micros } from '@lean-ops/common/core';
import type { FirehoseTransformationEventRecord } from 'aws-lambda';
import { rawRowOf } from './raw-row';

/** The destination of a row, in the form that Firehose's Iceberg destination expects. */
export interface OtfMetadata {
  readonly destinationDatabaseName: string;
  readonly destinationTableName: string;
  readonly operation: 'insert';
}

/** The result for one record. `Dropped` is never used: Firehose counts it as a success, and the record is lost. */
export type TransformedRecord =
  | {
      readonly recordId: string;
      readonly result: 'Ok';
      readonly data: string;
      readonly metadata: { readonly otfMetadata: OtfMetadata };
    }
  | { readonly recordId: string; readonly result: 'ProcessingFailed' };

export interface TransformResponse {
  readonly records: readonly TransformedRecord[];
}

export interface TransformSettings {
  readonly rawDatabase: string;
  readonly rawTable: string;
  readonly responseLimitBytes: number;
}

/** The number of bytes of `{"records":[]}`. */
const FRAME_BYTES = 14;

const failedRecord = (recordId: string): TransformedRecord => ({ recordId, result: 'ProcessingFailed' });

function okRecord(recordId: string, row: string, settings: TransformSettings): TransformedRecord {
  const { rawDatabase: destinationDatabaseName, rawTable: destinationTableName } = settings;
  return {
    recordId,
    result: 'Ok',
    data: Buffer.from(row, 'utf8').toString('base64'),
    metadata: { otfMetadata: { destinationDatabaseName, destinationTableName, operation: 'insert' } },
  };
}

/** Bytes that the record takes in the response, with its comma. JSON leaves base64 as it is, so `data` is not scanned. */
function responseBytesOf(record: TransformedRecord): number {
  if (record.result !== 'Ok') return Buffer.byteLength(JSON.stringify(record)) + 1;
  return Buffer.byteLength(JSON.stringify({ ...record, data: '' })) + record.data.length + 1;
}

function readRow(record: FirehoseTransformationEventRecord, ingestedAt: Micros): ReturnType<typeof rawRowOf> {
  try {
    return rawRowOf(Buffer.from(record.data, 'base64'), ingestedAt);
  } catch (error) {
    // An error in one record, foreseen or not, must not cost the others their results.
    return { ok: false, code: 'INVALID_RECORD', message: messageOf(error) };
  }
}

/**
 * Gives one result per record, in the records' order. A record that is not a frame of ours, or whose row no longer fits
 * into the response, is ProcessingFailed: Firehose keeps it, as it was sent, under the error prefix. The response's size is
 * counted in bytes, and room to report every later record as failed is kept from the start.
 */
export function transform(
  records: readonly FirehoseTransformationEventRecord[],
  ingestedAt: Micros,
  settings: TransformSettings,
  { log, metrics }: { readonly log: Log; readonly metrics: MetricsPort },
): TransformResponse {
  const failures: Record<string, number> = {};
  const fail = (recordId: string, code: string): TransformedRecord => {
    failures[code] = (failures[code] ?? 0) + 1;
    return failedRecord(recordId);
  };
  let room = settings.responseLimitBytes - FRAME_BYTES;
  for (const { recordId } of records) room -= responseBytesOf(failedRecord(recordId));

  const results = records.map((record) => {
    const { recordId } = record;
    const read = readRow(record, ingestedAt);
    if (!read.ok) {
      log.warn('record failed', { record_id: recordId, error_code: read.code, reason: read.message });
      return fail(recordId, read.code);
    }
    const ok = okRecord(recordId, read.row, settings);
    const growth = responseBytesOf(ok) - responseBytesOf(failedRecord(recordId));
    if (growth > room) return fail(recordId, 'RESPONSE_FULL');
    room -= growth;
    return ok;
  });

  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  const responseBytes = settings.responseLimitBytes - room;
  log.info('records transformed', {
    received: records.length,
    transformed: records.length - failed,
    failed,
    response_bytes: responseBytes,
    ...(failed > 0 && { failures }),
  });
  metrics.count('Received', records.length);
  metrics.count('Transformed', records.length - failed);
  metrics.count('ProcessingFailed', failed);
  metrics.count('ResponseFull', failures['RESPONSE_FULL'] ?? 0);
  return { records: results };
}
