import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { encodeRecord, MAX_MICROS, type RecordHeader, type TopicName } from '@lean-ops/common/core';
import { firehoseEvent, recordingLog, recordingMetrics } from '@lean-ops/common/testing';
import fc from 'fast-check';
import { transform, type TransformedRecord, type TransformSettings } from '../src/transform';

const INGESTED_AT = 1_795_428_003_000_000n;
const SETTINGS: TransformSettings = { rawDatabase: 'lean_ops_raw', rawTable: 'events', responseLimitBytes: 6_000_000 };

const HEADER: RecordHeader = {
  topic: 'telemetry.climate' as TopicName,
  messageId: 'm-1',
  idempotencyKey: 'k-1',
  eventTime: 1_795_428_000_000_000n,
  producedAt: 1_795_428_001_000_000n,
  receivedAt: 1_795_428_002_000_000n,
  sourceMessageId: 's-1',
  traceId: 's-1',
  envelopeIssues: null,
};

function run(records: readonly (string | Uint8Array)[], settings: Partial<TransformSettings> = {}) {
  const log = recordingLog();
  const metrics = recordingMetrics();
  const { records: input } = firehoseEvent(records);
  const response = transform(input, INGESTED_AT, { ...SETTINGS, ...settings }, { log, metrics });
  return { input, response, log, metrics };
}

function rowText(record: TransformedRecord | undefined): string {
  if (record?.result !== 'Ok') throw new Error('not transformed');
  return Buffer.from(record.data, 'base64').toString('utf8');
}

const frame = (payload: string, header: Partial<RecordHeader> = {}): Buffer =>
  encodeRecord({ ...HEADER, ...header }, payload);
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

