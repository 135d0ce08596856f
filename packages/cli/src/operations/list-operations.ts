import { isLock, lockKeyOf, readLock, readOperation, type Operation, type OperationState } from '@lean-ops/common/core';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { isDead } from './follow';

export interface OperationFilter {
  readonly topic: string | undefined;
  readonly state: OperationState | undefined;
  readonly limit: number;
}

/** An operation, with what only a look at its lock and its execution says. It is part of `--format json`. */
export interface ListedOperation extends Operation {
  /** Whether it has its topic: no other operation can be at work on that until this one has ended. */
  readonly hasLock: boolean;
  /** Whether it is RUNNING and nobody works on it. */
  readonly dead: boolean;
}

/** The newest operations, the newest first. One scan, and a look at the execution of each that runs. */
export async function listOperations(
  { topic, state, limit }: OperationFilter,
  deployment: OperationsDeployment,
  operator: Pick<Operator, 'documents' | 'machine'>,
): Promise<ListedOperation[]> {
  const items = await operator.documents.scan(deployment.operationsTable);
  const holders = new Set(items.filter(isLock).map((item) => readLock(item)?.holder));
  const operations = items
    .flatMap((item) => readOperation(item) ?? [])
    .filter((one) => (topic === undefined || one.topic === topic) && (state === undefined || one.state === state))
    .sort((a, b) => (a.operationId < b.operationId ? 1 : -1))
    .slice(0, limit);
  return Promise.all(operations.map((one) => looked(one, holders.has(one.operationId), deployment, operator)));
}

/** One operation with its lock and its execution looked at. */
export async function withLook(
  operation: Operation,
  deployment: OperationsDeployment,
  operator: Pick<Operator, 'documents' | 'machine'>,
): Promise<ListedOperation> {
  const lock = readLock(await operator.documents.get(deployment.operationsTable, lockKeyOf(operation.topic)));
  return looked(operation, lock?.holder === operation.operationId, deployment, operator);
}

async function looked(
  operation: Operation,
  hasLock: boolean,
  deployment: OperationsDeployment,
  operator: Pick<Operator, 'documents' | 'machine'>,
): Promise<ListedOperation> {
  return { ...operation, hasLock, dead: await isDead(operation, deployment, operator) };
}

/** Whether somebody has to resume or cancel an operation. */
export function isStuck({ state, hasLock, dead }: ListedOperation): boolean {
  return dead || (state === 'FAILED' && hasLock);
}
