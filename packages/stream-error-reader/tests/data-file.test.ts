import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decodeRecord } from '@lean-ops/common/core';
import { memoryBytes } from '@lean-ops/common/testing';
import { locate, openDataFile } from '../src/data-file';
import { CONFIG, DATA_FILE } from './world';

const fixture = (name: string): Buffer => readFileSync(path.join(__dirname, 'fixtures', name));

async function framesOf(bytes: Buffer) {
  const file = await openDataFile(DATA_FILE, CONFIG, memoryBytes({ [DATA_FILE]: bytes }));
  if (!file.ok) throw new Error(file.message);
  const found = [];
  for await (const rows of file.slices()) {
    for (const row of rows) found.push(row.ok ? decodeRecord(row.frame) : row);
  }
  return { rows: file.rows, found };
}

describe('openDataFile', () => {
  // pyarrow wrote these files with RAW's columns: one with zstd in three row groups, one with snappy in data pages of version 2.
  it.each([
    ['raw-zstd.parquet', 250],
    ['raw-snappy.parquet', 20],
  ])('gives the rows of %s as the frames they were', async (name, count) => {
    const { rows, found } = await framesOf(fixture(name));
    expect(rows).toBe(count);
    expect(found).toHaveLength(count);
    expect(found.map((each) => each.ok && each.header.messageId)).toEqual(
      Array.from({ length: count }, (_, index) => `m-${index}`),
    );
    const texts = ['{"n":9007199254740993,"price":1.10}', '\uFEFF{"bom":true}', "{'single': 'quotes'}"];
    const more = ['{"emoji":"🌡️","z":"\\u0000"}', ''];
    expect(found.slice(0, 5).map((each) => each.ok && each.payload.toString('utf8'))).toEqual([...texts, ...more]);
    expect(found[1]).toMatchObject({
      ok: true,
      header: {
        topic: 'device.status',
        idempotencyKey: 'k-1',
        eventTime: 9_000_000_000_000_002n,
        producedAt: 253_402_300_799_999_998n,
        receivedAt: 1_795_428_002_000_001n,
        sourceMessageId: 's-1',
        traceId: 't',
        envelopeIssues: null,
      },
    });
    expect(found[0]).toMatchObject({ header: { eventTime: null, envelopeIssues: '[]' } });
  });

  it.each([
    ['NOT_A_RAW_DATA_FILE', 's3://other/warehouse/lean_ops_raw/events/a.parquet', Buffer.alloc(0)],
    ['DATA_FILE_MISSING', 's3://lake/warehouse/lean_ops_raw/events/gone.parquet', Buffer.alloc(0)],
    ['DATA_FILE_UNREADABLE', DATA_FILE, Buffer.from('PAR1 no parquet PAR1')],
    ['DATA_FILE_UNREADABLE', DATA_FILE, Buffer.alloc(0)],
    ['DATA_FILE_TOO_LARGE', DATA_FILE, Buffer.alloc(CONFIG.maxObjectBytes + 1)],
  ])('says %s', async (code, name, bytes) => {
    await expect(openDataFile(name, CONFIG, memoryBytes({ [DATA_FILE]: bytes }))).resolves.toMatchObject({
      ok: false,
      code,
    });
  });
});

describe('locate', () => {
  it.each([
    [DATA_FILE],
    ['s3a://lake/warehouse/lean_ops_raw/events/data/00000-0-a.parquet'],
    ['warehouse/lean_ops_raw/events/data/00000-0-a.parquet'],
    ['/warehouse/lean_ops_raw/events/data/00000-0-a.parquet'],
  ])('takes %s', (name) => {
    expect(locate(name, CONFIG)).toEqual({ ok: true, key: 'warehouse/lean_ops_raw/events/data/00000-0-a.parquet' });
  });

  it('takes files that are spread over prefixes, as those of tables that Athena made', () => {
    const key = 'warehouse/lean_ops_raw/events/data/0011/0011/1101/00011010/00000-0-a.parquet';
    expect(locate(`s3://lake/${key}`, CONFIG)).toEqual({ ok: true, key });
  });

  it.each([
    ['s3://archive/warehouse/lean_ops_raw/events/a.parquet'],
    ['s3://lake/warehouse/lean_ops_curated/t/a.parquet'],
    ['s3://lake/warehouse/lean_ops_raw/events/../../lean_ops_curated/t/a.parquet'],
    ['s3://lake/athena-results/a.parquet'],
    ['s3://lake/warehouse/lean_ops_raw/events/metadata/v1.metadata.json'],
    ['https://lake/warehouse/lean_ops_raw/events/a.parquet'],
  ])('refuses %s', (name) => {
    expect(locate(name, CONFIG)).toMatchObject({ ok: false, code: 'NOT_A_RAW_DATA_FILE' });
  });
});
