import type { ByteStore, Clock, DocumentStore, Log, MetricsPort, ObjectStore } from '@lean-ops/common/aws';
import {
  absent,
  ERROR_OBJECTS,
  isOwnCode,
  LeanOpsError,
  mapLimit,
  messageOf,
  RECORDED_CODES,
} from '@lean-ops/common/core';
import type { Config } from './config';
import { inventoryOf, oversizedInventory, type EntryDraft, type Inventory } from './inventory';
import { isErrorKey } from './request';

/** A sweep that has less time left than this begins no further object. */
const SWEEP_RESERVE_MS = 60_000;
/** Number of objects that a sweep puts on record at a time, at most. */
const SWEEP_CONCURRENCY = 4;

export interface Collaborators {
  readonly bytes: ByteStore;
  readonly objects: Pick<ObjectStore, 'list'>;
  readonly documents: Pick<DocumentStore, 'get' | 'put' | 'update' | 'query'>;
  readonly log: Log;
  readonly metrics: MetricsPort;
  readonly clock: Clock;
}

export type Recorded =
  | { readonly outcome: 'RECORDED'; readonly entries: number; readonly records: number; readonly unreadable: number }
  | { readonly outcome: 'KNOWN' }
  /** Somebody deleted the object, so that its contents cannot be put on record. */
  | { readonly outcome: 'GONE' };

/** The index key of the marker that says that an error object is on record as a whole. */
export function markerKey(key: string) {
  // A key of S3 has at most 1,024 bytes, and so may a sort key.
  return { topic_name: ERROR_OBJECTS, failed_at_message_id: key };
}

export interface ErrorObject {
  readonly inventory: Inventory;
  readonly etag: string;
  /** Undefined when the object is too large to be read. */
  readonly bytes: Buffer | undefined;
}

/** Reads and counts an error object; undefined when it does not exist. */
export async function readErrorObject(
  key: string,
  { archiveBucket, maxObjectBytes }: Pick<Config, 'archiveBucket' | 'maxObjectBytes'>,
  { bytes }: Pick<Collaborators, 'bytes'>,
): Promise<ErrorObject | undefined> {
  const found = await bytes.get(archiveBucket, key, maxObjectBytes);
  if (found === undefined) return undefined;
  const writtenAt = found.lastModified?.getTime() ?? 0;
  const etag = found.etag.replace(/^"|"$/g, '');
  return found.ok
    ? { inventory: inventoryOf(key, found.bytes, writtenAt), etag, bytes: found.bytes }
    : { inventory: oversizedInventory(key, found.size, writtenAt), etag, bytes: undefined };
}

function recordsByCode(drafts: readonly EntryDraft[]): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const { error_code: code, records } of drafts) codes[code] = (codes[code] ?? 0) + records;
  return codes;
}

/**
 * True when the error object is on record as a whole.
 *
 * @param etag the ETag of the object as it is now; undefined when a record of any state of the object will do
 */
export async function isOnRecord(
  key: string,
  etag: string | undefined,
  { archiveTable }: Pick<Config, 'archiveTable'>,
  { documents }: Pick<Collaborators, 'documents'>,
): Promise<boolean> {
  const marker = await documents.get(archiveTable, markerKey(key));
  return marker !== undefined && (etag === undefined || marker['etag'] === etag);
}

/**
 * Writes the codes, the entries, and then the marker, which says that all entries are there. An existing entry stays as it
 * is, with whatever a resend has noted in it. The codes come first, so that no entry has a code which nobody can find.
 */
