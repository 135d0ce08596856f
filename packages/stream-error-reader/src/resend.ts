import { frameDelivery } from '@lean-ops/common/aws';
import type { RecordStream, StreamErrorEntry } from '@lean-ops/common/aws';
import { deliver, mapLimit, messageOf, present, UNKNOWN_TOPIC, type DeliveryContext } from '@lean-ops/common/core';
import type { Config } from './config';
import { openDataFile } from './data-file';
import { groupOf, type Draft } from './inventory';
import { partsOf, type Part } from './error-items';
import { isOnRecord, putOnRecord, readErrorObject, type Collaborators, type ErrorObject } from './record-objects';
import type { ResendRequest } from './request';
import { sendableOf } from './sendable';
import { Tally, type ResendSummary } from './resend-tally';

export interface ResendCollaborators extends Collaborators {
  readonly stream: RecordStream;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface Resend {
  readonly request: ResendRequest;
  readonly config: Config;
  /** Until the marks must be written. */
  readonly context: DeliveryContext;
  readonly collaborators: ResendCollaborators;
}

/** Frames that are held at a time. */
const BATCH = { maxCount: 4_000, maxBytes: 16 * 1024 * 1024 } as const;
/** Kept back from Lambda's time for the marks and the answer. */
export const RESERVE_MS = 30_000;

interface Waiting {
  readonly group: string;
  readonly frame: Buffer;
}

/** Gathers frames and hands them to the stream; the tally gets to know what became of each. */
class Sender {
  readonly #resend: Resend;
  readonly #tally: Tally;
  #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(resend: Resend, tally: Tally) {
    this.#resend = resend;
    this.#tally = tally;
  }

