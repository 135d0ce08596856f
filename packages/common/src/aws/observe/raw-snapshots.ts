import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { LeanOpsError } from '../../core/errors';
import { TableMetadataError, type TableSnapshots } from '../../core/warehouse/iceberg-metadata';
import { SnapshotReader } from '../../core/warehouse/snapshot-reader';
import { databaseOf, LAYERS, type Lake } from '../../core/warehouse/tables';
import type { Catalog } from '../catalog';
import type { ObjectStore, OpenObject } from '../objects';

const S3_URI = /^s3a?:\/\/([^/]+)\/(.+)$/;

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
  const [, bucket, key] = S3_URI.exec(location) ?? [];
  const file = bucket !== undefined && key !== undefined ? await objects.open(bucket, key) : undefined;
  if (file === undefined) {
    throw new LeanOpsError(
      'RAW_METADATA_MISSING',
      `${name}: nothing lies at ${location}, where its catalog entry points`,
    );
  }
  return readFile(file, location, maxBytes);
}

async function readFile(file: OpenObject, location: string, maxBytes: number): Promise<RawSnapshots> {
  const reader = new SnapshotReader();
  let bytes = 0;
  for await (const chunk of isCompressed(location) ? uncompressed(file.chunks) : file.chunks) {
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

/** By the names that Iceberg's TableMetadataParser gives, now and in its early versions. */
function isCompressed(location: string): boolean {
  return location.endsWith('.gz.metadata.json') || location.endsWith('.metadata.json.gz');
}

async function* uncompressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  // What breaks in front of gunzip destroys it with the same error, and so comes out of the loop below.
  const fed = pipeline(chunks, gunzip).catch(() => undefined);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (typeof code === 'string' && code.startsWith('Z_')) throw new TableMetadataError('the file is no gzip', error);
    throw error;
  } finally {
    gunzip.destroy();
    await fed;
  }
}
