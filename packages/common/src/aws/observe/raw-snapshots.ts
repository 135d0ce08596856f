import { LeanOpsError } from '../../core/errors';
import { readSnapshots, type TableSnapshots } from '../../core/warehouse/iceberg-metadata';
import { databaseOf, LAYERS, type Lake } from '../../core/warehouse/tables';
import type { Catalog } from '../catalog';
import type { ObjectStore } from '../objects';

const S3_URI = /^s3a?:\/\/([^/]+)\/(.+)$/;

/**
 * Reads RAW's snapshots from its metadata file. No query runs, and no data file is opened.
 *
 * @throws LeanOpsError RAW_TABLE_MISSING, RAW_METADATA_MISSING; TableMetadataError for a file that is no table metadata
 */
export async function readRawSnapshots(
  lake: Lake,
  rawTable: string,
  { catalog, objects }: { readonly catalog: Catalog; readonly objects: Pick<ObjectStore, 'get'> },
): Promise<TableSnapshots> {
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
  const file = bucket !== undefined && key !== undefined ? await objects.get(bucket, key) : undefined;
  if (file === undefined) {
    throw new LeanOpsError(
      'RAW_METADATA_MISSING',
      `${name}: nothing lies at ${location}, where its catalog entry points`,
    );
  }
  return readSnapshots(file.body);
}
