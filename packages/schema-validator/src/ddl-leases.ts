/**
 * The leases of uploads that alter a topic's tables, as the member `ddl` of its registry item: that of the upload that came last, and in
 * `earlier` those of uploads that it has overtaken. A statement outlives the run that began it, so a newer upload must not end an older
 * one's lease. All readers go by `expires_at`, which is the latest of all.
 */
import {
  absent,
  all,
  DDL_LEASE_SECONDS,
  equals,
  isObject,
  type Condition,
  type Document,
  type DocumentValue,
} from '@lean-ops/common/core';

type Lease = Readonly<Record<'by' | 'since', string>> & { readonly expires_at: number };

/** The item's leases that have not run out, the newest first. */
function liveLeases(item: Document | undefined, now: Date): Lease[] {
  const ddl: unknown = item?.['ddl'];
  if (!isObject(ddl)) return [];
  const earlier: readonly unknown[] = Array.isArray(ddl['earlier']) ? ddl['earlier'] : [];
  return [ddl, ...earlier].flatMap((one) => {
    if (!isObject(one) || typeof one['by'] !== 'string' || typeof one['expires_at'] !== 'number') return [];
    if (one['expires_at'] * 1_000 <= now.getTime()) return [];
    return {
      by: one['by'],
      since: typeof one['since'] === 'string' ? one['since'] : '',
      expires_at: one['expires_at'],
    };
  });
}

/** The member `ddl` once the DDL of an upload has begun. */
export function ddlBegun(item: Document | undefined, sequencer: string, now: Date): DocumentValue {
  const own: Lease = {
    by: sequencer,
    since: now.toISOString(),
    expires_at: Math.floor(now.getTime() / 1_000) + DDL_LEASE_SECONDS,
  };
  return ddlOf([own, ...liveLeases(item, now).filter(({ by }) => by !== sequencer)]) ?? null;
}

/** The changes by which the lease of an upload ends, and no other; none where it has none. */
export function ddlEnded(
  item: Document | undefined,
  sequencer: string,
  now: Date,
): { readonly set: Document; readonly remove: readonly string[] } | undefined {
  const ddl: unknown = item?.['ddl'];
  if (!isObject(ddl)) return undefined;
  const live = liveLeases(item, now);
  if (ddl['by'] !== sequencer && !live.some(({ by }) => by === sequencer)) return undefined;
  const left = ddlOf(live.filter(({ by }) => by !== sequencer));
  return left === undefined ? { set: {}, remove: ['ddl'] } : { set: { ddl: left }, remove: [] };
}

function ddlOf([newest, ...earlier]: readonly Lease[]): DocumentValue | undefined {
  return newest && { ...newest, ...(earlier.length > 0 && { earlier }), leases: 1 + earlier.length };
}

/**
 * The condition that the leases are still those that were read. While the newest one stays the same, the others only become fewer, so
 * their number tells.
 */
export function ddlUnchanged(item: Document | undefined): Condition {
  const ddl: unknown = item?.['ddl'];
  if (!isObject(ddl) || typeof ddl['by'] !== 'string') return absent('ddl');
  const { by, leases } = ddl;
  return all(equals('ddl.by', by), typeof leases === 'number' ? equals('ddl.leases', leases) : absent('ddl.leases'));
}
