import { frameDelivery } from '@lean-ops/common/aws';
import type { RecordStream, StreamErrorEntry } from '@lean-ops/common/aws';
import {
  deliver,
  LeanOpsError,
  mapLimit,
  messageOf,
  present,
  UNKNOWN_TOPIC,
  type DeliveryContext,
  type Document,
} from '@lean-ops/common/core';
import type { Config } from './config';
import { openDataFile } from './data-file';
import { groupOf, type EntryDraft } from './inventory';
import { errorItemsOf, type ErrorItem } from './error-items';
import { isOnRecord, putOnRecord, readErrorObject, type Collaborators, type ErrorObject } from './record-objects';
import { isErrorKey, type EntryName, type ResendRequest } from './request';
import { positionText, START, Walk, type Place, type Position, type Step } from './resend-position';
import { sendableOf } from './sendable';
import { Tally, type ResendSummary } from './resend-tally';

/** Frames that are held in memory at a time. */
const BATCH = { maxCount: 4_000, maxBytes: 16 * 1024 * 1024 } as const;
/** Milliseconds of Lambda's time that are kept for noting the result in the index and for the answer. */
export const RESERVE_MS = 30_000;
const SEND_CONCURRENCY = 4;
const SEND_ATTEMPTS = 8;
const BACKOFF = { baseMs: 200, capMs: 5_000 } as const;
const CALL_TIMEOUT_MS = 10_000;
const MAX_FILE_NAME = 300;
const MAX_REASON = 200;

export interface ResendCollaborators extends Collaborators {
  readonly stream: RecordStream;
  /** A random number, uniform in [0, 1). */
  readonly random: () => number;
}

/** One request to resend, with everything that its steps need. */
export interface ResendJob {
  readonly request: ResendRequest;
  readonly config: Config;
  /** Its time ends when the results must be noted in the index. */
  readonly context: DeliveryContext;
  readonly collaborators: ResendCollaborators;
}

interface Waiting {
  readonly group: string;
  readonly step: Step;
  readonly frame: Buffer;
}

/** What became of the records of one object, and where the first is that is left. */
class Counts {
  readonly tally = new Tally();
  readonly walk: Walk;

  constructor(walk: Walk) {
    this.walk = walk;
  }

  refused(group: string, step: Step, code: string, reason: string): void {
    this.walk.refused(step);
    this.tally.refused(group, code, reason);
  }

  left(group: string, step: Step, code: string, reason: string): void {
    this.walk.left(step);
    this.tally.left(group, code, reason);
  }
}

/** Gathers frames, hands them to the stream in batches, and counts what became of each. */
class Sender {
  readonly #resend: ResendJob;
  readonly #counts: Counts;
  #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(resend: ResendJob, counts: Counts) {
    this.#resend = resend;
    this.#counts = counts;
  }

  async add(group: string, step: Step, frame: Buffer): Promise<void> {
    this.#waiting.push({ group, step, frame });
    this.#bytes += frame.length;
    if (this.#waiting.length >= BATCH.maxCount || this.#bytes >= BATCH.maxBytes) await this.flush();
  }

  async flush(): Promise<void> {
    const items = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    const { request, config, context, collaborators } = this.#resend;
    if (request.dryRun) {
      for (const { group, step } of items) this.#counts.left(group, step, 'DRY_RUN', 'nothing was sent');
      return;
    }
    const report = await deliver(
      items,
      {
        ...frameDelivery(collaborators.stream),
        concurrency: Math.min(config.concurrency, SEND_CONCURRENCY),
        maxAttempts: SEND_ATTEMPTS,
        backoff: BACKOFF,
        callTimeoutMs: CALL_TIMEOUT_MS,
      },
      context,
    );
    for (const { group } of report.taken) this.#counts.tally.resent(group);
    for (const { item, code, message } of report.left) this.#counts.left(item.group, item.step, code, message);
  }
}

async function sendDataFile(
  name: string,
  { item, file: index }: Pick<Place, 'item' | 'file'>,
  group: string,
  resend: ResendJob,
  counts: Counts,
  sender: Sender,
): Promise<void> {
  const { walk } = counts;
  const { from } = walk;
  // Rows before the position are read once more, and not sent.
  const start = item === from.item && index === from.file ? from.row : 0;
  const step = (row: number): Step => walk.step({ item, file: index, row });
  if (resend.context.remainingMs() <= 0) {
    counts.left(group, step(start), 'OUT_OF_TIME', 'a data file was not read');
    return;
  }
  const file = await openDataFile(name, resend.config, resend.collaborators.bytes);
  if (!file.ok) {
    counts.refused(group, step(start), file.code, `${name.slice(0, MAX_FILE_NAME)}: ${file.message}`);
    return;
  }
  let read = 0;
  const rest = function* (): Generator<Step> {
    for (let row = Math.max(read, start); row < file.rows; row++) yield step(row);
  };
  try {
    for await (const rows of file.slices()) {
      if (resend.context.remainingMs() <= 0) break;
      for (const row of rows) {
        const at = read++;
        if (at < start) continue;
        if (row.ok) await sender.add(group, step(at), row.frame);
        else counts.refused(group, step(at), row.code, row.message);
      }
    }
    for (const one of rest()) counts.left(group, one, 'OUT_OF_TIME', 'a data file was not read to its end');
  } catch (error) {
    const message = `${name.slice(0, MAX_FILE_NAME)}: ${messageOf(error).slice(0, MAX_REASON)}`;
    for (const one of rest()) counts.refused(group, one, 'DATA_FILE_UNREADABLE', message);
  }
}

