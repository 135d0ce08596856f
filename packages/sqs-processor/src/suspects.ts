import { SQS_BATCH_LIMITS } from '@lean-ops/common/aws';
import { deliver, messageOf, type DeliveryContext } from '@lean-ops/common/core';
import type { SQSRecord } from 'aws-lambda';
import {
  handleMessages,
  refuseUnread,
  unreadable,
  type BatchSettings,
  type Collaborators,
  type Handled,
} from './handle-messages';

/** How often the handling of one message alone may end the function before the message is refused. */
const MAX_ENDED = 2;
/**
 * Milliseconds that are kept for suspects while other messages are handled: enough for a group. Without it, messages that have
 * just come would take all the time that Firehose lets them, and the oldest would never be tried.
 */
export const SUSPECTS_MS = 15_000;
/**
 * Milliseconds that a group needs at least; with less time left it is not begun. It is an attempt written down, one call to
 * Firehose of the longest kind, and the closing: nothing of it may run into the end of the function, which would be blamed on the message.
 */
const SHORTEST_GROUP_MS = 10_000;
/** Milliseconds at the end of the time that are kept for striking out and acknowledging: no delivery may use them. */
export const CLOSING_MS = 3_000;
/** The longest time for one write of an attempt, in milliseconds. */
const WRITE_TIMEOUT_MS = 1_000;
const BACKOFF = { baseMs: 100, capMs: 1_000 } as const;
const CALL_TIMEOUT_MS = 2_000;
const DELETE_ATTEMPTS = 3;

/**
 * Handles messages that were received often: because Firehose throttles, as all messages are then, or because one of them ends
 * the function, by its memory or its time, and takes the others of its batch along each time. From the outside the two look
 * alike, and a message of the first kind must never be refused.
 *
 * So they are handled in groups of one, two, four and so on, in random order, and each group is acknowledged before the next
 * begins. Whatever ends the function then takes back only its own group and those behind it. A message that is alone is written
 * down before and struck out after. One that was alone when the function ended, MAX_ENDED times in a row, is refused unread.
 * A write that is slow or has no answer must not look like such an end: each has a short time-out, within the time of the group.
 * When Firehose takes nothing of a group, the rest is left in the queue: one message asks for all.
 */
export async function handleSuspects(
  suspects: readonly SQSRecord[],
  context: DeliveryContext,
  collaborators: Collaborators,
  settings: BatchSettings,
): Promise<Handled[]> {
  // A message must not look as if it had ended the function because Firehose kept it waiting until the time was over.
  const delivery = endingEarlier(context, CLOSING_MS);
  const all: Handled[] = [];
  for (const group of growingGroups(shuffled(suspects, collaborators.random))) {
    if (context.remainingMs() < SHORTEST_GROUP_MS) break;
    const [first] = group;
    const handled =
      group.length === 1 && first !== undefined
        ? await handleAlone(first, context, delivery, collaborators, settings)
        : await handleMessages(group, delivery, collaborators, settings);
    all.push(handled);
    await acknowledge(handled.settled, context, collaborators, settings);
    if (handled.accepted === 0 && handled.notAccepted > 0) break;
  }
  return all;
}

async function handleAlone(
  record: SQSRecord,
  context: DeliveryContext,
  delivery: DeliveryContext,
  collaborators: Collaborators,
  settings: BatchSettings,
): Promise<Handled> {
  const { attempts, log } = collaborators;
  const begun = await attempts.begin(record.messageId, WRITE_TIMEOUT_MS).catch((error: unknown) => {
    log.warn('an attempt could not be written down', { message_id: record.messageId, error });
    return undefined;
  });
  if (begun !== undefined && begun > MAX_ENDED) {
    const reason = `handled alone, it ended the function ${begun - 1} times in a row: out of memory, out of time, or a crash`;
    return refuseUnread([unreadable(record, 'ENDS_FUNCTION', reason)], delivery, collaborators, settings);
  }
  let settled = false;
  try {
    const handled = await handleMessages([record], delivery, collaborators, settings);
    settled = handled.settled.length > 0;
    return handled;
  } finally {
    await strikeOut(record, settled, context, collaborators);
  }
}

/**
 * Strikes an attempt out, also one whose writing got no answer. For a message that comes again it is tried until the time is
 * over: an attempt that stays counts as a death. For a settled one, once is enough.
 */
async function strikeOut(
  { messageId }: SQSRecord,
  settled: boolean,
  context: DeliveryContext,
  { attempts, log }: Collaborators,
): Promise<void> {
  const { left } = await deliver(
    [messageId],
    {
      maxCount: 1,
      maxBytes: Infinity,
      sizeOf: () => 0,
      send: async (ids, timeoutMs) => {
        for (const id of ids) await attempts.end(id, timeoutMs);
        return ids.map(() => ({ ok: true }));
      },
      concurrency: 1,
      maxAttempts: settled ? 1 : Infinity,
      backoff: BACKOFF,
      callTimeoutMs: WRITE_TIMEOUT_MS,
    },
    context,
  );
  for (const { code, message } of left) {
    log.warn('an attempt could not be struck out', { message_id: messageId, error_code: code, reason: message });
  }
}

/** The same, with the time over that much earlier. */
export function endingEarlier(context: DeliveryContext, milliseconds: number): DeliveryContext {
  return { ...context, remainingMs: () => context.remainingMs() - milliseconds };
}

/**
 * Deletes settled messages from the queue, so that they do not come back when the function ends before its answer. What could
 * not be deleted is deleted after the answer, or comes again as a copy.
 */
export async function acknowledge(
  records: readonly SQSRecord[],
  context: DeliveryContext,
  { source, log }: Pick<Collaborators, 'source' | 'log'>,
  { concurrency }: Pick<BatchSettings, 'concurrency'>,
): Promise<void> {
  const { left } = await deliver(
    records.map(({ receiptHandle }) => receiptHandle),
    {
      maxCount: SQS_BATCH_LIMITS.maxCount,
      maxBytes: Infinity,
      sizeOf: () => 0,
      send: (handles, timeoutMs) => source.deleteBatch(handles, timeoutMs),
      concurrency,
      maxAttempts: DELETE_ATTEMPTS,
      backoff: BACKOFF,
      callTimeoutMs: CALL_TIMEOUT_MS,
    },
    context,
  );
  const [first] = left;
  if (first !== undefined) {
    log.warn('messages could not be deleted early', {
      count: left.length,
      error_code: first.code,
      reason: messageOf(first.message),
    });
  }
}

/** The items in groups of 1, 2, 4, 8 and so on. */
function growingGroups<T>(items: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (let start = 0, size = 1; start < items.length; start += size, size *= 2) {
    // After n groups, 2^n - 1 items are taken, so the next group begins there.
    groups.push(items.slice(start, start + size));
  }
  return groups;
}

/** The items in random order (Fisher and Yates). */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order: T[] = [];
  items.forEach((item, index) => {
    const other = Math.floor(random() * (index + 1));
    const moved = order[other];
    if (moved !== undefined) order[index] = moved;
    order[other] = item;
  });
  return order;
}
