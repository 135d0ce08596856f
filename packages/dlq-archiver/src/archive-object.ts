import { isPreconditionFailed, type ObjectStore } from '@lean-ops/common/aws';
import { keySegment, LeanOpsError } from '@lean-ops/common/core';
import type { SQSRecord } from 'aws-lambda';
import type { ArchivedBody } from './message-body';
import type { DeadLetter } from './dead-letter';

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
}

/** The archive object: all that is known of the message, so that it can be sent again as it was. */
export function archiveRecord(
  record: SQSRecord,
  letter: DeadLetter,
  archived: ArchivedBody,
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
  };
}

/**
 * Whether the object that is already there holds this letter: left by an earlier delivery that died, or by a copy that
 * sqs-processor sent after a time-out. Another letter that only says it has the same id must not take its place.
 */
function holds(stored: string | undefined, { dlq_message_id: id, body }: ArchiveRecord): boolean {
  try {
    const there = JSON.parse(stored ?? '') as Partial<ArchiveRecord>;
    return there.dlq_message_id === id || there.body === body;
  } catch {
    return false;
  }
}

/** Writes the object where nothing is in its place. @returns what tells it from others of its topic and time */
export async function putObject(
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
      if (holds((await objects.get(bucket, key))?.body, archive)) return id;
    }
  }
  throw new LeanOpsError('ARCHIVE_KEY_TAKEN', `another message is archived under ${letter.keyOf(ids[1] ?? '')}`);
}
