/** A topic that is held, as its item in the schema registry says it. docs/decisions/0039-operations-frame.md. */
import type { Document } from '../condition';
import { isObject } from '../json/value';

/** Statuses in which a topic is held: no job, validator or provisioner touches its tables. */
export const HELD_STATUSES: ReadonlySet<unknown> = new Set(['MAINTENANCE', 'REBUILDING']);

/** Who holds a topic, and why. Times are ISO texts in UTC. */
export interface Hold {
  readonly operationId: string;
  readonly by: string;
  readonly reason: string;
  readonly since: string;
  readonly until: string | undefined;
  /** The status to which release gives the topic back; undefined where it had none. */
  readonly statusBefore: string | undefined;
}

export interface HeldTopic {
  readonly topic: string;
  readonly status: string;
  /** Undefined where somebody set the status by hand. */
  readonly hold: Hold | undefined;
}

/** A topic's epoch. Every hold raises it, and no writer that began under a lower one can commit. */
export function epochOf(item: Document | undefined): number {
  const epoch = item?.['epoch'];
  return typeof epoch === 'number' ? epoch : 0;
}

export function isHeld(item: Document | undefined): boolean {
  return HELD_STATUSES.has(item?.['status']);
}

export function readHold(item: Document | undefined): Hold | undefined {
  const hold: unknown = item?.['hold'];
  if (!isObject(hold)) return undefined;
  const text = (name: string): string | undefined => (typeof hold[name] === 'string' ? hold[name] : undefined);
  return {
    operationId: text('operation_id') ?? '',
    by: text('by') ?? '',
    reason: text('reason') ?? '',
    since: text('since') ?? '',
    until: text('until'),
    statusBefore: text('status_before'),
  };
}

/** When the last hold of a topic ended, in epoch milliseconds; undefined where none has, or somebody ended it by hand. */
export function readReleasedAt(item: Document | undefined): number | undefined {
  const at = item?.['released_at'];
  const time = typeof at === 'string' ? Date.parse(at) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** The held topics of a registry's items, by name. */
export function heldTopics(registry: readonly Document[]): HeldTopic[] {
  return registry
    .flatMap((item) => {
      const { topic_name: topic, status } = item;
      if (typeof topic !== 'string' || topic.includes('#') || typeof status !== 'string' || !isHeld(item)) return [];
      return { topic, status, hold: readHold(item) };
    })
    .sort((a, b) => (a.topic < b.topic ? -1 : 1));
}

/**
 * The held topics whose hold should be over.
 *
 * @param now epoch milliseconds
 */
export function overdueHolds(registry: readonly Document[], now: number): HeldTopic[] {
  return heldTopics(registry).filter(({ hold }) => Date.parse(hold?.until ?? '') < now);
}

/** The DDL of a schema upload: until it ends or its time runs out, its topic is left alone as if it were held. */
export interface DdlLease {
  /** The upload's sequencer. */
  readonly by: string;
  readonly since: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** The most seconds that a DDL lease lasts: longer than a run of schema-validator and the statement that outlives it. */
export const DDL_LEASE_SECONDS = 900;

export function readDdlLease(item: Document | undefined): DdlLease | undefined {
  const ddl: unknown = item?.['ddl'];
  if (!isObject(ddl) || typeof ddl['by'] !== 'string' || typeof ddl['expires_at'] !== 'number') return undefined;
  return { by: ddl['by'], since: typeof ddl['since'] === 'string' ? ddl['since'] : '', expiresAt: ddl['expires_at'] };
}

/**
 * Whether the DDL of a schema upload may be at work on the topic's tables.
 *
 * @param now epoch milliseconds
 */
export function ddlAtWork(item: Document | undefined, now: number): boolean {
  const lease = readDdlLease(item);
  return lease !== undefined && lease.expiresAt * 1_000 > now;
}
