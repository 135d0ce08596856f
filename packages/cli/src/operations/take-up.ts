/** Taking up an operation that failed or whose execution died, and cancelling one. */
import { executionArnOf } from '@lean-ops/common/aws';
import { isSwapping, lockKeyOf, readLock, type Document, type Operation } from '@lean-ops/common/core';
import { CliError } from '../errors';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { executionOf, isOver, readKnown } from './follow';
import type { Refusal } from './plan';
import type { Requested } from './request';

/** More executions than anybody resumes one operation by. */
const MAX_EXECUTIONS = 100;

/**
 * Starts an execution for an operation that nobody works on. Every step recognises what is done, so it goes on from there. Two
 * callers at once start the same execution, as both give it the same name.
 *
 * @returns the operation as it was, with the ARN of the new execution
 */
export async function resumeOperation(
  operationId: string,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<Requested> {
  const operation = await readKnown(operationId, deployment, operator);
  const { documents } = operator;
  if (operation.state === 'DONE' || operation.state === 'CANCELLED') return ended(operation);
  const lock = readLock(await documents.get(deployment.operationsTable, lockKeyOf(operation.topic)));
  if (lock?.holder !== operationId) {
    const message = `${operationId} never began, and gave its topic back: ask for it anew`;
    return { ok: false, refusal: { code: 'LOCK_LOST', message, next: `lean-ops topic status ${operation.topic}` } };
  }
  if (operation.state === 'RUNNING' && !isOver(await executionOf(operation, deployment, operator))) {
    return {
      ok: false,
      refusal: {
        code: 'OPERATION_RUNS',
        message: `${operationId} is at work: nothing is to be resumed`,
        next: `lean-ops op show ${operationId}`,
      },
    };
  }
  const arn = await startAnew('r', resumesOf(operation), operation, { operation_id: operationId }, operator);
  return { ok: true, operation: { ...operation, executionArn: arn } };
}

/** Starts an execution under the first name, of those with the letter, that no execution has had. */
async function startAnew(
  letter: 'r' | 'c',
  from: number,
  { operationId }: Operation,
  input: Document,
  { machine }: Pick<Operator, 'machine'>,
): Promise<string> {
  for (let count = from; count < MAX_EXECUTIONS; count += 1) {
    const name = letter === 'r' && count === 0 ? operationId : `${operationId}-${letter}${count}`;
    const arn = await machine.start(name, input);
    // A name whose execution has ended starts nothing.
    if (!isOver(await machine.describe(arn))) return arn;
  }
  throw new CliError(`${operationId} has had ${MAX_EXECUTIONS} executions: something else is wrong.`);
}

/** How many executions of the operation there were at least: the last one's name says it. */
function resumesOf({ operationId, executionArn }: Operation): number {
  if (executionArn === undefined) return 0;
  const count = new RegExp(`:${operationId}-r(\\d+)$`).exec(executionArn)?.[1];
  return Number(count ?? 0) + 1;
}

/**
 * Stops the execution, and starts one that takes the operation back: a topic that it held is given back in the state that it had.
 * What it did in tables stays, which is nothing but the number of the fence.
 *
 * @returns the operation as it was, with the ARN of the execution that cancels it, unless it is cancelled already
 */
export async function cancelOperation(
  operationId: string,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<Requested> {
  const operation = await readKnown(operationId, deployment, operator);
  if (operation.state === 'DONE') return ended(operation);
  if (operation.state === 'CANCELLED') return { ok: true, operation };
  // Its execution is not stopped for a cancellation that would be refused.
  if (isSwapping(operation)) return { ok: false, refusal: swapping(operation) };
  const working = operation.executionArn ?? executionArnOf(deployment.operationMachineArn, operationId);
  if (!isOver(await operator.machine.describe(working))) {
    await operator.machine.stop(working, `lean-ops op cancel ${operationId}`);
  }
  const input = { operation_id: operationId, action: 'cancel' };
  const arn = await startAnew('c', 0, operation, input, operator);
  return { ok: true, operation: { ...operation, executionArn: arn } };
}

/** Why a rebuild that has begun to swap its tables in is not cancelled. */
export function swapping({ operationId, topic }: Operation): Refusal {
  return {
    code: 'SWAPPING',
    message: `${operationId} is swapping the tables of ${topic} in, or has: it goes on to its end, and can be undone after that`,
    next: `lean-ops op show ${operationId}; where nobody works on it: lean-ops op resume ${operationId}`,
  };
}

function ended({ operationId, state, endedAt }: Operation): Requested {
  const since = endedAt === undefined ? '' : ` since ${endedAt}`;
  const message = `${operationId} is ${state}${since}`;
  return { ok: false, refusal: { code: 'OPERATION_ENDED', message, next: `lean-ops op show ${operationId}` } };
}
