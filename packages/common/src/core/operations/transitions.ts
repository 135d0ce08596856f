/**
 * The transitions of an operation, as pure decisions: from what the tables say now to the writes that take it one step on.
 * All writes of a decision are one transaction, so a step is done or not done, and a repeated one recognises that it is done.
 */
import { absent, all, equals, present, type Condition, type Document } from '../condition';
import { isObject } from '../json/value';
import { tableNameOf } from '../topic';
import { activatingOf, isSwapping, schemaActivationOf } from './schema-activation';
import { epochOf, isHeld, readHold, type Hold } from './hold';
import {
  forgottenKeysOf,
  lockItem,
  lockKeyOf,
  operationItem,
  readLock,
  WORKING_KINDS,
  type Operation,
  type OperationState,
} from './operation';

/** The table that a write goes to: operations and their locks, or the schema registry. */
export type OperationTable = 'operations' | 'registry';

export type OperationWrite =
  | { readonly op: 'put'; readonly table: OperationTable; readonly document: Document; readonly condition: Condition }
  | {
      readonly op: 'update';
      readonly table: OperationTable;
      readonly key: Document;
      readonly set: Document;
      readonly remove: readonly string[];
      readonly condition: Condition;
    }
  | { readonly op: 'delete'; readonly table: OperationTable; readonly key: Document; readonly condition: Condition };

/** Why a step cannot be done, by code. */
export type RefusalCode =
  | 'OPERATION_ENDED'
  | 'LOCK_LOST'
  | 'PLAN_STALE'
  | 'ALREADY_HELD'
  | 'NOT_HELD'
  | 'HELD_OTHERWISE'
  | 'SWAPPING'
  | 'EXECUTION_SUPERSEDED';

/**
 * What to do next: write, where a write that is refused means that somebody else was faster, so that one reads and decides
 * again; nothing, because the step's end state is there; or nothing, because it must not be done.
 */
export type Decision =
  | { readonly kind: 'write'; readonly writes: readonly OperationWrite[]; readonly operation: Operation }
  | { readonly kind: 'done'; readonly operation: Operation }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string };

/** What a transition is decided on. */
export interface OperationFacts {
  readonly operation: Operation;
  /** The item of the topic's lock, and of the topic in the registry; undefined where there is none. */
  readonly lock: Document | undefined;
  readonly topicItem: Document | undefined;
  readonly now: Date;
}

/** Takes the lock and puts the operation there. It is refused where the topic's lock is taken. The CLI does it. */
export function requestWrites(operation: Operation): readonly OperationWrite[] {
  return [
    { op: 'put', table: 'operations', document: lockItem(operation), condition: absent('operation_id') },
    { op: 'put', table: 'operations', document: operationItem(operation), condition: absent('operation_id') },
  ];
}

/**
 * Begins an operation, or takes up one that failed. A hold, and whatever works on the tables, holds the topic in the registry and
 * raises its epoch; a release only looks that the topic is held. Work on a topic that is held already changes nothing there.
 *
 * A rebuild begins twice: first it is only noted that it builds, and the topic is held once that is done.
 */
export function beginOperation(facts: OperationFacts, executionArn: string): Decision {
  const { operation, lock, topicItem, now } = facts;
  if (isEnded(operation.state)) return ended(operation);
  if (readLock(lock)?.holder !== operation.operationId) {
    return refused('LOCK_LOST', `the lock of ${operation.topic} is not that of ${operation.operationId} any more`);
  }
  const running = {
    ...operation,
    state: 'RUNNING' as const,
    executionArn,
    error: undefined,
    endedAt: undefined,
    updatedAt: now.toISOString(),
  };
  const builds = operation.kind === 'rebuild' && operation.step === 'REQUESTED';
  if (operation.step !== 'REQUESTED' && operation.step !== 'BUILT') {
    if (operation.state === 'RUNNING' && operation.executionArn === executionArn) return { kind: 'done', operation };
    return { kind: 'write', writes: [writeOf(operation, running)], operation: running };
  }
  const refusal = refusalOf(operation, topicItem);
  if (refusal !== undefined) return refusal;
  if (builds) {
    const building = { ...running, step: 'BUILDING' as const };
    const writes = [unchangedTopic(operation, topicItem), writeOf(operation, building)];
    return { kind: 'write', writes, operation: building };
  }
  const begun = { ...running, step: 'BEGUN' as const };
  return {
    kind: 'write',
    writes: [beginningOf(operation, topicItem, now), writeOf(operation, begun)],
    operation: begun,
  };
}

