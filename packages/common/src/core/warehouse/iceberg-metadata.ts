import { LeanOpsError } from '../errors';

/** Thrown for a text that is no Iceberg table metadata: https://iceberg.apache.org/spec/#table-metadata-fields */
export class TableMetadataError extends LeanOpsError {
  override readonly name = 'TableMetadataError';

  constructor(message: string, cause?: unknown) {
    super('TABLE_METADATA', `not Iceberg table metadata: ${message}`, { cause });
  }
}

/** A snapshot of a table. Ids are texts of exact digits, as they have 63 bits and a number would round them. */
export interface Snapshot {
  readonly id: string;
  readonly parentId: string | undefined;
  /** append, replace, overwrite or delete; `unknown` where the summary does not say. */
  readonly operation: string;
  /** When it was committed, in epoch milliseconds; undefined where the metadata does not say. */
  readonly committedAt: number | undefined;
  /** The records that its summary says to have been added, also by a compaction. */
  readonly addedRecords: number;
}

/** The snapshots of a table. */
export interface TableSnapshots {
  /** undefined for a table without any. */
  readonly currentId: string | undefined;
  readonly byId: ReadonlyMap<string, Snapshot>;
}

/** A count of appended records. */
export interface AddedRecords {
  /** The last snapshot that was counted; undefined for a table without any. */
  readonly toSnapshotId: string | undefined;
  readonly records: number;
  /** False when `since` is no ancestor any more (expired, or rolled back): then all remaining snapshots are counted. */
  readonly lineageComplete: boolean;
}

/** A commit that appended records. */
export interface Append {
  /** When, in epoch milliseconds; undefined where the metadata does not say. */
  readonly committedAt: number | undefined;
  readonly records: number;
}

/**
 * The commits that appended records after a snapshot, along the parents of the current one, newest first. Only appends
 * count, as a compaction (replace) reports added records too and adds none.
 *
 * @param since the id of the snapshot after which to look; undefined for all of them
 */
export function appendsSince(snapshots: TableSnapshots, since: string | undefined): Append[] {
  return walkBack(snapshots, since).appends;
}

/**
 * Counts the records that were appended after a snapshot.
 *
 * @param since the id of the snapshot after which to count; undefined for all records
 */
export function recordsAddedSince(snapshots: TableSnapshots, since: string | undefined): AddedRecords {
  const { appends, endedAt } = walkBack(snapshots, since);
  return {
    toSnapshotId: snapshots.currentId,
    records: appends.reduce((sum, { records }) => sum + records, 0),
    lineageComplete: since === undefined || endedAt === since,
  };
}

/** The appends after a snapshot, newest first, and the id at which the walk along the parents ended. */
function walkBack(
  { currentId, byId }: TableSnapshots,
  since: string | undefined,
): { readonly appends: Append[]; readonly endedAt: string | undefined } {
  const appends: Append[] = [];
  let id = currentId;
  // A lineage that is bent into a ring would have no end.
  for (let left = byId.size; left > 0 && id !== undefined && id !== since; left--) {
    const snapshot = byId.get(id);
    if (snapshot === undefined) break;
    const records = snapshot.operation === 'append' ? snapshot.addedRecords : 0;
    if (records > 0) appends.push({ committedAt: snapshot.committedAt, records });
    id = snapshot.parentId;
  }
  return { appends, endedAt: id };
}
