import { fullJitterMs, type Backoff } from './backoff';
import { chunk, type ChunkLimits } from './chunk';
import { mapLimit } from './concurrency';
import { classifyCode, classifyError, type ErrorClassification } from '../error-classification';
import { messageOf } from '../errors';

/** The receiver's answer for one item. */
export type Receipt = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string };

/** How items are handed to a receiver. */
export interface DeliveryPlan<T> extends ChunkLimits<T> {
  /**
   * Hands one chunk over within `timeoutMs`. It gives one receipt for each item, in order; an item without one counts
   * as not taken. When it throws, nobody knows which items were taken.
   */
  readonly send: (items: readonly T[], timeoutMs: number) => Promise<readonly Receipt[]>;
  readonly concurrency: number;
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** The longest time for one call, in milliseconds. */
  readonly callTimeoutMs: number;
}

/** The time and randomness of one invocation. */
export interface DeliveryContext {
  /** Milliseconds in which the work must be over; may be negative. */
  readonly remainingMs: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly random: () => number;
}

/** An item that was not delivered, with the last reason. */
export interface Undelivered<T> {
  readonly item: T;
  readonly code: string;
  readonly message: string;
}

export interface DeliveryReport<T> {
  /** Items that the receiver confirmed. */
  readonly taken: readonly T[];
  /** All other items; the receiver may have taken some of them without an answer. */
  readonly left: readonly Undelivered<T>[];
  /** How often an item was sent again, over all items. */
  readonly resent: number;
  readonly calls: number;
}

/** Milliseconds that a call needs at least; with less time left it is not begun. */
const SHORTEST_CALL_MS = 100;

const OUT_OF_TIME = { code: 'OUT_OF_TIME', message: 'not sent (again): the time of this invocation was over' } as const;

interface Failure<T> extends Undelivered<T> {
  readonly disposition: ErrorClassification['disposition'];
}

/** Sends one chunk in one call. Each item is taken or has a failure; it never throws. */
async function sendChunk<T>(plan: DeliveryPlan<T>, items: readonly T[], timeoutMs: number) {
  const taken: T[] = [];
  const failed: Failure<T>[] = [];
  try {
    const receipts = await plan.send(items, timeoutMs);
    items.forEach((item, index) => {
      const receipt = receipts[index] ?? { ok: false, code: 'NO_RECEIPT', message: 'the answer says nothing of it' };
      if (receipt.ok) taken.push(item);
      else failed.push({ item, ...receipt, disposition: classifyCode(receipt.code).disposition });
    });
    return { taken, failed };
  } catch (error) {
    const { code, disposition } = classifyError(error);
    return { taken: [], failed: items.map((item) => ({ item, code, message: messageOf(error), disposition })) };
  }
}

/** Sends all chunks once with bounded concurrency. A chunk whose turn comes too late is not sent. */
async function sendRound<T>(plan: DeliveryPlan<T>, items: readonly T[], { remainingMs }: DeliveryContext) {
  const answers = await mapLimit(chunk(items, plan), plan.concurrency, async (part) => {
    const timeoutMs = Math.min(plan.callTimeoutMs, remainingMs());
    if (timeoutMs >= SHORTEST_CALL_MS) return { ...(await sendChunk(plan, part, timeoutMs)), calls: 1 };
    const failed = part.map((item): Failure<T> => ({ item, ...OUT_OF_TIME, disposition: 'permanent' }));
    return { taken: [], failed, calls: 0 };
  });
  return {
    taken: answers.flatMap((answer): readonly T[] => answer.taken),
    failed: answers.flatMap((answer) => answer.failed),
    calls: answers.reduce((sum, answer) => sum + answer.calls, 0),
  };
}

/**
 * Hands items to a receiver that may take any part of them. Each round of chunked calls holds only the items that the
 * round before left over, with back-off and full jitter between rounds, until all items are taken, or the attempts or
 * the time are used up. Items that the receiver refuses for good are not sent again. It never throws, and each item is
 * either taken or left.
 */
export async function deliver<T>(
  items: readonly T[],
  plan: DeliveryPlan<T>,
  context: DeliveryContext,
): Promise<DeliveryReport<T>> {
  const taken: T[] = [];
  const left: Undelivered<T>[] = [];
  let pending: readonly T[] = items;
  let resent = 0;
  let calls = 0;
  for (let attempt = 1; pending.length > 0; attempt++) {
    const round = await sendRound(plan, pending, context);
    calls += round.calls;
    for (const item of round.taken) taken.push(item);
    const again = round.failed.filter((failure) => failure.disposition === 'retryable');
    for (const { item, code, message, disposition } of round.failed) {
      if (disposition === 'permanent') left.push({ item, code, message });
    }
    const waitMs = fullJitterMs(plan.backoff, attempt - 1, context.random);
    if (attempt >= plan.maxAttempts || context.remainingMs() - waitMs < SHORTEST_CALL_MS) {
      for (const { item, code, message } of again) left.push({ item, code, message });
      break;
    }
    if (again.length > 0) await context.sleep(waitMs);
    pending = again.map((failure) => failure.item);
    resent += pending.length;
  }
  return { taken, left, resent, calls };
}