/** The write on the topic with which an operation begins. */
function beginningOf(operation: Operation, topicItem: Document | undefined, now: Date): OperationWrite {
  if (extendedBy(operation) !== undefined) return extensionWrite(operation, topicItem, now);
  const holds = operation.kind === 'hold' || (WORKING_KINDS.has(operation.kind) && !isHeld(topicItem));
  return holds ? holdWrite(operation, topicItem, now) : unchangedTopic(operation, topicItem);
}

/** The operation whose hold a hold gives a new end to; undefined where it is a hold of its own. */
function extendedBy({ kind, plan }: Operation): string | undefined {
  const extended = plan['extends'];
  return kind === 'hold' && typeof extended === 'string' ? extended : undefined;
}

function refusalOf(operation: Operation, topicItem: Document | undefined): Decision | undefined {
  const { kind, topic, plan } = operation;
  const epoch = epochOf(topicItem);
  const planned = plan['epoch'];
  if (typeof planned === 'number' && planned !== epoch) {
    return refused('PLAN_STALE', `${topic} was held since the plan was made: its epoch was ${planned} and is ${epoch}`);
  }
  const hold = readHold(topicItem);
  const extended = extendedBy(operation);
  if (extended !== undefined) {
    if (isHeld(topicItem) && hold?.operationId === extended) return undefined;
    return refused('PLAN_STALE', `the hold ${extended} of ${topic}, which was to have a new end, is over`);
  }
  if (kind === 'hold' && hold !== undefined) {
    return refused('ALREADY_HELD', `${topic} is held by ${hold.operationId} since ${hold.since}: release it first`);
  }
  if (topicItem?.['status'] === 'REBUILDING') return refused('HELD_OTHERWISE', `${topic} is being rebuilt`);
  if (kind === 'release' && !isHeld(topicItem)) return refused('NOT_HELD', `${topic} is not held`);
  return undefined;
}

function holdWrite(operation: Operation, item: Document | undefined, now: Date): OperationWrite {
  const { operationId, topic, requestedBy, reason, until } = operation;
  const statusBefore = isHeld(item) ? 'READY' : item?.['status'];
  const hold = {
    operation_id: operationId,
    by: requestedBy,
    reason,
    since: now.toISOString(),
    ...(until !== undefined && { until }),
    ...(typeof statusBefore === 'string' && { status_before: statusBefore }),
  };
  return {
    op: 'update',
    table: 'registry',
    key: { topic_name: topic },
    set: {
      status: 'MAINTENANCE',
      epoch: epochOf(item) + 1,
      hold,
      ...(item?.['table_name'] === undefined && { table_name: tableNameOf(topic) }),
      ...activatingBy(operation),
      updated_at: now.toISOString(),
    },
    remove: [],
    condition: all(unchanged(item, 'epoch'), unchanged(item, 'status')),
  };
}

/** The mark on the topic of an operation that is to make a schema active: uploads wait for its end, and are compared with that. */
function activatingBy(operation: Operation): Document {
  return schemaActivationOf(operation) === undefined ? {} : { activating: operation.operationId };
}

/** Gives a hold a new end, and changes nothing else: no writer gets at the tables in between. */
function extensionWrite({ topic, until }: Operation, item: Document | undefined, now: Date): OperationWrite {
  const hold = isObject(item?.['hold']) ? (item['hold'] as Document) : {};
  return {
    op: 'update',
    table: 'registry',
    key: { topic_name: topic },
    set: { hold: { ...hold, ...(until !== undefined && { until }) }, updated_at: now.toISOString() },
    remove: [],
    condition: all(
      unchanged(item, 'epoch'),
      unchanged(item, 'status'),
      equals('hold.operation_id', readHold(item)?.operationId ?? ''),
    ),
  };
}

/**
 * A write that only marks the topic of an operation that makes a schema active, and otherwise changes nothing. It fails when the
 * topic has been held or released since it was read.
 */
function unchangedTopic(operation: Operation, item: Document | undefined): OperationWrite {
  return {
    op: 'update',
    table: 'registry',
    key: { topic_name: operation.topic },
    set: { epoch: epochOf(item), ...activatingBy(operation) },
    remove: [],
    condition: all(unchanged(item, 'epoch'), unchanged(item, 'status')),
  };
}

