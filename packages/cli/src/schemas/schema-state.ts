import { activatingOf, isHeld, readWaitingUpload, type Document } from '@lean-ops/common/core';
import type { TopicFiles } from '../pipeline/list-topics';

/** What a topic's schema is doing, the worst first. The values are part of `--format json`. */
export const SCHEMA_STATES = {
  /** An upload has waited for its verdict for so long that nobody will give it one. */
  stuck: 'STUCK',
  /** The last upload was refused, and no later one waits. A schema that was active before stays in force. */
  failed: 'FAILED',
  /** An upload waits for its verdict. */
  pending: 'PENDING',
  /** A schema is in force, and nothing else is under way. */
  active: 'ACTIVE',
  /** The topic is not governed. */
  none: 'NONE',
} as const;

export type SchemaStateName = (typeof SCHEMA_STATES)[keyof typeof SCHEMA_STATES];

/** Times are ISO 8601 in UTC, and null where nothing says them. */
export interface SchemaState {
  readonly topic: string;
  readonly state: SchemaStateName;
  /** The schema in force. */
  readonly active: { readonly version: number | null; readonly since: string | null } | null;
  /** An upload without a verdict. One that waits for the release of its topic, or for a rebuild, may do so for as long as that takes. */
  readonly pending: { readonly since: string | null; readonly waitsForRelease: boolean } | null;
  /** The last verdict, when it was a refusal: the first of its problems. */
  readonly failed: { readonly code: string; readonly message: string; readonly since: string | null } | null;
  /** A status that an operator set and that only an operator ends. */
  readonly operatorStatus: 'MAINTENANCE' | 'REBUILDING' | null;
}

/**
 * Milliseconds after which an upload without a verdict is stuck. schema-validator tries three times, five minutes each at
 * most, and a try that ends without a verdict is followed by the failure path within minutes.
 */
export const STUCK_AFTER_MS = 30 * 60_000;

/**
 * The state of a topic's schema, of its registry item and its files. The two are read one after the other, so an upload
 * that is settled in between may still be shown as pending; the next look shows its verdict.
 *
 * @param item the topic's registry item; undefined when it has none
 * @param now the present time, in milliseconds
 */
export function schemaState(
  topic: string,
  item: Document | undefined,
  { active, pending, since }: TopicFiles,
  now: number,
): SchemaState {
  const text = (name: string): string | undefined => {
    const value = item?.[name];
    return typeof value === 'string' ? value : undefined;
  };
  const version = item?.['schema_version'];
  const code = text('error_code');
  const status = text('status');
  // A rebuild makes it active, or is about to make another one active: that may take hours, and an alarm is on it.
  const waits = isHeld(item) || activatingOf(item) !== undefined;
  const waitsForRelease = pending && waits && readWaitingUpload(item) !== undefined;
  const stuck =
    pending && !waitsForRelease && since.pending !== undefined && now - since.pending.getTime() > STUCK_AFTER_MS;
  const failed =
    code === undefined
      ? null
      : { code, message: text('error_message') ?? '', since: iso(since.error) ?? text('updated_at') ?? null };
  // A refused upload stays under pending/ until its report is written; a later one is the answer to the report.
  const later = pending && since.pending !== undefined && since.pending.getTime() > Date.parse(failed?.since ?? '');
  return {
    topic,
    state: stuck ? 'STUCK' : failed && !later ? 'FAILED' : pending ? 'PENDING' : active ? 'ACTIVE' : 'NONE',
    active: active ? { version: typeof version === 'number' ? version : null, since: iso(since.active) } : null,
    pending: pending ? { since: iso(since.pending), waitsForRelease } : null,
    failed,
    operatorStatus: status === 'MAINTENANCE' || status === 'REBUILDING' ? status : null,
  };
}

/** Whether somebody has to do something about a schema. */
export function isWrong({ state }: SchemaState): boolean {
  return state === SCHEMA_STATES.stuck || state === SCHEMA_STATES.failed;
}

const ORDER: readonly SchemaStateName[] = Object.values(SCHEMA_STATES);

/** Orders states for people: what is wrong first, and within that by topic. */
export function worstFirst(one: SchemaState, other: SchemaState): number {
  return ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || (one.topic < other.topic ? -1 : 1);
}

function iso(date: Date | undefined): string | null {
  return date === undefined ? null : date.toISOString();
}
