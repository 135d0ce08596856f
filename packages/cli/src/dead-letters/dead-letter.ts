import type { Document } from '@lean-ops/common/core';

/** What an entry of the archive counts: messages, or what Firehose left in an error object. */
export const UNITS = { messages: 'message', dataFiles: 'data file', unreadable: 'unreadable part' } as const;
export type Unit = (typeof UNITS)[keyof typeof UNITS];

/** What became of a dead letter: it was sent again as it was, corrected, or discarded. */
export interface Closed {
  readonly how: 'replayed' | 'edited' | 'discarded';
  /** ISO 8601 in UTC. */
  readonly at: string;
  /** Who, why and in which operation; undefined where the resend was asked of stream-error-reader itself. */
  readonly by: string | undefined;
  readonly reason: string | undefined;
  readonly operation: string | undefined;
}

/** An entry of the archive's index: one dead letter, or what Firehose could not deliver of one topic and error object. */
export interface DeadLetter {
  readonly topic: string;
  /** The sort key of the entry within its topic. */
  readonly entry: string;
  /** ISO 8601 in UTC. */
  readonly failedAt: string;
  readonly code: string;
  /** The failure in words, as the function or Firehose gave it. */
  readonly message: string;
  /** The SQS message id; undefined for an entry that stands for many messages. */
  readonly messageId: string | undefined;
  /** The object in the archive bucket that has the message. */
  readonly s3Key: string;
  readonly fromFirehose: boolean;
  readonly unit: Unit;
  /** How many of `unit` the entry stands for; 1 for a dead letter. */
  readonly count: number;
  readonly bodyBytes: number;
  /** How often the queue or Firehose had tried. */
  readonly receiveCount: number;
  /** When all of it had been put into the stream again; undefined while it has not. */
  readonly resentAt: string | undefined;
  /** Of an entry of Firehose: all but what no resend can deliver was sent again; how many that is, and why. */
  readonly refused: { readonly count: number; readonly note: string } | undefined;
  /** Of an entry of Firehose: where sending it again goes on, after a part of it was sent. */
  readonly resendNext: string | undefined;
  /** What people did with it; undefined while it is open. */
  readonly closed: Closed | undefined;
  /** How often it had been sent again when it died; 0 for a first letter. */
  readonly attempt: number;
  /** The archive key of the first letter of the same message; undefined for a first letter. */
  readonly firstLetter: string | undefined;
  /** The id that the queue gave the producer's message; undefined for a first letter, whose `messageId` it is. */
  readonly originalMessageId: string | undefined;
  /** The archive key of the letter that this one was to correct. */
  readonly editOf: string | undefined;
}

/** The attributes that counting needs: reading no others keeps the answers of a large archive small. */
export const COUNTED_ATTRIBUTES = [
  'topic_name',
  'error_code',
  'failed_at',
  'origin',
  'kind',
  'records',
  'resent_at',
  'discarded_at',
];

/** Reads an entry of the index; attributes that were not asked for are empty texts. docs/data-contracts.md, DynamoDB. */
export function deadLetterOf(entry: Document): DeadLetter {
  const text = (name: string): string | undefined => {
    const value = entry[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const count = (name: string): number | undefined => {
    const value = entry[name];
    return typeof value === 'number' ? value : undefined;
  };
  const kind = entry['kind'];
  return {
    topic: text('topic_name') ?? '',
    entry: text('failed_at_message_id') ?? '',
    failedAt: text('failed_at') ?? '',
    code: text('error_code') ?? '',
    message: text('error_message') ?? '',
    messageId: text('source_message_id'),
    s3Key: text('s3_key') ?? '',
    fromFirehose: entry['origin'] === 'firehose',
    unit: kind === 'data_files' ? UNITS.dataFiles : kind === 'unreadable' ? UNITS.unreadable : UNITS.messages,
    count: count('records') ?? 1,
    bodyBytes: count('body_bytes') ?? 0,
    receiveCount: count('receive_count') ?? 0,
    resentAt: text('resent_at'),
    refused:
      text('resend_ended_at') === undefined
        ? undefined
        : { count: count('resend_left') ?? 1, note: text('resend_note') ?? '' },
    resendNext: text('resend_next'),
    closed: closedOf(text),
    attempt: count('attempt') ?? 0,
    firstLetter: text('first_letter'),
    originalMessageId: text('original_message_id'),
    editOf: text('edit_of'),
  };
}

function closedOf(text: (name: string) => string | undefined): Closed | undefined {
  const [discardedAt, resentAt] = [text('discarded_at'), text('resent_at')];
  if (discardedAt !== undefined) {
    const [by, reason, operation] = [text('discarded_by'), text('discarded_because'), text('discarded_in')];
    return { how: 'discarded', at: discardedAt, by, reason, operation };
  }
  if (resentAt === undefined) return undefined;
  const [by, reason, operation] = [text('resent_by'), text('resent_because'), text('resent_in')];
  return { how: text('resent_as') === 'edit' ? 'edited' : 'replayed', at: resentAt, by, reason, operation };
}