  async add(group: string, frame: Buffer): Promise<void> {
    this.#waiting.push({ group, frame });
    this.#bytes += frame.length;
    if (this.#waiting.length >= BATCH.maxCount || this.#bytes >= BATCH.maxBytes) await this.flush();
  }

  async flush(): Promise<void> {
    const items = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    const { request, config, context, collaborators } = this.#resend;
    if (request.dryRun) {
      for (const { group } of items) this.#tally.left(group, 'DRY_RUN', 'nothing was sent');
      return;
    }
    const report = await deliver(
      items,
      {
        ...frameDelivery(collaborators.stream),
        concurrency: Math.min(config.concurrency, 4),
        maxAttempts: 8,
        backoff: { baseMs: 200, capMs: 5_000 },
        callTimeoutMs: 10_000,
      },
      context,
    );
    for (const { group } of report.taken) this.#tally.resent(group);
    for (const { item, code, message } of report.left) this.#tally.left(item.group, code, message);
  }
}

async function sendDataFile(name: string, group: string, resend: Resend, tally: Tally, sender: Sender): Promise<void> {
  if (resend.context.remainingMs() <= 0) {
    tally.left(group, 'OUT_OF_TIME', 'a data file was not read');
    return;
  }
  const file = await openDataFile(name, resend.config, resend.collaborators.bytes);
  if (!file.ok) {
    tally.refused(group, file.code, `${name.slice(0, 300)}: ${file.message}`);
    return;
  }
  let read = 0;
  try {
    for await (const rows of file.slices()) {
      if (resend.context.remainingMs() <= 0) break;
      for (const row of rows) {
        read++;
        if (row.ok) await sender.add(group, row.frame);
        else tally.refused(group, row.code, row.message);
      }
    }
    for (; read < file.rows; read++) tally.left(group, 'OUT_OF_TIME', 'a data file was not read to its end');
  } catch (error) {
    const message = `${name.slice(0, 300)}: ${messageOf(error).slice(0, 200)}`;
    for (; read < file.rows; read++) tally.refused(group, 'DATA_FILE_UNREADABLE', message);
  }
}

async function sendPart(part: Part, wanted: ReadonlySet<string>, resend: Resend, tally: Tally, sender: Sender) {
  if (part.kind === 'records') {
    const sendable = sendableOf(part.raw);
    const group = groupOf(sendable.ok ? sendable.topic : UNKNOWN_TOPIC, part);
    if (!wanted.has(group)) return;
    if (sendable.ok) await sender.add(group, sendable.frame);
    else tally.refused(group, sendable.code, sendable.message);
    return;
  }
  const group = groupOf(UNKNOWN_TOPIC, part);
  if (!wanted.has(group)) return;
  if (part.kind === 'unreadable') tally.refused(group, part.code, part.message);
  else for (const name of part.files) await sendDataFile(name, group, resend, tally, sender);
}

function keyOf({ topic_name, failed_at_message_id }: Draft) {
  return { topic_name, failed_at_message_id };
}

function isWanted({ topic_name: topic, error_code: code }: Draft, { what, errorCode }: ResendRequest): boolean {
  return (errorCode === undefined || code === errorCode) && ('key' in what || topic === what.topic);
}

const groupOfDraft = (draft: Draft): string => groupOf(draft.topic_name, { kind: draft.kind, code: draft.error_code });

async function mark(drafts: readonly Draft[], tally: Tally, { config, collaborators }: Resend): Promise<void> {
  const { documents, clock } = collaborators;
  await mapLimit(drafts, config.concurrency, async (draft) => {
    const { resent, open, note } = tally.of(groupOfDraft(draft));
    const done = open === 0;
    await documents.update(
      config.archiveTable,
      keyOf(draft),
      {
        set: {
          resent_records: resent,
          resend_left: open,
          ...(done ? { resent_at: new Date(clock.now()).toISOString() } : { resend_note: note }),
        },
        ...(done && { remove: ['resend_note'] }),
      },
      present('topic_name'),
    );
  });
}

async function resendParts(
  object: ErrorObject & { readonly bytes: Buffer },
  open: readonly Draft[],
  resend: Resend,
  tally: Tally,
) {
  const wanted = new Set(open.map(groupOfDraft));
  const sender = new Sender(resend, tally);
  for (const part of partsOf(object.bytes)) await sendPart(part, wanted, resend, tally, sender);
  await sender.flush();
}

/** Sends what is wanted of one error object, and marks its entries only after the stream has said that it holds the records. */
async function resendObject(key: string, resend: Resend, total: Tally): Promise<void> {
  const { request, config, collaborators } = resend;
  const object = await readErrorObject(key, config, collaborators);
  if (object === undefined) {
    total.refused(key, 'ERROR_OBJECT_GONE', `${key} is not there any more`);
    return;
  }
  const drafts = object.inventory.drafts.filter((draft) => isWanted(draft, request));
  // What is marked must be on record, whether or not its event ever came.
  if (!request.dryRun && !(await isOnRecord(key, object.etag, config, collaborators))) {
    await putOnRecord(key, object, config, collaborators);
  }
  const stored = await mapLimit(drafts, config.concurrency, async (draft) =>
    collaborators.documents.get(config.archiveTable, keyOf(draft)),
  );
  const open = drafts.filter((_, index) => stored[index]?.['resent_at'] === undefined);
  const tally = new Tally();
  drafts.forEach((draft, index) => {
    if (stored[index]?.['resent_at'] !== undefined) tally.already(draft.records);
  });
  const { bytes } = object;
  if (bytes !== undefined) await resendParts({ ...object, bytes }, open, resend, tally);
  else for (const { error_code, error_message } of open) tally.refused(key, error_code, error_message);
  if (!request.dryRun) await mark(open, tally, resend);
  collaborators.log.info('error object sent again', { s3_key: key, dry_run: request.dryRun, ...tally.sums() });
  total.add(tally);
}

/** Keys of the error objects whose entries of this topic are still open, oldest first. */
async function openKeys({ request, config, collaborators }: Resend): Promise<readonly string[]> {
  if ('key' in request.what) return [request.what.key];
  const from = { topic_name: request.what.topic, failed_at_message_id: request.what.since };
  const keys = new Set<string>();
  let after: Awaited<ReturnType<typeof collaborators.documents.query>>['next'];
  do {
    const page = await collaborators.documents.query(config.archiveTable, from, after);
    for (const document of page.documents) {
      // Written by putOnRecord, or by dlq-archiver, whose entries have no origin.
      const entry = document as unknown as Partial<StreamErrorEntry>;
      if (entry.origin !== 'firehose' || entry.resent_at !== undefined || entry.s3_key === undefined) continue;
      if (request.errorCode === undefined || entry.error_code === request.errorCode) keys.add(entry.s3_key);
    }
    after = page.next;
  } while (after !== undefined);
  return [...keys];
}

/**
 * Puts what Firehose could not deliver into the stream again, one error object after the other, as far as the time goes.
 * A copy of what did arrive is harmless: Standardized keeps one.
 *
 * @throws what S3 and DynamoDB throw; what was marked until then stays marked, and the same request goes on from there
 */
export async function resend(job: Resend): Promise<ResendSummary> {
  const { request, context, collaborators } = job;
  const keys = await openKeys(job);
  const total = new Tally();
  let done = 0;
  for (const key of keys) {
    if (context.remainingMs() <= 0) break;
    await resendObject(key, job, total);
    done++;
  }
  const summary: ResendSummary = {
    action: 'resend',
    dry_run: request.dryRun,
    objects: done,
    objects_left: keys.length - done,
    ...total.sums(),
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
