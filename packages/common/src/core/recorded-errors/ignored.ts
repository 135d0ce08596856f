/**
 * Causes of errors that somebody has set aside, each as an item of the table of operations: `ignored#` and the fingerprint.
 * Its rows stay open; lists leave them out. docs/decisions/0050-replay-of-errors.md.
 */
import type { Document } from '../condition';
import { isObject } from '../json/value';
import type { Operation } from '../operations/operation';
import type { ErrorGroup } from './statements';

/** That a fingerprint is ignored, or was. Times are ISO 8601 in UTC. */
export interface IgnoredMark {
  readonly fingerprint: string;
  readonly topic: string;
  /** The ARN of the caller. */
  readonly by: string;
  readonly reason: string;
  readonly since: string;
  /** From when on it counts no more; undefined for no end. */
  readonly until: string | undefined;
  /** Who has taken it back; it counts no more then. */
  readonly reopened: { readonly by: string; readonly reason: string; readonly at: string } | undefined;
}

const PREFIX = 'ignored#';

export function ignoredKeyOf(fingerprint: string): { readonly operation_id: string } {
  return { operation_id: `${PREFIX}${fingerprint}` };
}

export function ignoredItem({ fingerprint, topic, by, reason, since, until, reopened }: IgnoredMark): Document {
  return {
    ...ignoredKeyOf(fingerprint),
    topic,
    by,
    reason,
    since,
    ...(until !== undefined && { until }),
    ...(reopened !== undefined && { reopened: { ...reopened } }),
  };
}

/** Reads a mark; undefined for any other item of the table. */
export function readIgnored(item: Document | undefined): IgnoredMark | undefined {
  const id = item?.['operation_id'];
  if (item === undefined || typeof id !== 'string' || !id.startsWith(PREFIX)) return undefined;
  const text = (of: Readonly<Record<string, unknown>>, name: string): string => {
    const value = of[name];
    return typeof value === 'string' ? value : '';
  };
  const { until, reopened } = item;
  return {
    fingerprint: id.slice(PREFIX.length),
    topic: text(item, 'topic'),
    by: text(item, 'by'),
    reason: text(item, 'reason'),
    since: text(item, 'since'),
    until: typeof until === 'string' ? until : undefined,
    reopened: isObject(reopened)
      ? { by: text(reopened, 'by'), reason: text(reopened, 'reason'), at: text(reopened, 'at') }
      : undefined,
  };
}

/**
 * Whether a mark counts.
 *
 * @param now epoch milliseconds
 */
export function isIgnoring({ until, reopened }: IgnoredMark, now: number): boolean {
  return reopened === undefined && (until === undefined || Date.parse(until) > now);
}

/** Whether a replay that runs is about a group: all of its topic, or its cause. One of single rows is not known to be. */
export function isReplaying(
  { layer, topic, signature }: Pick<ErrorGroup, 'layer' | 'topic' | 'signature'>,
  { kind, state, topic: replayed, plan }: Pick<Operation, 'kind' | 'state' | 'topic' | 'plan'>,
): boolean {
  if (kind !== 'replay' || state !== 'RUNNING' || topic !== replayed || plan['error_ids'] !== undefined) return false;
  const { causes } = plan;
  if (!Array.isArray(causes)) return true;
  return causes.some((one) => isObject(one) && one['layer'] === layer && one['signature'] === signature);
}