describe('transform', () => {
  it("makes RAW's row, every column there, times in microseconds", () => {
    const payload = '{"temperature":1.10}';
    const { response } = run([frame(payload)]);
    expect(JSON.parse(rowText(response.records[0]))).toEqual({
      topic_name: 'telemetry.climate',
      message_id: 'm-1',
      idempotency_key: 'k-1',
      event_time: 1_795_428_000_000_000,
      produced_at: 1_795_428_001_000_000,
      received_at: 1_795_428_002_000_000,
      ingested_at: 1_795_428_003_000_000,
      payload,
      source_message_id: 's-1',
      payload_sha256: createHash('sha256').update(payload).digest('hex'),
      trace_id: 's-1',
      envelope_issues: null,
    });
  });

  it('tells Firehose the table', () => {
    expect(run([frame('{}')]).response.records[0]).toMatchObject({
      result: 'Ok',
      metadata: {
        otfMetadata: { destinationDatabaseName: 'lean_ops_raw', destinationTableName: 'events', operation: 'insert' },
      },
    });
  });

  it('has the same columns, in the same order, whatever is null', () => {
    const full = run([frame('{}', { envelopeIssues: '[]' })]).response.records[0];
    const bare = run([frame('', { eventTime: null })]).response.records[0];
    const columns = (record: TransformedRecord | undefined) => Object.keys(JSON.parse(rowText(record)) as object);
    expect(columns(bare)).toEqual(columns(full));
  });

  it('keeps times exact past 2^53', () => {
    const row = rowText(run([frame('{}', { eventTime: MAX_MICROS })]).response.records[0]);
    expect(row).toContain('"event_time":253402300799999999,');
  });

  it('keeps every payload, and hashes the bytes that were sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (payload) => {
        const row = JSON.parse(rowText(run([frame(payload)]).response.records[0])) as Record<string, unknown>;
        expect(row['payload']).toBe(payload);
        expect(row['payload_sha256']).toBe(createHash('sha256').update(Buffer.from(payload)).digest('hex'));
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['JSON without a frame', '{"topic_name":"t","payload":{}}'],
    ['bytes', Buffer.from([0xff, 0x00, 0x0a, 0xfe])],
    ['an illegal topic', frame('{}', { topic: '../x' as TopicName })],
  ])('fails %s alone, and says nothing of what is in it', (_, garbage) => {
    const { response, log, metrics } = run([frame('{}'), garbage, frame('{}')]);
    expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed', 'Ok']);
    expect(log.lines[0]).toMatchObject({ level: 'warn', fields: { error_code: 'INVALID_RECORD' } });
    expect(metrics.counts).toMatchObject({ Received: 3, Transformed: 2, ProcessingFailed: 1, ResponseFull: 0 });
  });

  it('fails a record whose data is not even there', () => {
    const [record] = firehoseEvent(['']).records;
    const response = transform([{ ...record!, data: undefined as never }], INGESTED_AT, SETTINGS, {
      log: recordingLog(),
      metrics: recordingMetrics(),
    });
    expect(response.records).toEqual([{ recordId: record!.recordId, result: 'ProcessingFailed' }]);
  });

  it('answers an empty batch', () => {
    expect(run([]).response).toEqual({ records: [] });
  });

  describe('response budget', () => {
    it('keeps to 6 MB when escaping and base64 swell the payloads, and fails the rest', () => {
      // Each control character becomes six, then eight in base64.
      const { response, log, metrics } = run(Array.from({ length: 12 }, () => frame('\u0001'.repeat(80_000))));
      const results = response.records.map(({ result }) => result);
      expect(results.filter((result) => result === 'Ok')).toHaveLength(9);
      expect(bytesOf(response)).toBeLessThanOrEqual(6_000_000);
      expect(metrics.counts).toMatchObject({ ProcessingFailed: 3, ResponseFull: 3 });
      expect(log.lines.at(-1)).toMatchObject({
        fields: { failures: { RESPONSE_FULL: 3 }, response_bytes: bytesOf(response) + 1 },
      });
    });

    it('still takes a small record after one that was too much', () => {
      const { response } = run([frame('{}'), frame('x'.repeat(9_000)), frame('{}')], { responseLimitBytes: 5_000 });
      expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed', 'Ok']);
    });

    it('is exact: one byte more of limit lets one record more through', () => {
      const records = [frame('{"a":1}'), frame('{"é":2}')];
      const whole = bytesOf(run(records).response);
      const fits = run(records, { responseLimitBytes: whole + 1 }).response;
      expect(fits.records.map(({ result }) => result)).toEqual(['Ok', 'Ok']);
      const short = run(records, { responseLimitBytes: whole }).response;
      expect(short.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed']);
    });

    it('holds for any batch', () => {
      const payloads = fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 20 });
      fc.assert(
        fc.property(payloads, fc.integer({ min: 3_000, max: 12_000 }), (batch, responseLimitBytes) => {
          const { response } = run(
            batch.map((payload) => frame(payload)),
            { responseLimitBytes },
          );
          expect(bytesOf(response)).toBeLessThanOrEqual(responseLimitBytes);
        }),
      );
    });
  });

  it('gives exactly one result per record, in order, for 10,000 records of noise', () => {
    const template = frame('{"a":"\\ud800"}');
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.string({ unit: 'binary' }).map((text) => frame(text)),
      fc.tuple(fc.nat(template.length - 1), fc.nat(255)).map(([at, byte]) => {
        const record = Buffer.from(template);
        record[at] = byte;
        return record;
      }),
      fc.nat(template.length).map((end) => template.subarray(0, end)),
    );
    fc.assert(
      fc.property(fc.array(noise, { minLength: 20, maxLength: 20 }), (records) => {
        const { input, response } = run(records);
        expect(response.records.map(({ recordId }) => recordId)).toEqual(input.map(({ recordId }) => recordId));
        for (const record of response.records) {
          if (record.result === 'Ok')
            expect(JSON.parse(rowText(record))).toHaveProperty(
              'topic_name',
              expect.stringMatching(/^[a-z][a-z0-9._-]{0,127}$/),
            );
        }
      }),
      { numRuns: 500 },
    );
  });
});
