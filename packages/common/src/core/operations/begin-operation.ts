/** How an operation begins: its topic is held, or only looked at, and drained of those who wrote before. */
import { all, equals, type Document } from '../condition';
import { isObject } from '../json/value';
import { tableNameOf } from '../topic';
import { epochOf, isHeld, readHold } from './hold';
import { readLock, WORKING_KINDS, type Operation } from './operation';
import { ended, isEnded, refused, unchanged, writeOf } from './operation-writes';
import { schemaActivationOf } from './schema-activation';
import type { Decision, OperationFacts, OperationWrite } from './transitions';

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
  const overtaken = overtakenSchema(operation, topicItem);
  if (overtaken !== undefined) return overtaken;
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

/**
 * Why an operation must not make its schema active any more: another one has become active since its plan compared the two. A text that
 * an upload brought is not asked about: the topic has the mark since that moment, so no other upload has become active.
 */
function overtakenSchema(operation: Operation, topicItem: Document | undefined): Decision | undefined {
  const { topic, plan } = operation;
  const activation = schemaActivationOf(operation);
  const [planned, now] = [plan['active_version'], topicItem?.['schema_version']];
  if (activation === undefined || activation.upload !== undefined) return undefined;
  if (typeof planned !== 'number' || typeof now !== 'number' || planned === now) return undefined;
  return refused(
    'PLAN_STALE',
    `version ${now} of the schema of ${topic} has become active since the plan was made under version ${planned}`,
  );
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

/** Notes that the topic is drained. It is refused where an upload that was at work before has made another schema active. */
export function markDrained(facts: OperationFacts): Decision {
  const { operation, topicItem, now } = facts;
  if (operation.state !== 'RUNNING') return ended(operation);
  if (operation.step !== 'BEGUN') return { kind: 'done', operation };
  const overtaken = overtakenSchema(operation, topicItem);
  if (overtaken !== undefined) return overtaken;
  const drained = { ...operation, step: 'DRAINED' as const, updatedAt: now.toISOString() };
  return { kind: 'write', writes: [writeOf(operation, drained)], operation: drained };
}
