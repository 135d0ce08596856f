import { elementSources, memberSources } from '../json/scan';
import { isObject } from '../json/value';
import { TableMetadataError } from './iceberg-metadata';

/** How much a table holds, as its metadata says it. Nothing else is opened. */
export interface TableSize {
  /** Data files, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Rows, where no delete file takes any away. */
  readonly rows: number;
  /** Delete files, each of which every reader of its data files has to apply. */
  readonly deleteFiles: number;
  readonly snapshots: number;
  /** Data files that came since files were last written anew; all of them where no kept snapshot did so. */
  readonly filesSinceRewrite: number;
}

/** The size of files that a rewrite makes. Its twin is TARGET_BYTES in scripts/glue/lean_ops/maintenance/debt.py. */
export const REWRITTEN_FILE_BYTES = 8 * 2 ** 20;
/** With fewer files nothing is joined. Its twin is MIN_SMALL_FILES there. */
export const LEAST_FILES_TO_JOIN = 4;
/** How many files a delete file counts for. Its twin is _DELETE_FILE_GAIN there. */
export const DELETE_FILE_GAIN = 100;

/**
 * In files, the most that rewriting a table can spare whoever reads it. 0 means that it need not be looked at. The metadata does
 * not say which files are small, nor in which partition they are; the job that rewrites knows, and leaves what gains nothing.
 */
export function mostGain({ files, bytes, deleteFiles, filesSinceRewrite }: TableSize): number {
  const loose = Math.min(files, filesSinceRewrite);
  const joined = Math.max(1, Math.ceil(((bytes / Math.max(1, files)) * loose) / REWRITTEN_FILE_BYTES));
  const spared = loose < LEAST_FILES_TO_JOIN ? 0 : Math.max(0, loose - joined);
  return spared + DELETE_FILE_GAIN * deleteFiles;
}

interface SizedSnapshot {
  readonly parent: string | undefined;
  readonly summary: Readonly<Record<string, unknown>>;
}

/**
 * Reads how much a table holds from the text of its `metadata.json`.
 *
 * @throws TableMetadataError for a text that is no table metadata
 */
export function readTableSize(text: string): TableSize {
  const document = membersOf(text);
  if (!document.has('format-version')) throw new TableMetadataError('no format-version');
  const byId = new Map(snapshotsOf(document.get('snapshots')));
  const current = byId.get(document.get('current-snapshot-id') ?? '');
  const total = (name: string): number => countOf(current?.summary[name]);
  return {
    files: total('total-data-files'),
    bytes: total('total-files-size'),
    rows: total('total-records'),
    deleteFiles: total('total-delete-files'),
    snapshots: byId.size,
    filesSinceRewrite: addedSinceRewrite(current, byId) ?? total('total-data-files'),
  };
}

function* snapshotsOf(source: string | undefined): Generator<[id: string, snapshot: SizedSnapshot]> {
  for (const text of source === undefined ? [] : (elementSources(source) ?? [])) {
    // Ids are taken from the text, as a number of JavaScript rounds their 63 bits.
    const members = membersOf(text);
    const id = members.get('snapshot-id');
    const summary: unknown = JSON.parse(members.get('summary') ?? '{}');
    if (id === undefined) throw new TableMetadataError('a snapshot has no id');
    yield [id, { parent: members.get('parent-snapshot-id'), summary: isObject(summary) ? summary : {} }];
  }
}

function membersOf(text: string): ReadonlyMap<string, string> {
  const members = memberSources(text);
  if (members === undefined) throw new TableMetadataError('it is no JSON object');
  return members;
}

/** Undefined where no kept snapshot has written files anew. */
function addedSinceRewrite(
  current: SizedSnapshot | undefined,
  byId: ReadonlyMap<string, SizedSnapshot>,
): number | undefined {
  let added = 0;
  let snapshot = current;
  // A lineage that is bent into a ring would have no end.
  for (let left = byId.size; left > 0 && snapshot !== undefined; left -= 1) {
    if (snapshot.summary['operation'] === 'replace') return added;
    added += countOf(snapshot.summary['added-data-files']);
    snapshot = byId.get(snapshot.parent ?? '');
  }
  return undefined;
}

/** A count of a summary, which is a text; 0 where it has none. */
function countOf(value: unknown): number {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : 0;
}
