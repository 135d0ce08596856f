/** Table metadata as Firehose leaves it: a snapshot for each commit, with the summary that Iceberg writes. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';

const WAREHOUSE = 's3://lean-ops-lake/warehouse/lean_ops_raw/events';
const FIRST_COMMIT = Date.parse('2026-01-01T00:00:00Z');
const COMMIT_EVERY_MS = 60_000;
const RECORDS = 500;
const FILE_BYTES = 104_857;

/** The id of the n-th snapshot: 63 bits that look drawn, and the same in each run. */
export function snapshotId(n: number): string {
  return String((BigInt(n + 1) * 0x9e3779b97f4a7c15n) & ((1n << 63n) - 1n));
}

function snapshot(n: number): string {
  const id = snapshotId(n);
  const parent = n === 0 ? '' : `"parent-snapshot-id":${snapshotId(n - 1)},`;
  const summary = {
    operation: 'append',
    'added-data-files': '1',
    'added-records': String(RECORDS),
    'added-files-size': String(FILE_BYTES),
    'changed-partition-count': '1',
    'total-records': String((n + 1) * RECORDS),
    'total-files-size': String((n + 1) * FILE_BYTES),
    'total-data-files': String(n + 1),
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
    'iceberg-version': 'Apache Iceberg 1.6.1 (commit 8e9d59d299be42b0bca9461457cd1e95dbaad086)',
  };
  const list = `${WAREHOUSE}/metadata/snap-${id}-1-5a1a2c8e-6f3e-4b53-9d6b-3c7d8e1f2a3b.avro`;
  return (
    `{"sequence-number":${n + 1},"snapshot-id":${id},${parent}"timestamp-ms":${committedAt(n)},` +
    `"summary":${JSON.stringify(summary)},"manifest-list":"${list}","schema-id":0}`
  );
}

function committedAt(n: number): number {
  return FIRST_COMMIT + n * COMMIT_EVERY_MS;
}

/** Writes the metadata of a table with so many snapshots, its members in Iceberg's own order. */
export async function writeMetadata(file: string, snapshots: number): Promise<void> {
  const out = createWriteStream(file);
  const write = async (text: string): Promise<void> => {
    if (!out.write(text)) await once(out, 'drain');
  };
  const current = snapshotId(snapshots - 1);
  await write(
    `{"format-version":2,"table-uuid":"5a1a2c8e-6f3e-4b53-9d6b-3c7d8e1f2a3b","location":"${WAREHOUSE}",` +
      `"last-sequence-number":${snapshots},"last-updated-ms":${committedAt(snapshots - 1)},"last-column-id":1,` +
      '"current-schema-id":0,"schemas":[{"type":"struct","schema-id":0,"fields":[' +
      '{"id":1,"name":"topic_name","required":false,"type":"string"}]}],"default-spec-id":0,"partition-specs":[' +
      '{"spec-id":0,"fields":[]}],"last-partition-id":999,"default-sort-order-id":0,"sort-orders":[' +
      `{"order-id":0,"fields":[]}],"properties":{},"current-snapshot-id":${current},` +
      `"refs":{"main":{"snapshot-id":${current},"type":"branch"}},"snapshots":[`,
  );
  for (let n = 0; n < snapshots; n++) await write(`${n > 0 ? ',' : ''}${snapshot(n)}`);
  await write('],"statistics":[],"partition-statistics":[],"snapshot-log":[');
  for (let n = 0; n < snapshots; n++) {
    await write(`${n > 0 ? ',' : ''}{"timestamp-ms":${committedAt(n)},"snapshot-id":${snapshotId(n)}}`);
  }
  await write('],"metadata-log":[]}');
  out.end();
  await once(out, 'finish');
}
