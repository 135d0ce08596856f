/**
 * Maintenance's turn: the item `("*", "maintenance")` of the checkpoint table, beside the lease. Maintenance that finds the lease taken
 * notes that it wants it, and cycles yield until it has had its turn. See docs/decisions/0041-maintenance.md.
 */
import type { Clock, DocumentStore } from '@lean-ops/common/aws';
import { equals } from '@lean-ops/common/core';
import { takeLease, type Lease } from './lease';

const KEY = { topic_name: '*', layer: 'maintenance' } as const;

/**
 * How long cycles yield to one try of maintenance to take the lease. It tries again each minute, so while it is alive they yield until
 * it has the lease; and for no longer than this after it died.
 */
const YIELD_SECONDS = 180;

/** How long maintenance may be put off before somebody is told. */
const OVERDUE_MS = 2 * 24 * 3_600_000;

/** Takes the lease for maintenance. Where a cycle has it, the next cycles are to yield. */
export async function reserveLease(
  documents: DocumentStore,
  table: string,
  executionId: string,
  seconds: number,
  clock: Clock,
): Promise<Lease> {
  const lease = await takeLease(documents, table, executionId, seconds, clock);
  if (lease.held) await stopWanting(documents, table, executionId);
  else await want(documents, table, executionId, clock);
  return lease;
}

async function want(documents: DocumentStore, table: string, executionId: string, clock: Clock): Promise<void> {
  const known = await documents.get(table, KEY);
  const now = clock.now();
  await documents.update(table, KEY, {
    set: {
      wanted_by: executionId,
      wanted_until: Math.floor(now / 1_000) + YIELD_SECONDS,
      ...(known?.['first_wanted_at'] === undefined && { first_wanted_at: new Date(now).toISOString() }),
    },
  });
}

/** Lets cycles go on, unless another execution of maintenance wants the lease. */
async function stopWanting(documents: DocumentStore, table: string, executionId: string): Promise<void> {
  await documents.update(table, KEY, { remove: ['wanted_by', 'wanted_until'] }, equals('wanted_by', executionId));
}

/** Whether maintenance waits for the lease, so that a cycle should leave it to that. */
export async function maintenanceWaits(documents: DocumentStore, table: string, clock: Clock): Promise<boolean> {
  const until = (await documents.get(table, KEY))?.['wanted_until'];
  return typeof until === 'number' && until * 1_000 > clock.now();
}

/** Ends what an execution of maintenance wanted, and notes when it has succeeded. */
export async function endMaintenance(
  documents: DocumentStore,
  table: string,
  executionId: string,
  succeeded: boolean,
  clock: Clock,
): Promise<void> {
  if (succeeded) {
    await documents.update(table, KEY, { set: { succeeded_at: new Date(clock.now()).toISOString() } });
  }
  await stopWanting(documents, table, executionId);
}

/**
 * Puts maintenance off until its next run by the schedule: it has waited for as long as it may.
 *
 * @returns since when maintenance has not succeeded (its last success, or else its first try), and whether that is too long ago
 */
export async function putOffMaintenance(
  documents: DocumentStore,
  table: string,
  executionId: string,
  clock: Clock,
): Promise<{ readonly overdue: boolean; readonly since: string }> {
  const item = await documents.get(table, KEY);
  const since = [item?.['succeeded_at'], item?.['first_wanted_at']].find((at) => typeof at === 'string');
  await stopWanting(documents, table, executionId);
  const text = typeof since === 'string' ? since : '';
  return { overdue: clock.now() - Date.parse(text) > OVERDUE_MS, since: text };
}
