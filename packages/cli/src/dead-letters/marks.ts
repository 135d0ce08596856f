/** What people did with letters, on the letters' entries of the index, and on an entry of the operation itself. */
import type { DocumentStore } from '@lean-ops/common/aws';
import { absent, all, LETTER_OPERATIONS, present, type Document } from '@lean-ops/common/core';
import { deadLetterOf, type DeadLetter } from './dead-letter';

/** One run of `dlq replay` or `dlq discard` that changes something. */
export interface LetterOperation {
  /** Time, kind and six hex digits: `20261130T062500Z-replay-ab12cd`. */
  readonly operationId: string;
  readonly kind: LetterOperationKind;
  readonly by: string;
  readonly reason: string;
}

export type LetterOperationKind = 'replay' | 'edit' | 'discard' | 'reopen';

/** @param hex six random hexadecimal digits */
export function letterOperationId(at: Date, kind: LetterOperationKind, hex: string): string {
  const time = at.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
  return `${time}-${kind}-${hex}`;
}

function keyOf({ topic, entry }: Pick<DeadLetter, 'topic' | 'entry'>): Document {
  return { topic_name: topic, failed_at_message_id: entry };
}

/** The entry as it is now, past any delay of the index. */
export async function readEntry(
  letter: DeadLetter,
  table: string,
  { documents }: { readonly documents: DocumentStore },
): Promise<Document | undefined> {
  return documents.get(table, keyOf(letter));
}

/** Whether a letter is there, and nobody has dealt with it since the plan, which is of an index that may be late. */
export function isAsPlanned(entry: Document | undefined, planned: DeadLetter): boolean {
  return entry !== undefined && deadLetterOf(entry).closed?.at === planned.closed?.at;
}

/**
 * Notes on a letter that it was sent again, after the queue has confirmed that it has it.
 *
 * @returns false where the letter has gone, or somebody else has sent or discarded it meanwhile, which does no harm
 */
export async function markSent(
  letter: DeadLetter,
  { operationId, kind, by, reason }: LetterOperation,
  at: string,
  table: string,
  { documents }: { readonly documents: DocumentStore },
): Promise<boolean> {
  const set = {
    ...(kind === 'edit' && { resent_as: 'edit' }),
    resent_at: at,
    resent_by: by,
    resent_because: reason,
    resent_in: operationId,
  };
  // What was sent again before has been sent once more, by --again.
  const before = letter.closed === undefined ? absent('resent_at') : present('resent_at');
  // Sent as it was after it had been corrected, it is the message that it was.
  const change = kind === 'edit' ? { set } : { set, remove: ['resent_as'] };
  return documents.update(table, keyOf(letter), change, all(present('topic_name'), absent('discarded_at'), before));
}

/** Notes by whom and why an entry of Firehose was sent again. stream-error-reader has noted when. */
export async function markStreamed(
  letter: DeadLetter,
  { operationId, by, reason }: LetterOperation,
  table: string,
  { documents }: { readonly documents: DocumentStore },
): Promise<boolean> {
  const set = { resent_by: by, resent_because: reason, resent_in: operationId };
  return documents.update(table, keyOf(letter), { set }, present('resent_at'));
}

/** @returns false where somebody has sent, discarded or erased it meanwhile */
export async function markDiscarded(
  letter: DeadLetter,
  { operationId, by, reason }: LetterOperation,
  at: string,
  table: string,
  { documents }: { readonly documents: DocumentStore },
): Promise<boolean> {
  const set = { discarded_at: at, discarded_by: by, discarded_because: reason, discarded_in: operationId };
  const open = all(present('topic_name'), absent('discarded_at'), absent('resent_at'));
  return documents.update(table, keyOf(letter), { set }, open);
}

/** @returns false where it is discarded no more */
export async function markReopened(
  letter: DeadLetter,
  table: string,
  { documents }: { readonly documents: DocumentStore },
): Promise<boolean> {
  const remove = ['discarded_at', 'discarded_by', 'discarded_because', 'discarded_in'];
  return documents.update(table, keyOf(letter), { remove }, present('discarded_at'));
}

const operationKey = (operationId: string): Document => ({
  topic_name: LETTER_OPERATIONS,
  failed_at_message_id: operationId,
});

/**
 * Puts an operation on record as it begins.
 *
 * @param plan what was asked for and planned
 */
export async function recordBegin(
  { operationId, kind, by, reason }: LetterOperation,
  plan: Document,
  at: string,
  table: string,
  { documents }: { readonly documents: DocumentStore },
): Promise<void> {
  const set = { kind, requested_by: by, reason, plan, requested_at: at, state: 'RUNNING' };
  await documents.update(table, operationKey(operationId), { set });
}

/** @param state DONE, or STOPPED where some of the plan is left */
export async function recordEnd(
  { operationId }: LetterOperation,
  state: 'DONE' | 'STOPPED',
  counts: Document,
  at: string,
  table: string,
  { documents }: { readonly documents: DocumentStore },
): Promise<void> {
  await documents.update(table, operationKey(operationId), { set: { state, counts, ended_at: at } });
}