export async function putOnRecord(
  key: string,
  { inventory, etag }: ErrorObject,
  config: Pick<Config, 'archiveTable' | 'concurrency'>,
  { documents, log, metrics, clock }: Collaborators,
): Promise<Recorded> {
  const archivedAt = new Date(clock.now()).toISOString();
  const { drafts, items, records, dataFiles, unreadable } = inventory;
  for (const code of new Set(drafts.map(({ error_code: code }) => code).filter((code) => !isOwnCode(code)))) {
    const item = { topic_name: RECORDED_CODES, failed_at_message_id: code, recorded_at: archivedAt };
    await documents.put(config.archiveTable, item, absent('topic_name'));
  }
  const fresh = await mapLimit(drafts, config.concurrency, async (draft) =>
    documents.put(config.archiveTable, { ...draft, archived_at: archivedAt }, absent('topic_name')),
  );
  await documents.put(config.archiveTable, {
    ...markerKey(key),
    etag,
    recorded_at: archivedAt,
    parts: items,
    records,
    data_files: dataFiles,
    unreadable,
  });
  const line = {
    s3_key: key,
    parts: items,
    records,
    data_files: dataFiles,
    unreadable,
    entries: drafts.length,
    new_entries: fresh.filter(Boolean).length,
    topics: new Set(drafts.map(({ topic_name: topic }) => topic)).size,
    error_codes: recordsByCode(drafts),
  };
  if (unreadable > 0) log.warn('error object on record', line);
  else log.info('error object on record', line);
  metrics.count('RecordedObjects');
  metrics.count('RecordedRecords', records);
  metrics.count('RecordedFiles', dataFiles);
  metrics.count('Unreadable', unreadable);
  return { outcome: 'RECORDED', entries: drafts.length, records, unreadable };
}

/**
 * Puts one error object on record. A repeated call changes nothing; an object that was overwritten is read again.
 *
 * @throws whatever S3 and DynamoDB throw, so that Lambda runs it again; never because of what the object holds
 */
export async function recordObject(
  key: string,
  etag: string | undefined,
  config: Config,
  collaborators: Collaborators,
): Promise<Recorded> {
  if (await isOnRecord(key, etag, config, collaborators)) return { outcome: 'KNOWN' };
  const object = await readErrorObject(key, config, collaborators);
  if (object === undefined) {
    collaborators.log.error('error object is gone; what it held is not on record', { s3_key: key });
    return { outcome: 'GONE' };
  }
  return putOnRecord(key, object, config, collaborators);
}

export interface SweepSummary {
  readonly action: 'sweep';
  readonly objects: number;
  readonly known: number;
  readonly recorded: number;
  /** Objects that there was no time for; the next sweep goes on with them. */
  readonly left: number;
}

/**
 * Puts every error object on record that is not there yet. It catches the objects whose events were lost.
 *
 * @throws LeanOpsError ERROR_OBJECTS_NOT_RECORDED when an object could not be put on record, after all others were done
 */
export async function sweep(
  config: Config,
  remainingMs: () => number,
  collaborators: Collaborators,
): Promise<SweepSummary> {
  const { archiveBucket, errorPrefix, concurrency } = config;
  const location = { bucket: archiveBucket, prefix: errorPrefix };
  const listed = await collaborators.objects.list(archiveBucket, errorPrefix);
  const keys = listed.map(({ key }) => key).filter((key) => isErrorKey(key, location));
  const count = { known: 0, recorded: 0, left: 0 };
  const failures: unknown[] = [];
  await mapLimit(keys, Math.min(concurrency, SWEEP_CONCURRENCY), async (key) => {
    if (remainingMs() < SWEEP_RESERVE_MS) {
      count.left++;
      return;
    }
    try {
      const { outcome } = await recordObject(key, undefined, config, collaborators);
      if (outcome === 'KNOWN') count.known++;
      if (outcome === 'RECORDED') count.recorded++;
    } catch (error) {
      failures.push(error);
      collaborators.log.error('error object not put on record', { s3_key: key, error });
    }
  });
  const summary: SweepSummary = { action: 'sweep', objects: keys.length, ...count };
  // A sweep finds what the events missed, which is worth a look when it happens often.
  if (count.recorded + count.left > 0) collaborators.log.warn('error prefix swept', { ...summary });
  else collaborators.log.info('error prefix swept', { ...summary });
  collaborators.metrics.count('SweptUp', count.recorded);
  collaborators.metrics.count('SweepLeft', count.left);
  if (failures.length > 0) {
    throw new LeanOpsError(
      'ERROR_OBJECTS_NOT_RECORDED',
      `${failures.length} of ${keys.length} error objects were not put on record: ${messageOf(failures[0])}`,
      { cause: failures[0] },
    );
  }
  return summary;
}
