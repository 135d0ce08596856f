import type {
  ArchiveEntry,
  ArchiveIndex,
  Clock,
  Idempotency,
  Log,
  MetricsPort,
  ObjectStore,
} from '@lean-ops/common/aws';
import { classifyError, mapLimit, messageOf, type MessageOrigin } from '@lean-ops/common/core';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { archiveRecord, putArchiveObject } from './archive-object';
import { originOf, readBody } from './message-body';
import { describeDeadLetter, type DeadLetter } from './dead-letter';

export interface Collaborators {
  readonly objects: ObjectStore;
  readonly index: ArchiveIndex;
  readonly idempotency: Idempotency;
  readonly log: Log;
  readonly metrics: MetricsPort;
  readonly clock: Clock;
}

export interface ArchiveSettings {
  readonly archiveBucket: string;
  readonly concurrency: number;
  /** Days that an index entry is kept; 0 keeps it forever. */
  readonly entryDays: number;
}

const DAY_SECONDS = 86_400;
const MAX_INDEX_MESSAGE = 1_000;

/** What leads from a letter that was sent again to its first, and from a correction to what it corrects. */
function linkOf(
  origin: MessageOrigin | undefined,
): Pick<ArchiveEntry, 'first_letter' | 'original_message_id' | 'attempt' | 'edit_of'> {
  if (origin === undefined) return {};
  if (origin.kind === 'edit') return { edit_of: origin.letter };
  const { letter, messageId, attempt } = origin;
  return { first_letter: letter, original_message_id: messageId, attempt };
}

async function archiveMessage(
  record: SQSRecord,
  letter: DeadLetter,
  { archiveBucket, entryDays }: ArchiveSettings,
  { objects, index, log, clock }: Collaborators,
): Promise<void> {
  const now = new Date(clock.now()).toISOString();
  const archived = await readBody(record, archiveBucket, objects);
  if (archived.body === null) {
    // Waiting would not bring the body back, and everything else that is known must not be lost with it.
    log.error('overflow object is missing; archived without its body', {
      message_id: record.messageId,
      overflow: archived.overflow,
    });
  }
  const origin = originOf(record, archived);
  // The object is written first, because an index entry must not point at nothing.
  const id = await putArchiveObject(
    letter,
    archiveRecord(record, letter, archived, origin, now),
    archiveBucket,
    objects,
  );
  await index.put({
    topic_name: letter.topic,
    failed_at_message_id: `${letter.failedAt}#${id}`,
    failed_at: letter.failedAt,
    error_code: letter.errorCode,
    error_message: letter.errorMessage.slice(0, MAX_INDEX_MESSAGE),
    s3_key: letter.keyOf(id),
    source_message_id: letter.sourceMessageId,
    body_bytes: archived.bodyBytes,
    receive_count: letter.receiveCount,
    archived_at: now,
    ...linkOf(origin),
    ...(entryDays > 0 && {
      expires_at: Math.floor(Date.parse(letter.failedAt) / 1000) + entryDays * DAY_SECONDS,
    }),
  });
}

/**
 * Archives dead letters: an object in S3, then an entry in the index. Both names depend on the letter alone, and both are
 * written once per message of the DLQ, however often it is delivered.
 *
 * Lambda's event source mapping deletes the messages: after this returns, it deletes every message that is not among
 * `batchItemFailures`. So an id is left out only when both writes were answered. A message that could not be archived
 * stays in the DLQ and is delivered again.
 */
export async function archiveBatch(
  records: readonly SQSRecord[],
  settings: ArchiveSettings,
  collaborators: Collaborators,
): Promise<SQSBatchResponse> {
  const { idempotency, log, metrics } = collaborators;
  const failed = new Set<string>();
  const codes: Record<string, number> = {};
  let repeated = 0;
  await mapLimit(records, settings.concurrency, async (record) => {
    try {
      const letter = describeDeadLetter(record);
      const outcome = await idempotency.once(record.messageId, () =>
        archiveMessage(record, letter, settings, collaborators),
      );
      if (outcome === 'done before') repeated++;
      codes[letter.errorCode] = (codes[letter.errorCode] ?? 0) + 1;
    } catch (error) {
      failed.add(record.messageId);
      const { code, disposition, reason } = classifyError(error);
      log.error('message not archived; it stays in the queue', {
        message_id: record.messageId,
        error_code: code,
        disposition,
        reason,
        error_message: messageOf(error),
      });
    }
  });
  log.info('dead letters archived', {
    received: records.length,
    archived: records.length - failed.size,
    repeated,
    failed: failed.size,
    error_codes: codes,
  });
  metrics.count('Received', records.length);
  metrics.count('Archived', records.length - failed.size);
  metrics.count('ArchiveFailed', failed.size);
  return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
}
