import { LeanOpsError } from '../../core/errors';
import type { TableSnapshots } from '../../core/warehouse/iceberg-metadata';
import { SnapshotReader } from '../../core/warehouse/snapshot-reader';
import { databaseOf, LAYERS, type Lake } from '../../core/warehouse/tables';
import type { Catalog } from '../catalog';
import type { ObjectStore } from '../objects';
import { openMetadata, type OpenMetadata } from './table-metadata';

/**
 * The most bytes of metadata that are read, uncompressed: about 700,000 snapshots, which a commit a minute makes in 16
 * months. A function with 512 MB reads them in about half a minute of its 60 seconds, and holds 200 MB.
 * docs/decisions/0038-reading-what-grows.md has what was measured.
 */
export const MAX_METADATA_BYTES = 512 * 2 ** 20;

/** Thrown for metadata of more than MAX_METADATA_BYTES. */
export class RawMetadataTooLargeError extends LeanOpsError {
  override readonly name = 'RawMetadataTooLargeError';

  constructor(
    location: string,
    /** How many bytes it has at the least. */
    readonly bytes: number,
    limit: number,
  ) {
    super(
      'RAW_METADATA_TOO_LARGE',
      `the metadata of RAW at ${location} has more than ${limit} bytes, as its snapshots were not expired for long: ` +
        'docs/runbooks/raw-metadata.md says how to expire them. No row is lost',
      { data: { bytes, limit } },
    );
  }
}

/** RAW's snapshots, and how large the metadata is that lists them. */
export interface RawSnapshots extends TableSnapshots {
  /** The size of the metadata, without compression. */
  readonly metadataBytes: number;
}

/**
 * Reads RAW's snapshots from its metadata file, as a stream. No query runs, and no data file is opened.
 *
 * @param maxBytes see MAX_METADATA_BYTES
 * @throws LeanOpsError RAW_TABLE_MISSING, RAW_METADATA_MISSING; RawMetadataTooLargeError; TableMetadataError for a file that
 *   is no table metadata
 */
export async function readRawSnapshots(
  lake: Lake,
  rawTable: string,
  { catalog, objects }: { readonly catalog: Catalog; readonly objects: Pick<ObjectStore, 'open'> },
  maxBytes = MAX_METADATA_BYTES,
): Promise<RawSnapshots> {
  const database = databaseOf(lake, LAYERS.raw);
  const name = `${database}.${rawTable}`;
  const location = (await catalog.getTable(database, rawTable))?.metadataLocation;
  if (location === undefined) {
    throw new LeanOpsError(
      'RAW_TABLE_MISSING',
      `${name} is no Iceberg table in the catalog: invoke table-provisioner with {"action":"system"}`,
    );
  }
  const file = await openMetadata(objects, location);
  if (file === undefined) {
    throw new LeanOpsError(
      'RAW_METADATA_MISSING',
      `${name}: nothing lies at ${location}, where its catalog entry points`,
    );
  }
  return readFile(file, location, maxBytes);
}

async function readFile(file: OpenMetadata, location: string, maxBytes: number): Promise<RawSnapshots> {
  const reader = new SnapshotReader();
  let bytes = 0;
  for await (const chunk of file.chunks) {
    bytes += chunk.length;
    if (Math.max(bytes, file.bytes) > maxBytes) {
      throw new RawMetadataTooLargeError(location, Math.max(bytes, file.bytes), maxBytes);
    }
    reader.write(chunk);
    // What follows in Iceberg's own order is a log of the same snapshots.
    if (reader.complete) break;
  }
  return { ...reader.end(), metadataBytes: Math.max(bytes, file.bytes) };
}
