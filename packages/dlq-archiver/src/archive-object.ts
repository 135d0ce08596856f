import { isPreconditionFailed, type ObjectStore } from '@lean-ops/common/aws';
import { keySegment, LeanOpsError, originText, type MessageOrigin } from '@lean-ops/common/core';
import type { SQSRecord } from 'aws-lambda';
import type { ArchivedBody } from './message-body';
import type { DeadLetter } from './dead-letter';

/** The archive object (docs/data-contracts.md). The field names are part of that contract. */
export interface ArchiveRecord {
  readonly v: 1;
  readonly topic_name: string;
  readonly source_message_id: string;
  readonly dlq_message_id: string;
  readonly error_code: string;
  readonly error_message: string;
  readonly failed_at: string;
  readonly origin: string;
  readonly trace_id: string | null;
  readonly receive_count: number;
  readonly sent_at: string | null;
  readonly first_received_at: string | null;
  readonly last_received_at: string;
  readonly body: string | null;
  readonly body_bytes: number;
  readonly overflow: ArchivedBody['overflow'];
  readonly message_attributes: SQSRecord['messageAttributes'];
  readonly source_attributes: string | null;
  /** The attribute of a letter that was sent again, or corrects another one; null for any other. */
  readonly lean_ops_origin: Readonly<Record<string, unknown>> | null;
}

/** Builds the archive object with everything known about the message, so that it can be sent again as it was. */
export function archiveRecord(
  record: SQSRecord,
  letter: DeadLetter,
  archived: ArchivedBody,
  origin: MessageOrigin | undefined,
  now: string,
): ArchiveRecord {
  const { body, bodyBytes, overflow, sourceAttributes } = archived;
  return {
    v: 1,
    topic_name: letter.topic,
    source_message_id: letter.sourceMessageId,
    dlq_message_id: record.messageId,
    error_code: letter.errorCode,
    error_message: letter.errorMessage,
    failed_at: letter.failedAt,
    origin: letter.origin,
    trace_id: letter.traceId,
    receive_count: letter.receiveCount,
    sent_at: letter.sentAt,
    first_received_at: letter.firstReceivedAt,
    last_received_at: now,
    body,
    body_bytes: bodyBytes,
    overflow,
    message_attributes: record.messageAttributes,
    source_attributes: sourceAttributes,
    lean_ops_origin: origin ? (JSON.parse(originText(origin)) as Readonly<Record<string, unknown>>) : null,
  };
}

/**
 * True when the stored object is of this letter: an earlier delivery that died left it, or a copy that sqs-processor sent
 * after a time-out. A different letter that only claims the same id must not pass for it.
 */
function holdsLetter(stored: string | undefined, { dlq_message_id: id, body }: ArchiveRecord): boolean {
  try {
    const there = JSON.parse(stored ?? '') as Partial<ArchiveRecord>;
    return there.dlq_message_id === id || there.body === body;
  } catch {
    return false;
  }
}

/**
 * Writes the object under its own key, or under a longer one when another letter has taken that key.
 *
 * @returns the id with which the key was made
 * @throws LeanOpsError ARCHIVE_KEY_TAKEN when both keys hold other letters
 */
export async function putArchiveObject(
  letter: DeadLetter,
  archive: ArchiveRecord,
  bucket: string,
  objects: ObjectStore,
): Promise<string> {
  const ids = [letter.sourceMessageId, `${letter.sourceMessageId}.${keySegment(archive.dlq_message_id)}`];
  for (const id of ids) {
    const key = letter.keyOf(id);
    try {
      await objects.put(bucket, key, JSON.stringify(archive), { onlyIfAbsent: true });
      return id;
    } catch (error) {
      if (!isPreconditionFailed(error)) throw error;
      if (holdsLetter((await objects.get(bucket, key))?.body, archive)) return id;
    }
  }
  throw new LeanOpsError('ARCHIVE_KEY_TAKEN', `another message is archived under ${letter.keyOf(ids[1] ?? '')}`);
}
