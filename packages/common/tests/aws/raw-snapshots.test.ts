import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { readRawSnapshots } from '../../src/aws/observe/raw-snapshots';
import { s3ObjectStore } from '../../src/aws/objects';

const LAKE = { databasePrefix: 'lean_ops', bucket: 'lean-ops-lake' };
const METADATA = `{"format-version":2,"current-snapshot-id":8744736658442914487,"snapshots":[
  {"snapshot-id":8744736658442914487,"timestamp-ms":1795428002000,"summary":{"operation":"append","added-records":"40"}}]}`;

/** A lake whose RAW has its metadata at this name; the body is what S3 answers a GET with. */
function world(name: string, body: Readable, bytes: number) {
  const location = `s3://lean-ops-lake/warehouse/lean_ops_raw/events/metadata/${name}`;
  const s3 = mockClient(S3Client);
  s3.on(GetObjectCommand).resolves({ Body: body as never, ContentLength: bytes });
  const catalog = { getTable: () => Promise.resolve({ metadataLocation: location, columns: [] }) };
  return { catalog, objects: s3ObjectStore(new S3Client({ region: 'eu-central-1' })) };
}

describe('readRawSnapshots', () => {
  it('reads metadata as Iceberg names it, compressed or not', async () => {
    for (const [name, bytes] of [
      ['00002-x.metadata.json', Buffer.from(METADATA)],
      ['00002-x.gz.metadata.json', gzipSync(METADATA)],
      ['00002-x.metadata.json.gz', gzipSync(METADATA)],
    ] as const) {
      const read = await readRawSnapshots(LAKE, 'events', world(name, Readable.from([bytes]), bytes.length));
      expect(read.currentId).toBe('8744736658442914487');
      expect(read.byId.get('8744736658442914487')).toMatchObject({ operation: 'append', addedRecords: 40 });
      expect(read.metadataBytes).toBeGreaterThanOrEqual(METADATA.length);
    }
  });

  it.each(['00002-x.metadata.json', '00002-x.gz.metadata.json'])(
    'leaves the rest of %s where it is once it has the snapshots',
    async (name) => {
      const log = `,"snapshot-log":[${'{"timestamp-ms":1},'.repeat(500_000)}0]}`;
      const text = `${METADATA.slice(0, -1)}${log}`;
      const body = new PassThrough();
      body.end(name.includes('.gz.') ? gzipSync(text, { level: 0 }) : Buffer.from(text));
      const read = await readRawSnapshots(LAKE, 'events', world(name, body, 1));
      expect(read.byId.size).toBe(1);
      expect(body.destroyed).toBe(true);
    },
  );

  it('says that it is too large before it reads it, or as soon as it shows', async () => {
    const told = world('00002-x.metadata.json', Readable.from([Buffer.from(METADATA)]), 1_000_000);
    const tooLarge = { code: 'RAW_METADATA_TOO_LARGE', bytes: 1_000_000 };
    await expect(readRawSnapshots(LAKE, 'events', told, 999_999)).rejects.toMatchObject(tooLarge);
    const packed = gzipSync(METADATA.replace('[', `[${' '.repeat(100_000)}`));
    const hidden = world('00002-x.gz.metadata.json', Readable.from([packed]), packed.length);
    await expect(readRawSnapshots(LAKE, 'events', hidden, 10_000)).rejects.toMatchObject({
      code: 'RAW_METADATA_TOO_LARGE',
    });
  });

  it('says so when a compressed file is none, and passes on a transfer that breaks off', async () => {
    const name = '00002-x.gz.metadata.json';
    const none = world(name, Readable.from([Buffer.from(METADATA)]), METADATA.length);
    await expect(readRawSnapshots(LAKE, 'events', none)).rejects.toMatchObject({ code: 'TABLE_METADATA' });
    const reset = new Error('read ECONNRESET');
    const broken = new Readable({
      read() {
        this.destroy(reset);
      },
    });
    await expect(readRawSnapshots(LAKE, 'events', world(name, broken, 10))).rejects.toBe(reset);
    const missing = world('00002-x.metadata.json', Readable.from([]), 0);
    await expect(readRawSnapshots(LAKE, 'events', missing)).rejects.toMatchObject({ code: 'TABLE_METADATA' });
  });
});
