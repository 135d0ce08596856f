/** Writes and answers that several transitions of an operation have in common. */
import { absent, all, equals, type Condition, type Document } from '../condition';
import { forgottenKeysOf, lockItem, lockKeyOf, operationItem, type Operation, type OperationState } from './operation';
import type { Decision, OperationWrite, RefusalCode } from './transitions';

/** Takes the lock and puts the operation there. It is refused where the topic's lock is taken. The CLI does it. */
export function requestWrites(operation: Operation): readonly OperationWrite[] {
  return [
    { op: 'put', table: 'operations', document: lockItem(operation), condition: absent('operation_id') },
    { op: 'put', table: 'operations', document: operationItem(operation), condition: absent('operation_id') },
  ];
}

export function isEnded(state: OperationState): boolean {
  return state === 'DONE' || state === 'CANCELLED';
}

export function ended({ operationId, state, endedAt }: Operation): Decision {
  return refused('OPERATION_ENDED', `${operationId} is ${state}${endedAt === undefined ? '' : ` since ${endedAt}`}`);
}

export function refused(code: RefusalCode, message: string): Decision {
  return { kind: 'refused', code, message };
}

/** The change of an operation's item, on the condition that nobody has moved it on since it was read. */
export function writeOf(before: Operation, after: Operation): OperationWrite {
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

export function unlock({ operationId, topic }: Operation): OperationWrite {
  return { op: 'delete', table: 'operations', key: lockKeyOf(topic), condition: equals('holder', operationId) };
}

/** What an erasure was about must not outlive it. The condition holds also where the Glue job has deleted it. */
export function dropKeys({ kind, operationId }: Operation): OperationWrite[] {
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