/** @param index of the item in its object */
async function sendItem(
  item: ErrorItem,
  index: number,
  wanted: ReadonlySet<string>,
  resend: ResendJob,
  counts: Counts,
  sender: Sender,
) {
  const { walk } = counts;
  if (item.kind === 'records') {
    const sendable = sendableOf(item.raw);
    const group = groupOf(sendable.ok ? sendable.topic : UNKNOWN_TOPIC, item);
    if (!wanted.has(group)) return;
    const step = walk.step({ item: index, file: 0, row: 0 });
    if (sendable.ok) await sender.add(group, step, sendable.frame);
    else counts.refused(group, step, sendable.code, sendable.message);
    return;
  }
  const group = groupOf(UNKNOWN_TOPIC, item);
  if (!wanted.has(group)) return;
  if (item.kind === 'unreadable') {
    counts.refused(group, walk.step({ item: index, file: 0, row: 0 }), item.code, item.message);
    return;
  }
  const first = index === walk.from.item ? walk.from.file : 0;
  for (const [file, name] of item.files.entries()) {
    if (file >= first) await sendDataFile(name, { item: index, file }, group, resend, counts, sender);
  }
}

function keyOf({ topic_name, failed_at_message_id }: EntryDraft) {
  return { topic_name, failed_at_message_id };
}

function isWanted(
  { topic_name: topic, error_code: code, failed_at_message_id: entry }: EntryDraft,
  { what, errorCode }: ResendRequest,
): boolean {
  if (errorCode !== undefined && code !== errorCode) return false;
  return 'key' in what || (topic === what.topic && (!('entry' in what) || entry === what.entry));
}

/** Whether people have said that it is not to be sent again. */
function isDiscarded(entry: Document | undefined): boolean {
  return entry?.['discarded_at'] !== undefined;
}

const groupOfDraft = (draft: EntryDraft): string =>
  groupOf(draft.topic_name, { kind: draft.kind, code: draft.error_code });

async function noteResend(
  drafts: readonly EntryDraft[],
  { tally, walk }: Counts,
  { request, config, collaborators }: ResendJob,
): Promise<void> {
  const { documents, clock } = collaborators;
  const { seen, refused } = walk.from;
  const next = 'entry' in request.what ? walk.next() : undefined;
  const now = new Date(clock.now()).toISOString();
  await mapLimit(drafts, config.concurrency, async (draft) => {
    const { resent, refused: refusedNow, left, note } = tally.of(groupOfDraft(draft));
    const open = refused + refusedNow + left;
    // What is left now was refused, and would be the next time: all else is in the stream.
    const state = open === 0 ? { resent_at: now } : left === 0 ? { resend_ended_at: now } : {};
    const set = {
      resent_records: seen - refused + resent,
      resend_left: open,
      ...state,
      ...(note !== '' && { resend_note: note }),
      ...(next && { resend_next: positionText(next) }),
    };
    const remove = [
      ...(open === 0 ? ['resend_note'] : []),
      ...(open > 0 && left === 0 ? [] : ['resend_ended_at']),
      ...(next ? [] : ['resend_next']),
    ];
    await documents.update(config.archiveTable, keyOf(draft), { set, remove }, present('topic_name'));
  });
}

async function resendItems(
  object: ErrorObject & { readonly bytes: Buffer },
  open: readonly EntryDraft[],
  resend: ResendJob,
  counts: Counts,
) {
  const wanted = new Set(open.map(groupOfDraft));
  const sender = new Sender(resend, counts);
  let index = 0;
  for (const item of errorItemsOf(object.bytes)) {
    if (index >= counts.walk.from.item) await sendItem(item, index, wanted, resend, counts, sender);
    index += 1;
  }
  await sender.flush();
}

/**
 * Sends the wanted records of one error object again. The entries are marked as resent only after the stream has confirmed
 * that it has the records.
 *
 * @returns where the first record is that is left; undefined when none is
 */
