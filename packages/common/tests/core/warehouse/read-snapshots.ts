import type { TableSnapshots } from '../../../src/core/warehouse/iceberg-metadata';
import { SnapshotReader } from '../../../src/core/warehouse/snapshot-reader';

/** Reads the snapshots from the text of a `metadata.json`, as one chunk. */
export function readSnapshots(text: string): TableSnapshots {
  const reader = new SnapshotReader();
  reader.write(Buffer.from(text));
  return reader.end();
}
