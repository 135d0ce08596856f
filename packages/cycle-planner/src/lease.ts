import { createHash } from 'node:crypto';
import type { Clock, DocumentStore } from '@lean-ops/common/aws';
import { absent, any, below, equals } from '@lean-ops/common/core';

/**
 * The key of the one lease. Only one cycle may run at a time, but Scheduler may start a cycle twice, and an earlier one may
 * still be at work.
 */
const KEY = { topic_name: '*', layer: 'lease' } as const;

export type Lease = { readonly held: true; readonly cycleId: string } | { readonly held: false };

/** A cycle's id such as `20261123T100000Z-1a2b3c4d`, which sorts by time and names one execution. */
export function cycleIdOf(at: Date, executionId: string): string {
  const time = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  return `${time}-${createHash('sha256').update(executionId).digest('hex').slice(0, 8)}`;
}

/**
 * Takes the lease when nobody has it, when its time ran out, or when this execution has it already. In the last case the
 * cycle keeps its id, so that a repeated Plan step plans the same cycle. The expiry is compared here because DynamoDB's TTL
 * deletes items days late.
 */
export async function takeLease(
  documents: DocumentStore,
  table: string,
  executionId: string,
  seconds: number,
  clock: Clock,
): Promise<Lease> {
  const now = Math.floor(clock.now() / 1000);
  const present = await documents.get(table, KEY);
  const known = present?.['owner'] === executionId ? present['cycle_id'] : undefined;
  const cycleId = typeof known === 'string' ? known : cycleIdOf(new Date(clock.now()), executionId);
  const held = await documents.put(
    table,
    { ...KEY, owner: executionId, cycle_id: cycleId, expires_at: now + seconds },
    any(absent('owner'), below('expires_at', now), equals('owner', executionId)),
  );
  return held ? { held, cycleId } : { held };
}

/** The answer to a step that only takes the lease. The state machine of maintenance reads these fields. */
export interface Reservation {
  readonly reserved: boolean;
  /** The id under which the lease is held, which sorts with those of cycles; empty when another has it. */
  readonly cycle_id: string;
}

/** The lease as the answer to the Reserve step. */
export function reservationOf(lease: Lease): Reservation {
  return lease.held ? { reserved: true, cycle_id: lease.cycleId } : { reserved: false, cycle_id: '' };
}

/** Gives the lease back. Returns false, and changes nothing, when this execution does not hold it. */
export function releaseLease(documents: DocumentStore, table: string, executionId: string): Promise<boolean> {
  return documents.delete(table, KEY, equals('owner', executionId));
}