/** Notes that the topic is drained. */
export function markDrained(facts: OperationFacts): Decision {
  const { operation, now } = facts;
  if (operation.state !== 'RUNNING') return ended(operation);
  if (operation.step !== 'BEGUN') return { kind: 'done', operation };
  const drained = { ...operation, step: 'DRAINED' as const, updatedAt: now.toISOString() };
  return { kind: 'write', writes: [writeOf(operation, drained)], operation: drained };
}

/** How an execution ended for its operation. */
export type OperationOutcome =
  | { readonly outcome: 'SUCCEEDED' }
  | { readonly outcome: 'FAILED'; readonly error: string; readonly executionArn: string }
  | { readonly outcome: 'CANCELLED' };

/**
 * Ends an operation. One that succeeded or is cancelled gives its lock back, and the topic too where the operation was to
 * release it, or had held it for itself. Work that is cancelled raises the topic's epoch, so that its job cannot commit after the
 * next writer has. One that failed keeps the lock, unless it never began: then nothing has changed.
 */
export function finishOperation(facts: OperationFacts, how: OperationOutcome): Decision {
  const { operation, topicItem, now } = facts;
  if (isEnded(operation.state)) {
    const wanted: OperationState = how.outcome === 'CANCELLED' ? 'CANCELLED' : 'DONE';
    return how.outcome !== 'FAILED' && operation.state === wanted ? { kind: 'done', operation } : ended(operation);
  }
  const at = { updatedAt: now.toISOString(), endedAt: now.toISOString() };
  if (how.outcome === 'FAILED') {
    if (operation.executionArn !== undefined && operation.executionArn !== how.executionArn) {
      return refused('EXECUTION_SUPERSEDED', `another execution has taken up ${operation.operationId}`);
    }
    if (operation.state === 'FAILED') return { kind: 'done', operation };
    const failed: Operation = { ...operation, ...at, state: 'FAILED', error: how.error };
    const began = operation.step !== 'REQUESTED';
    return {
      kind: 'write',
      writes: [
        writeOf(operation, failed),
        ...(began ? [] : [unlock(operation), ...unmarked(operation, facts), ...dropKeys(operation)]),
      ],
      operation: failed,
    };
  }
  if (how.outcome === 'CANCELLED' && isSwapping(operation)) {
    return refused(
      'SWAPPING',
      `the tables of ${operation.topic} are being swapped, or were: resume ${operation.operationId}, and undo it after that`,
    );
  }
  const over: Operation = {
    ...operation,
    ...at,
    state: how.outcome === 'CANCELLED' ? 'CANCELLED' : 'DONE',
    step: 'ENDED',
    error: undefined,
  };
  const givesBack = topicIsGivenBack(operation, readHold(topicItem), how.outcome) && isHeld(topicItem);
  // Its job may still be at work, and would commit after the topic was given back.
  const hasHeld = !['REQUESTED', 'BUILDING', 'BUILT'].includes(operation.step);
  const fences = WORKING_KINDS.has(operation.kind) && how.outcome === 'CANCELLED' && hasHeld;
  return {
    kind: 'write',
    writes: [
      { ...writeOf(operation, over), ...(how.outcome === 'CANCELLED' && notSwapping(operation)) },
      ...(facts.lock !== undefined && readLock(facts.lock)?.holder === operation.operationId
        ? [unlock(operation)]
        : []),
      ...dropKeys(operation),
      ...(topicItem !== undefined && (givesBack || fences)
        ? [topicWrite(operation, topicItem, now, { givesBack, fences })]
        : unmarked(operation, facts)),
    ],
    operation: over,
  };
}

/** The condition of a cancellation that the job has not begun to swap since the operation was read. */
function notSwapping(operation: Operation): { readonly condition: Condition } | undefined {
  if (operation.kind !== 'rebuild') return undefined;
  return {
    condition: all(equals('state', operation.state), equals('step', operation.step), absent('counts.swapping')),
  };
}

/** The write that takes this operation's mark off its topic; none where it has none there. */
function unmarked(operation: Operation, { topicItem, now }: OperationFacts): OperationWrite[] {
  if (activatingOf(topicItem) !== operation.operationId) return [];
  return [
    {
      op: 'update',
      table: 'registry',
      key: { topic_name: operation.topic },
      set: { updated_at: now.toISOString() },
      remove: ['activating'],
      condition: equals('activating', operation.operationId),
    },
  ];
}

