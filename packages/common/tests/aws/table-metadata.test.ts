import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { readSize } from '../../src/aws/observe/table-metadata';

const METADATA =
  '{"format-version":2,"current-snapshot-id":7,"snapshots":[{"snapshot-id":7,"summary":{"total-data-files":"3"}}]}';

/** Objects with one file, whatever is asked for. */
const objects = (body: Buffer | undefined) => ({
  open: () => Promise.resolve(body && { bytes: body.length, chunks: Readable.from([body]) }),
});

describe('readSize', () => {
  it('reads metadata as Iceberg names it, compressed or not', async () => {
    const files = { 'm.metadata.json': Buffer.from(METADATA), 'm.gz.metadata.json': gzipSync(METADATA) };
    for (const [name, body] of Object.entries(files)) {
      await expect(readSize(objects(body), `s3://b/${name}`)).resolves.toMatchObject({ files: 3, snapshots: 1 });
    }
  });

  it('gives nothing where nothing lies', async () => {
    await expect(readSize(objects(undefined), 's3://b/m.metadata.json')).resolves.toBeUndefined();
    await expect(readSize(objects(Buffer.from(METADATA)), 'elsewhere')).resolves.toBeUndefined();
  });

  it('reads no file of any size', async () => {
    const large = gzipSync(`${METADATA.slice(0, -1)},"x":"${' '.repeat(33 * 2 ** 20)}"}`);
    await expect(readSize(objects(large), 's3://b/m.gz.metadata.json')).rejects.toThrow('more than 33554432 bytes');
  });
});