async function resendObject(key: string, resend: ResendJob, total: Tally): Promise<Position | undefined> {
  const { request, config, collaborators } = resend;
  const object = await readErrorObject(key, config, collaborators);
  if (object === undefined) {
    total.refused(key, 'ERROR_OBJECT_GONE', `${key} is not there any more`);
    return undefined;
  }
  const drafts = object.inventory.drafts.filter((draft) => isWanted(draft, request));
  // An entry can be marked only when it is on record, whether or not the object's event ever came.
  if (!request.dryRun && !(await isOnRecord(key, object.etag, config, collaborators))) {
    await putOnRecord(key, object, config, collaborators);
  }
  const stored = await mapLimit(drafts, config.concurrency, async (draft) =>
    collaborators.documents.get(config.archiveTable, keyOf(draft)),
  );
  const open = drafts.filter((_, index) => stored[index]?.['resent_at'] === undefined && !isDiscarded(stored[index]));
  const counts = new Counts(new Walk(request.from ?? START));
  const { tally } = counts;
  drafts.forEach((draft, index) => {
    if (stored[index]?.['resent_at'] !== undefined) tally.already(draft.records);
  });
  const { bytes } = object;
  if (bytes !== undefined) await resendItems({ ...object, bytes }, open, resend, counts);
  else for (const draft of open) tally.refused(groupOfDraft(draft), draft.error_code, draft.error_message);
  if (!request.dryRun) await noteResend(open, counts, resend);
  collaborators.log.info('error object sent again', { s3_key: key, dry_run: request.dryRun, ...tally.sums() });
  total.add(tally);
  return counts.walk.next();
}

/** The error object of one entry. @throws LeanOpsError BAD_REQUEST when the index has no such entry */
async function keyOfEntry(
  { topic, entry }: EntryName,
  { archiveTable, errorPrefix, archiveBucket }: Config,
  { documents }: ResendCollaborators,
): Promise<string> {
  const found = await documents.get(archiveTable, { topic_name: topic, failed_at_message_id: entry });
  const key = found?.['s3_key'];
  if (typeof key === 'string' && isErrorKey(key, { bucket: archiveBucket, prefix: errorPrefix })) return key;
  throw new LeanOpsError(
    'BAD_REQUEST',
    `stream-error-reader: the index has no entry ${entry} of ${topic} from Firehose`,
  );
}

/** The keys of the error objects with wanted entries that were not resent yet, oldest first. */
async function openKeys({ request, config, collaborators }: ResendJob): Promise<readonly string[]> {
  if ('key' in request.what) return [request.what.key];
  if ('entry' in request.what) return [await keyOfEntry(request.what, config, collaborators)];
  const from = { topic_name: request.what.topic, failed_at_message_id: request.what.since };
  const keys = new Set<string>();
  let after: Awaited<ReturnType<typeof collaborators.documents.query>>['next'];
  do {
    const page = await collaborators.documents.query(config.archiveTable, from, after);
    for (const document of page.documents) {
      // putOnRecord wrote this entry, or dlq-archiver did, whose entries have no origin.
      const entry = document as unknown as Partial<StreamErrorEntry>;
      if (entry.origin !== 'firehose' || entry.resent_at !== undefined || entry.s3_key === undefined) continue;
      if (isDiscarded(document)) continue;
      if (request.errorCode === undefined || entry.error_code === request.errorCode) keys.add(entry.s3_key);
    }
    after = page.next;
  } while (after !== undefined);
  return [...keys];
}

/**
 * Puts what Firehose could not deliver into the stream again, one error object after the other, for as long as there is
 * time. A copy of a record that did arrive is harmless, because Standardized keeps one.
 *
 * @throws whatever S3 and DynamoDB throw; entries marked until then stay marked, and the same request goes on from there
 */
export async function resend(job: ResendJob): Promise<ResendSummary> {
  const { request, context, collaborators } = job;
  const keys = await openKeys(job);
  const total = new Tally();
  let done = 0;
  let next: Position | undefined;
  for (const key of keys) {
    if (context.remainingMs() <= 0) break;
    next = await resendObject(key, job, total);
    done++;
  }
  const summary: ResendSummary = {
    action: 'resend',
    dry_run: request.dryRun,
    objects: done,
    objects_left: keys.length - done,
    ...total.sums(),
    ...('entry' in request.what && !request.dryRun && next && { next: positionText(next) }),
  };
  collaborators.log.info('resend ended', { ...summary });
  const { metrics } = collaborators;
  if (!request.dryRun) {
    metrics.count('Resent', summary.resent);
    metrics.count('ResendRefused', summary.refused_records);
    metrics.count('ResendLeft', summary.left);
  }
  return summary;
}
