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

/**
 * Counts the records that were appended after a snapshot, along the parents of the current one. Only appends count, as
 * a compaction (replace) reports added records too and adds none.
 *
 * @param since the id of the snapshot after which to count; undefined for all records
 */
export function recordsAddedSince({ currentId, byId }: TableSnapshots, since: string | undefined): AddedRecords {
  let records = 0;
  let id = currentId;
  const seen = new Set<string>();
  while (id !== undefined && id !== since && !seen.has(id)) {
    seen.add(id);
    const snapshot = byId.get(id);
    if (snapshot === undefined) break;
    if (snapshot.operation === 'append') records += addedRecords(snapshot);
    id = snapshot.parentId;
  }
  return { toSnapshotId: currentId, records, lineageComplete: since === undefined || id === since };
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
