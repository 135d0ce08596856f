import type { ArchiveIndex, Clock, Log, MetricsPort, ObjectStore } from '@lean-ops/common/aws';
import { classifyError, mapLimit, messageOf } from '@lean-ops/common/core';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { bodyOf, type ArchivedBody } from './body';
import { describeDeadLetter, type DeadLetter } from './describe';

export interface Collaborators {
  readonly objects: ObjectStore;
  readonly index: ArchiveIndex;
  readonly log: Log;
  readonly metrics: MetricsPort;
  readonly clock: Clock;
}

export interface ArchiveSettings {
  readonly archiveBucket: string;
  readonly concurrency: number;
}

/** The archive object: all that is known of the message, so that it can be sent again as it was. */
function archiveRecord(record: SQSRecord, letter: DeadLetter, archived: ArchivedBody): string {
  const { body, bodyBytes, overflow, sourceAttributes } = archived;
  return JSON.stringify({
    v: 1,
    topic_name: letter.topic,
    source_message_id: letter.sourceMessageId,
    dlq_message_id: record.messageId,
    error_code: letter.errorCode,
    error_message: letter.errorMessage,
    failed_at: letter.failedAt,
    origin: letter.origin,
    receive_count: letter.receiveCount,
    sent_at: letter.sentAt,
    first_received_at: letter.firstReceivedAt,
    body,
    body_bytes: bodyBytes,
    overflow,
    message_attributes: record.messageAttributes,
    source_attributes: sourceAttributes,
  });
}

async function archiveMessage(
  record: SQSRecord,
  { archiveBucket }: ArchiveSettings,
  { objects, index, log, clock }: Collaborators,
): Promise<DeadLetter> {
  const letter = describeDeadLetter(record);
  const archived = await bodyOf(record, archiveBucket, objects);
  if (archived.body === null) {
    // Waiting would not bring it back, and what is known besides should not be lost too.
    log.error('overflow object is missing; archived without its body', {
      message_id: record.messageId,
      overflow: archived.overflow,
    });
  }
  // The object first: an index entry must not point at nothing.
  await objects.put(archiveBucket, letter.s3Key, archiveRecord(record, letter, archived));
  await index.put({
    topic_name: letter.topic,
    failed_at_message_id: `${letter.failedAt}#${letter.sourceMessageId}`,
    failed_at: letter.failedAt,
    error_code: letter.errorCode,
    error_message: letter.errorMessage.slice(0, 1_000),
    s3_key: letter.s3Key,
    source_message_id: letter.sourceMessageId,
    body_bytes: archived.bodyBytes,
    receive_count: letter.receiveCount,
    archived_at: new Date(clock.now()).toISOString(),
  });
  return letter;
}

/**
 * Archives dead letters: an object in S3, then an entry in the index, both under names that depend on the letter alone,
 * so that a second delivery writes the same again.
 *
 * Who deletes a message: Lambda's event source mapping, after this returns, for every message that is not among
 * `batchItemFailures`; so an id is left out only when both writes were answered. A message that could not be archived
 * stays in the DLQ and comes again.
 */
export async function archiveBatch(
  records: readonly SQSRecord[],
  settings: ArchiveSettings,
  collaborators: Collaborators,
): Promise<SQSBatchResponse> {
  const { log, metrics } = collaborators;
  const failed = new Set<string>();
  const codes: Record<string, number> = {};
  await mapLimit(records, settings.concurrency, async (record) => {
    try {
      const { errorCode } = await archiveMessage(record, settings, collaborators);
      codes[errorCode] = (codes[errorCode] ?? 0) + 1;
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
    failed: failed.size,
    error_codes: codes,
  });
  metrics.count('Received', records.length);
  metrics.count('Archived', records.length - failed.size);
  metrics.count('ArchiveFailed', failed.size);
  return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
}
