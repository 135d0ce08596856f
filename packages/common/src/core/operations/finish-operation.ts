/** How an operation ends: it succeeded, failed or was cancelled, and its topic is given back or stays held. */
import { absent, all, equals, present, type Condition, type Document } from '../condition';
import { epochOf, isHeld, readHold, type Hold } from './hold';
import { readLock, WORKING_KINDS, type Operation, type OperationState } from './operation';
import { dropKeys, ended, isEnded, refused, unchanged, unlock, writeOf } from './operation-writes';
import { activatingOf, isSwapping, swapsTables } from './schema-activation';
import type { Decision, OperationFacts, OperationWrite } from './transitions';

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
  if (!swapsTables(operation)) return undefined;
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
