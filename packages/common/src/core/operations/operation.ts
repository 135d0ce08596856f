/**
 * An operation: one thing that somebody does to one topic, from its request to its end. It is an item of the DynamoDB table
 * `{prefix}-operations`. docs/decisions/0039-operations-frame.md says who writes which attribute, and when.
 */
import type { Document } from '../condition';
import { isTopicName, type TopicName } from '../topic';

export const OPERATION_KINDS = ['hold', 'release', 'compact', 'rewind', 'undo', 'rebuild', 'forget', 'replay'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/**
 * The kinds that work on a topic's tables and hold the topic for as long as that takes. One that was held before stays held, and
 * with `hold_after` in the plan so does any other.
 */
export const WORKING_KINDS: ReadonlySet<OperationKind> = new Set([
  'compact',
  'rewind',
  'undo',
  'rebuild',
  'forget',
  'replay',
]);

/** RUNNING until it ends. A FAILED operation keeps its topic's lock: it is resumed, and RUNNING again, or cancelled. */
export const OPERATION_STATES = ['RUNNING', 'DONE', 'FAILED', 'CANCELLED'] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

/**
 * The steps in their order. Each is the last one that has been done:
 * - REQUESTED: the item and the lock are there, and nothing else has changed.
 * - BUILDING: a rebuild only. Its tables are built beside those that people read, while cycles go on.
 * - BUILT: a rebuild only. The Glue job has built them. The job sets it.
 * - BEGUN: the registry holds the topic (all but a release). From here on the operation is resumed or cancelled, never forgotten.
 * - DRAINED: no cycle and no DDL that began before is at work any more.
 * - APPLIED: the Glue job has done its part. The job sets it.
 * - ENDED: the registry, the lock and the state are final.
 */
export const OPERATION_STEPS = ['REQUESTED', 'BUILDING', 'BUILT', 'BEGUN', 'DRAINED', 'APPLIED', 'ENDED'] as const;
export type OperationStep = (typeof OPERATION_STEPS)[number];

/** Times are ISO texts in UTC. */
export interface Operation {
  /** Time, kind and six hex digits: `20261130T062500Z-hold-ab12cd`. */
  readonly operationId: string;
  readonly kind: OperationKind;
  readonly topic: TopicName;
  readonly state: OperationState;
  readonly step: OperationStep;
  /** The ARN of the caller. */
  readonly requestedBy: string;
  readonly reason: string;
  /** When a hold should be over; past it an alarm goes off. */
  readonly until?: string | undefined;
  /** What the operator saw. Its `epoch`, where there is one, must still be the topic's when the operation begins. */
  readonly plan: Document;
  readonly planDigest: string;
  /** What was done, in numbers. The Glue job writes them. */
  readonly counts: Document;
  readonly requestedAt: string;
  readonly updatedAt: string;
  readonly endedAt?: string | undefined;
  /** The execution that works on it, or worked on it last. */
  readonly executionArn?: string | undefined;
  readonly error?: string | undefined;
  /** Whether its row is in `{p}_ops.operations`. */
  readonly recorded: boolean;
}

const ID = /^(?<time>\d{8}T\d{6}Z)-(?<kind>[a-z]+)-[0-9a-f]{6}$/;

/**
 * Makes an operation's id, which sorts by time.
 *
 * @param hex six random hexadecimal digits
 */
export function operationIdOf(at: Date, kind: OperationKind, hex: string): string {
  const time = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  return `${time}-${kind}-${hex}`;
}

export function isOperationId(text: string): boolean {
  const kind = ID.exec(text)?.groups?.['kind'];
  return OPERATION_KINDS.some((one) => one === kind);
}

/** The key of a topic's lock. No operation's id has a `#`. */
export function lockKeyOf(topic: string): { readonly operation_id: string } {
  return { operation_id: `topic#${topic}` };
}

/** The key of the item with what an operation is to forget. It is deleted when the operation ends, or has done it. */
export function forgottenKeysOf(operationId: string): { readonly operation_id: string } {
  return { operation_id: `keys#${operationId}` };
}

/** Whether an item of the operations table is a lock and no operation. */
export function isLock(item: Document): boolean {
  const id = item['operation_id'];
  return typeof id === 'string' && id.startsWith('topic#');
}

/** The operation that holds a topic, and since when. */
export interface TopicLock {
  readonly topic: string;
  readonly holder: string;
  readonly since: string;
}

/** Reads a topic's lock; undefined for anything else. */
export function readLock(item: Document | undefined): TopicLock | undefined {
  if (item === undefined || !isLock(item)) return undefined;
  return {
    topic: textOf(item, 'operation_id').slice('topic#'.length),
    holder: textOf(item, 'holder'),
    since: textOf(item, 'since'),
  };
}

export function lockItem({ operationId, topic, requestedAt }: Operation): Document {
  return { ...lockKeyOf(topic), holder: operationId, since: requestedAt };
}

/** An operation as an item. Attributes without a value are left out. */
export function operationItem(operation: Operation): Document {
  const { until, endedAt, executionArn, error } = operation;
  return {
    operation_id: operation.operationId,
    kind: operation.kind,
    topic: operation.topic,
    state: operation.state,
    step: operation.step,
    requested_by: operation.requestedBy,
    reason: operation.reason,
    ...(until !== undefined && { until }),
    plan: operation.plan,
    plan_digest: operation.planDigest,
    counts: operation.counts,
    requested_at: operation.requestedAt,
    updated_at: operation.updatedAt,
    ...(endedAt !== undefined && { ended_at: endedAt }),
    ...(executionArn !== undefined && { execution_arn: executionArn }),
    ...(error !== undefined && { error }),
    recorded: operation.recorded,
  };
}

/** Reads an operation; undefined for a lock, or for an item that is not of this version's kinds, states and steps. */
export function readOperation(item: Document | undefined): Operation | undefined {
  if (item === undefined || isLock(item)) return undefined;
  const kind = oneOf(OPERATION_KINDS, item['kind']);
  const state = oneOf(OPERATION_STATES, item['state']);
  const step = oneOf(OPERATION_STEPS, item['step']);
  const topic = textOf(item, 'topic');
  if (kind === undefined || state === undefined || step === undefined || !isTopicName(topic)) return undefined;
  return {
    operationId: textOf(item, 'operation_id'),
    kind,
    topic,
    state,
    step,
    requestedBy: textOf(item, 'requested_by'),
    reason: textOf(item, 'reason'),
    ...optional(item, 'until', 'until'),
    plan: mapOf(item, 'plan'),
    planDigest: textOf(item, 'plan_digest'),
    counts: mapOf(item, 'counts'),
    requestedAt: textOf(item, 'requested_at'),
    updatedAt: textOf(item, 'updated_at'),
    ...optional(item, 'ended_at', 'endedAt'),
    ...optional(item, 'execution_arn', 'executionArn'),
    ...optional(item, 'error', 'error'),
    recorded: item['recorded'] === true,
  };
}

/**
 * Whether somebody has to resume or cancel an operation: it failed, or it runs and nothing has changed for longer than an execution
 * may last, so that its execution is over.
 *
 * @param now epoch milliseconds
 */
export function isStalled(
  { state, updatedAt }: Pick<Operation, 'state' | 'updatedAt'>,
  now: number,
  timeoutMs: number,
): boolean {
  return state === 'FAILED' || (state === 'RUNNING' && now - Date.parse(updatedAt) > timeoutMs);
}

function oneOf<T extends string>(words: readonly T[], value: unknown): T | undefined {
  return words.find((word) => word === value);
}

function textOf(item: Document, name: string): string {
  const value = item[name];
  return typeof value === 'string' ? value : '';
}

function optional<K extends string>(item: Document, name: string, member: K): Partial<Record<K, string>> {
  const value = item[name];
  return typeof value === 'string' ? ({ [member]: value } as Record<K, string>) : {};
}

/** A member that is a map, as a document; empty where there is none. */
function mapOf(item: Document, name: string): Document {
  const value = item[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Document) : {};
}
