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

/** What was appended to a table after a snapshot. */
export interface AddedRecords {
  /** The last snapshot that was counted; undefined for a table without any. */
  readonly toSnapshotId: string | undefined;
  readonly records: number;
  /** When the first of them were committed, in epoch milliseconds; undefined where the metadata does not say. */
  readonly firstCommittedAt: number | undefined;
  /** False when `since` is no ancestor any more (expired, or rolled back): then all remaining snapshots are counted. */
  readonly lineageComplete: boolean;
}

/**
 * Counts the records that were appended after a snapshot, along the parents of the current one. Only appends count, as a
 * compaction (replace) reports added records too and adds none.
 *
 * @param since the id of the snapshot after which to count; undefined for all records
 */
export function recordsAddedSince({ currentId, byId }: TableSnapshots, since: string | undefined): AddedRecords {
  let records = 0;
  let first = Number.POSITIVE_INFINITY;
  let id = currentId;
  // A lineage that is bent into a ring would have no end.
  for (let left = byId.size; left > 0 && id !== undefined && id !== since; left--) {
    const snapshot = byId.get(id);
    if (snapshot === undefined) break;
    if (snapshot.operation === 'append' && snapshot.addedRecords > 0) {
      records += snapshot.addedRecords;
      first = Math.min(first, snapshot.committedAt ?? first);
    }
    id = snapshot.parentId;
  }
  return {
    toSnapshotId: currentId,
    records,
    firstCommittedAt: Number.isFinite(first) ? first : undefined,
    lineageComplete: since === undefined || id === since,
  };
}
