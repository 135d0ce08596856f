import { LeanOpsError } from '../errors';
import { isObject, type JsonObject } from '../json/value';

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
  readonly summary: Readonly<Record<string, string>>;
}

/** The snapshots of a table. */
export interface TableSnapshots {
  /** undefined for a table without any. */
  readonly currentId: string | undefined;
  readonly byId: ReadonlyMap<string, Snapshot>;
}

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses JSON with every integer of 16 digits and more as a string of its exact digits. */
export function parseExact(text: string): unknown {
  return JSON.parse(text.replace(STRING_OR_NUMBER, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token)));
}

function idOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  // For the current snapshot -1 means that there is none, as absence does.
  return typeof value === 'number' && value >= 0 ? String(value) : undefined;
}

function snapshotOf(value: JsonObject): Snapshot | undefined {
  const id = idOf(value['snapshot-id']);
  if (id === undefined) return undefined;
  const summary = isObject(value['summary']) ? value['summary'] : {};
  return {
    id,
    parentId: idOf(value['parent-snapshot-id']),
    operation: typeof summary['operation'] === 'string' ? summary['operation'] : 'unknown',
    committedAt: typeof value['timestamp-ms'] === 'number' ? value['timestamp-ms'] : undefined,
    summary: Object.fromEntries(Object.entries(summary).map(([name, entry]) => [name, String(entry)])),
  };
}

/**
 * Reads the snapshots from the text of a `metadata.json`.
 *
 * @throws TableMetadataError for a text that is none
 */
export function readSnapshots(text: string): TableSnapshots {
  let document: unknown;
  try {
    document = parseExact(text);
  } catch (error) {
    throw new TableMetadataError('the text is no JSON', error);
  }
  if (!isObject(document) || typeof document['format-version'] !== 'number') {
    throw new TableMetadataError('no format-version');
  }
  const listed: unknown[] = Array.isArray(document['snapshots']) ? document['snapshots'] : [];
  const snapshots = listed.filter(isObject).map(snapshotOf);
  return {
    currentId: idOf(document['current-snapshot-id']),
    byId: new Map(snapshots.flatMap((snapshot) => (snapshot ? [[snapshot.id, snapshot]] : []))),
  };
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
  const seen = new Set<string>();
  while (id !== undefined && id !== since && !seen.has(id)) {
    seen.add(id);
    const snapshot = byId.get(id);
    if (snapshot === undefined) break;
    const records = snapshot.operation === 'append' ? addedRecords(snapshot) : 0;
    if (records > 0) appends.push({ committedAt: snapshot.committedAt, records });
    id = snapshot.parentId;
  }
  return { appends, endedAt: id };
}

/**
 * The records of an append. The spec lets it omit the number, and then it counts as one, so that it is not overlooked.
 */
function addedRecords({ summary }: Snapshot): number {
  const text = summary['added-records'];
  const added = text === undefined ? Number.NaN : Number(text);
  if (Number.isFinite(added)) return added;
  return summary['added-data-files'] === undefined || summary['added-data-files'] === '0' ? 0 : 1;
}
