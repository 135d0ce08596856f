import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { TableMetadataError } from '../../core/warehouse/iceberg-metadata';
import { readTableHistory, type TableHistory } from '../../core/warehouse/table-history';
import { readTableSize, type TableSize } from '../../core/warehouse/table-size';
import type { ObjectStore } from '../objects';

const S3_URI = /^s3a?:\/\/([^/]+)\/(.+)$/;

/** A table's metadata file that is open. */
export interface OpenMetadata {
  /** The size of the file as it lies there, which may be compressed. */
  readonly bytes: number;
  /** The bytes, uncompressed. Reading them throws TableMetadataError where the file is no gzip and its name says so. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Opens a table's metadata file; undefined when nothing lies there.
 *
 * @param location its S3 URI, as the table's entry in the catalog has it
 */
export async function openMetadata(
  objects: Pick<ObjectStore, 'open'>,
  location: string,
): Promise<OpenMetadata | undefined> {
  const [, bucket, key] = S3_URI.exec(location) ?? [];
  const file = bucket !== undefined && key !== undefined ? await objects.open(bucket, key) : undefined;
  if (file === undefined || !isCompressed(location)) return file;
  return { bytes: file.bytes, chunks: uncompressed(file.chunks) };
}

/** The most bytes of a topic's table metadata that are read, uncompressed. 125 KB are what a hundred snapshots take. */
const MAX_BYTES = 32 * 2 ** 20;

/**
 * Reads how much a table holds; undefined when nothing lies at the location.
 *
 * @throws TableMetadataError for a file that is no table metadata, or has more than 32 MiB
 */
export async function readSize(objects: Pick<ObjectStore, 'open'>, location: string): Promise<TableSize | undefined> {
  const text = await readMetadataText(objects, location);
  return text === undefined ? undefined : readTableSize(text);
}

/** Reads the history of a table; otherwise as `readSize`. */
export async function readHistory(
  objects: Pick<ObjectStore, 'open'>,
  location: string,
): Promise<TableHistory | undefined> {
  const text = await readMetadataText(objects, location);
  return text === undefined ? undefined : readTableHistory(text);
}

async function readMetadataText(objects: Pick<ObjectStore, 'open'>, location: string): Promise<string | undefined> {
  const file = await openMetadata(objects, location);
  if (file === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of file.chunks) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new TableMetadataError(`it has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
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