function topicIsGivenBack(
  { kind, operationId, plan }: Operation,
  hold: Hold | undefined,
  outcome: 'SUCCEEDED' | 'CANCELLED',
): boolean {
  if (kind === 'release') return outcome === 'SUCCEEDED';
  const isOwn = hold?.operationId === operationId;
  const staysHeld = kind === 'hold' || plan['hold_after'] === true;
  return staysHeld ? isOwn && outcome === 'CANCELLED' : isOwn;
}

/**
 * Gives a topic back, closes it to the writers of its epoch until now, or both. The time of the release is when the topic begins
 * to catch up: from then on it can be late for what waited.
 */
function topicWrite(
  { kind, operationId, plan, topic }: Operation,
  item: Document,
  now: Date,
  { givesBack, fences }: { readonly givesBack: boolean; readonly fences: boolean },
): OperationWrite {
  const status = statusAfter(item);
  return {
    op: 'update',
    table: 'registry',
    key: { topic_name: topic },
    set: {
      ...(givesBack && status !== undefined && { status }),
      ...(fences && { epoch: epochOf(item) + 1 }),
      // Standardized compares it with the cycles that it does not find any more.
      ...(givesBack && kind === 'release' && plan['accept_gap'] === true && { gap_accepted: operationId }),
      ...(givesBack && { released_at: now.toISOString() }),
      updated_at: now.toISOString(),
    },
    remove: [
      ...(givesBack ? ['hold', ...(status === undefined ? ['status'] : [])] : []),
      ...(activatingOf(item) === operationId ? ['activating'] : []),
    ],
    condition: all(
      unchanged(item, 'epoch'),
      unchanged(item, 'status'),
      unchanged(item, 'error_code'),
      item['hold'] === undefined ? absent('hold') : present('hold'),
    ),
  };
}

/**
 * The status that a released topic has. A verdict on a schema may have come while the topic was held, and `error_code` says
 * which; so it decides between READY and ERROR.
 */
function statusAfter(item: Document): string | undefined {
  const before = readHold(item)?.statusBefore ?? (readHold(item) === undefined ? 'READY' : undefined);
  const isVerdict = before === 'READY' || before === 'ERROR' || item['processing_enabled'] !== undefined;
  if (!isVerdict) return before;
  return item['error_code'] === undefined ? 'READY' : 'ERROR';
}

function isEnded(state: OperationState): boolean {
  return state === 'DONE' || state === 'CANCELLED';
}

function ended({ operationId, state, endedAt }: Operation): Decision {
  return refused('OPERATION_ENDED', `${operationId} is ${state}${endedAt === undefined ? '' : ` since ${endedAt}`}`);
}

function refused(code: RefusalCode, message: string): Decision {
  return { kind: 'refused', code, message };
}

/** The change of an operation's item, on the condition that nobody has moved it on since it was read. */
function writeOf(before: Operation, after: Operation): OperationWrite {
  const from = operationItem(before);
  const to = operationItem(after);
  const { operationId: id } = before;
  return {
    op: 'update',
    table: 'operations',
    key: { operation_id: id },
    // The Glue job writes counts and whether the row is recorded; what it wrote stays.
    set: pick(to, ['state', 'step', 'updated_at', 'ended_at', 'execution_arn', 'error']),
    remove: ['ended_at', 'execution_arn', 'error'].filter((name) => name in from && !(name in to)),
    condition: all(equals('state', before.state), equals('step', before.step)),
  };
}

function unlock({ operationId, topic }: Operation): OperationWrite {
  return { op: 'delete', table: 'operations', key: lockKeyOf(topic), condition: equals('holder', operationId) };
}

/** What an erasure was about must not outlive it. The condition holds also where the Glue job has deleted it. */
function dropKeys({ kind, operationId }: Operation): OperationWrite[] {
  if (kind !== 'forget') return [];
  return [{ op: 'delete', table: 'operations', key: forgottenKeysOf(operationId), condition: absent('kind') }];
}

function pick(document: Document, names: readonly string[]): Document {
  return Object.fromEntries(Object.entries(document).filter(([name]) => names.includes(name)));
}

/** The condition that an attribute of a text, number or boolean is still what was read. */
export function unchanged(item: Document | undefined, attribute: string): Condition {
  const value = item?.[attribute];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? equals(attribute, value)
    : absent(attribute);
}
