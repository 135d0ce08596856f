/** Whether everybody is done who may have begun to write to a topic before an operation held it. */
import type { Document } from '../condition';
import { ddlAtWork, readHold } from './hold';
import type { Operation } from './operation';

/** What the lease of the cycles says: the item `("*", "lease")` of the checkpoint table. */
export interface CycleLease {
  readonly cycleId: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** Seconds by which a cycle's id must be later than the hold, because two functions' clocks may differ. */
const CLOCK_MARGIN_SECONDS = 5;

/**
 * Whether no cycle and no DDL is at work that may have begun before the topic was held. A release needs no drain: nobody has
 * written since the hold.
 */
export function isDrained(
  { kind }: Operation,
  topicItem: Document | undefined,
  lease: CycleLease | undefined,
  now: Date,
): boolean {
  if (kind === 'release') return true;
  if (ddlAtWork(topicItem, now.getTime())) return false;
  if (lease === undefined || lease.expiresAt * 1_000 <= now.getTime()) return true;
  const since = Date.parse(readHold(topicItem)?.since ?? '');
  return timeOfCycle(lease.cycleId) > since + CLOCK_MARGIN_SECONDS * 1_000;
}

export function readCycleLease(item: Document | undefined): CycleLease | undefined {
  const { cycle_id: cycleId, expires_at: expiresAt } = item ?? {};
  return typeof cycleId === 'string' && typeof expiresAt === 'number' ? { cycleId, expiresAt } : undefined;
}

/** When a cycle began by its id, in epoch milliseconds; NaN for a text that is none. */
function timeOfCycle(cycleId: string): number {
  return Date.parse(cycleId.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z.*$/, '$1-$2-$3T$4:$5:$6Z'));
}
