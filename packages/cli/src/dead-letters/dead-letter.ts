import type { Document } from '@lean-ops/common/core';

/** What an entry of the archive counts: messages, or what Firehose left in an error object. */
export const UNITS = { messages: 'message', dataFiles: 'data file', unreadable: 'unreadable part' } as const;
export type Unit = (typeof UNITS)[keyof typeof UNITS];

/** An entry of the archive's index: one dead letter, or what Firehose could not deliver of one topic and error object. */
export interface DeadLetter {
  readonly topic: string;
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
  /** When all of it had been put into the stream again; undefined while it has not. */
  readonly resentAt: string | undefined;
}

/** The attributes that counting needs: reading no others keeps the answers of a large archive small. */
export const COUNTED_ATTRIBUTES = ['topic_name', 'error_code', 'failed_at', 'origin', 'kind', 'records', 'resent_at'];

/** Reads an entry of the index; attributes that were not asked for are empty texts. docs/data-contracts.md, DynamoDB. */
export function deadLetterOf(entry: Document): DeadLetter {
  const text = (name: string): string | undefined => {
    const value = entry[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const records = entry['records'];
  const kind = entry['kind'];
  return {
    topic: text('topic_name') ?? '',
    failedAt: text('failed_at') ?? '',
    code: text('error_code') ?? '',
    message: text('error_message') ?? '',
    messageId: text('source_message_id'),
    s3Key: text('s3_key') ?? '',
    fromFirehose: entry['origin'] === 'firehose',
    unit: kind === 'data_files' ? UNITS.dataFiles : kind === 'unreadable' ? UNITS.unreadable : UNITS.messages,
    count: typeof records === 'number' ? records : 1,
    resentAt: text('resent_at'),
  };
}
