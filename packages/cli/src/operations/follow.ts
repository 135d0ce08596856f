import { executionArnOf, getOperation, type ExecutionState } from '@lean-ops/common/aws';
import { buildProgressOf, type Operation } from '@lean-ops/common/core';
import { CliError } from '../errors';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { tablesOf } from './request';

/** How an operation went on while somebody watched it. */
export type Followed =
  | { readonly end: 'ENDED'; readonly operation: Operation }
  /** Its execution is over, and has not ended it. */
  | { readonly end: 'DIED'; readonly operation: Operation; readonly execution: ExecutionState | undefined }
  /** The time to wait is over. It goes on by itself. */
  | { readonly end: 'TIMEOUT'; readonly operation: Operation };

export interface FollowOptions {
  readonly timeoutMs: number;
  /** Takes the operation once, and whenever its step or state changes. */
  readonly onStep: (operation: Operation) => void;
  /**
   * The operation as it was when the execution that `executionArn` names was started for it: until that has begun, the item
   * still says how the execution before it ended.
   */
  readonly resumed?: Pick<Operation, 'executionArn' | 'updatedAt'>;
}

/** How far a rebuild has come, in whole per cent; undefined where it does not build or has not counted yet. */
export function buildPercent(operation: Operation): number | undefined {
  const progress = operation.step === 'BUILDING' ? buildProgressOf(operation) : undefined;
  return progress && Math.floor((100 * progress.rowsDone) / progress.rowsTotal);
}

const POLL_MS = 1_000;
/** How long nothing may change before the execution is looked at. */
const LOOK_MS = 15_000;

/** Looks after an operation until it ends, its execution does, or the time is over. It changes nothing. */
export async function followOperation(
  operationId: string,
  deployment: OperationsDeployment,
  operator: Operator,
  { timeoutMs, onStep, resumed }: FollowOptions,
): Promise<Followed> {
  const { clock } = operator;
  const deadline = clock.now() + timeoutMs;
  let shown = '';
  let changedAt = clock.now();
  const hasBegun = (operation: Operation): boolean => operation.updatedAt !== resumed?.updatedAt;
  const goesOn = (operation: Operation): boolean => operation.state === 'RUNNING' || !hasBegun(operation);
  for (;;) {
    const operation = await readKnown(operationId, deployment, operator);
    const place = `${operation.state} ${operation.step} ${buildPercent(operation) ?? ''}`;
    if (place !== shown && hasBegun(operation)) {
      // Between two looks it may have come through both last steps, and the counts belong to the first of them.
      if (operation.state === 'DONE' && shown.startsWith('RUNNING') && !shown.startsWith('RUNNING APPLIED')) {
        onStep({ ...operation, state: 'RUNNING', step: 'APPLIED' });
      }
      shown = place;
      changedAt = clock.now();
      onStep(operation);
    }
    if (!goesOn(operation)) return { end: 'ENDED', operation };
    if (clock.now() - changedAt >= LOOK_MS) {
      const executionArn = hasBegun(operation) ? operation.executionArn : resumed?.executionArn;
      const execution = await executionOf({ operationId, executionArn }, deployment, operator);
      // It may have ended the operation since the item was read.
      const again = await readKnown(operationId, deployment, operator);
      if (isOver(execution) && goesOn(again)) return { end: 'DIED', operation: again, execution };
      changedAt = clock.now();
    }
    if (clock.now() >= deadline) return { end: 'TIMEOUT', operation };
    await clock.sleep(POLL_MS);
  }
}

/** The execution that works on an operation; undefined when none was started, or it is forgotten. */
export function executionOf(
  { operationId, executionArn }: Pick<Operation, 'operationId' | 'executionArn'>,
  { operationMachineArn }: OperationsDeployment,
  { machine }: Pick<Operator, 'machine'>,
): Promise<ExecutionState | undefined> {
  return machine.describe(executionArn ?? executionArnOf(operationMachineArn, operationId));
}

/** Whether nobody works on a running operation. */
export function isOver(execution: ExecutionState | undefined): boolean {
  return execution?.status !== 'RUNNING';
}

/** Whether an operation is RUNNING and nobody works on it. It changes nothing. */
export async function isDead(
  operation: Operation,
  deployment: OperationsDeployment,
  operator: Pick<Operator, 'documents' | 'machine'>,
): Promise<boolean> {
  if (operation.state !== 'RUNNING' || !isOver(await executionOf(operation, deployment, operator))) return false;
  // The execution may have ended the operation, or another one taken it up, since the item was read.
  const now = await readKnown(operation.operationId, deployment, operator);
  return now.state === 'RUNNING' && now.executionArn === operation.executionArn;
}

/** @throws CliError when there is no such operation */
export async function readKnown(
  operationId: string,
  deployment: OperationsDeployment,
  { documents }: Pick<Operator, 'documents'>,
): Promise<Operation> {
  const operation = await getOperation(documents, tablesOf(deployment), operationId);
  if (operation !== undefined) return operation;
  throw new CliError(`there is no operation ${operationId}. lean-ops op list shows those that there are.`);
}
