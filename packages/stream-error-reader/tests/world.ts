import { encodeRecord, ERROR_OBJECTS, RECORDED_CODES, type RecordHeader, type TopicName } from '@lean-ops/common/core';
import {
  fakeClock,
  memoryBytes,
  memoryDocuments,
  memoryObjects,
  recordingLog,
  recordingMetrics,
  recordingStream,
  type Interruption,
} from '@lean-ops/common/testing';
import type { StreamErrorEntry } from '@lean-ops/common/aws';
import { configFrom, type Config } from '../src/config';
import { recordObject, sweep } from '../src/record-objects';
import { resend, type ResendCollaborators } from '../src/resend';
import { decodeRequest } from '../src/request';

export const CONFIG: Config = configFrom({
  ARCHIVE_BUCKET: 'archive',
  ARCHIVE_TABLE: 'index',
  ERROR_PREFIX: 'firehose-errors/',
  FIREHOSE_STREAM_NAME: 'events',
  LAKE_BUCKET: 'lake',
  RAW_DATABASE: 'lean_ops_raw',
});
export const ERROR_PREFIX = { bucket: 'archive', prefix: 'firehose-errors/' };
export const KEY = 'firehose-errors/iceberg-failed/2026/11/23/10/lean-ops-events-1-2026-11-23-10-09-00-0b1f8a2e';
export const DATA_FILE = 's3://lake/warehouse/lean_ops_raw/events/data/00000-0-a.parquet';

export function headerOf(overrides: Partial<RecordHeader> = {}): RecordHeader {
  return {
    topic: 'telemetry.climate' as TopicName,
    messageId: 'm-1',
    idempotencyKey: 'dev-7|10:00',
    eventTime: 1_795_428_000_000_001n,
    producedAt: 253_402_300_799_999_999n,
    receivedAt: 1_795_428_002_000_000n,
    sourceMessageId: 'source-1',
    traceId: '1-5e1b',
    envelopeIssues: null,
    ...overrides,
  };
}

export function frameOf(overrides: Partial<RecordHeader> = {}, payload = '{"n":9007199254740993,"p":1.10}'): Buffer {
  return encodeRecord(headerOf(overrides), payload);
}

/** A row of RAW as the transform writes it. Firehose keeps it when the delivery after the transform failed. */
export function rowTextOf(header: RecordHeader, payload: string): string {
  const text = (value: string | null) => (value === null ? 'null' : JSON.stringify(value));
  return (
    `{"topic_name":${text(header.topic)},"message_id":${text(header.messageId)}` +
    `,"idempotency_key":${text(header.idempotencyKey)},"event_time":${header.eventTime?.toString() ?? 'null'}` +
    `,"produced_at":${header.producedAt.toString()},"received_at":${header.receivedAt.toString()}` +
    `,"ingested_at":1795428003000000,"payload":${text(payload)},"source_message_id":${text(header.sourceMessageId)}` +
    `,"payload_sha256":"x","trace_id":${text(header.traceId)},"envelope_issues":${text(header.envelopeIssues)}}`
  );
}

/** One line of an error object, as Firehose writes it. */
export function errorLine(raw: Uint8Array | string, overrides: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    attemptsMade: 4,
    arrivalTimestamp: 1_795_428_003_000,
    errorCode: 'Lambda.InvokeAccessDenied',
    errorMessage: 'User is not authorized to perform: lambda:InvokeFunction',
    attemptEndingTimestamp: 1_795_428_540_000,
    rawData: Buffer.from(raw).toString('base64'),
    lambdaArn: 'arn:aws:lambda:eu-central-1:123456789012:function:lean-ops-firehose-transform',
    ...overrides,
  });
}

export function filesLine(files: readonly string[], overrides: Readonly<Record<string, unknown>> = {}): string {
  const line = JSON.parse(errorLine('', { rawData: undefined })) as Record<string, unknown>;
  return JSON.stringify({ ...line, errorCode: 'Iceberg.CommitFailed', dataFiles: files, ...overrides });
}

/** Everything that the reader reads and writes, in memory. */
export function world(objects: Readonly<Record<string, string | Uint8Array>> = {}) {
  const uris = Object.entries(objects).map(([key, body]) => [
    key.startsWith('s3:') ? key : `s3://archive/${key}`,
    body,
  ]);
  const stored = Object.fromEntries(uris) as Record<string, string | Uint8Array>;
  const collaborators = {
    bytes: memoryBytes(stored),
    objects: memoryObjects(Object.fromEntries(Object.keys(stored).map((uri) => [uri, '']))),
    documents: memoryDocuments({ index: ['topic_name', 'failed_at_message_id'] }),
    stream: recordingStream(),
    log: recordingLog(),
    metrics: recordingMetrics(),
    clock: fakeClock(),
    random: () => 0.5,
  };
  const remaining = { ms: 600_000 };
  const remainingMs = () => remaining.ms;
  return {
    ...collaborators,
    remaining,
    entries: () =>
      [...collaborators.documents.documents.values()].filter(
        ({ topic_name: topic }) => topic !== ERROR_OBJECTS && topic !== RECORDED_CODES,
      ) as unknown as StreamErrorEntry[],
    state: () => [...collaborators.documents.documents].sort(([a], [b]) => (a < b ? -1 : 1)),
    through: (gate: Interruption): ResendCollaborators => ({
      ...collaborators,
      bytes: gate.through(collaborators.bytes),
      objects: gate.through(collaborators.objects),
      documents: gate.through(collaborators.documents),
      stream: gate.through(collaborators.stream),
    }),
    record: (key = KEY, etag?: string, deps: ResendCollaborators = collaborators, config = CONFIG) =>
      recordObject(key, etag, config, deps),
    sweep: (deps: ResendCollaborators = collaborators) => sweep(CONFIG, remainingMs, deps),
    resend: (
      event: Readonly<Record<string, unknown>>,
      deps: ResendCollaborators = collaborators,
      config: Config = CONFIG,
    ) => {
      const request = decodeRequest({ action: 'resend', ...event }, ERROR_PREFIX);
      if (request.action !== 'resend') throw new Error('no resend');
      const context = { remainingMs, sleep: (ms: number) => deps.clock.sleep(ms), random: () => 0.5 };
      return resend({ request, config, context, collaborators: deps });
    },
  };
}
