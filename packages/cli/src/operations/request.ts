import { isPreconditionFailed, requestOperation, type OperationTables } from '@lean-ops/common/aws';
import { messageOf, newOperation, operationIdOf, type Operation } from '@lean-ops/common/core';
import { CliError } from '../errors';
import type { OperationsDeployment } from '../pipeline/deployment';
import type { Operator } from '../pipeline/operator';
import { busyWith, planDocument, type Refusal, type TopicPlan, type WorkPlan } from './plan';
import { readSituation } from './situation';

export interface Request {
  readonly plan: TopicPlan;
  readonly reason: string;
}

export type Requested =
  { readonly ok: true; readonly operation: Operation } | { readonly ok: false; readonly refusal: Refusal };

/** How often a lock is tried for that nobody has, and that a write at the same moment has kept away. */
const MAX_TRIES = 5;

export function tablesOf({ operationsTable, registryTable }: OperationsDeployment): OperationTables {
  return { operations: operationsTable, registry: registryTable };
}

/**
 * Takes the topic's lock and puts the operation there, then starts the state machine, which does the rest. A caller that dies in
 * between leaves an operation that has begun nothing and that `op resume` starts, or `op cancel` ends.
 *
 * @throws CliError when the start was not confirmed; the operation then is as that of a caller that died
 */
export async function requestPlanned(
  { plan, reason }: Request,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<Requested> {
  if ('text' in plan) await putText(plan.text, operator);
  const requestedBy = await operator.caller();
  const now = new Date(operator.clock.now());
  const { kind, topic } = plan;
  const operation = newOperation(
    {
      operationId: operationIdOf(now, kind, operator.hex()),
      kind,
      topic,
      requestedBy,
      reason,
      until: plan.kind === 'hold' ? plan.until : undefined,
      plan: planDocument(plan),
    },
    now,
  );
  const refusal = await takeLock(operation, deployment, operator);
  if (refusal !== undefined) return { ok: false, refusal };
  const besides = plan.kind === 'forget' ? plan.besides?.(operation.operationId) : undefined;
  if (besides !== undefined) await operator.documents.put(deployment.operationsTable, besides);
  try {
    await operator.machine.start(operation.operationId, { operation_id: operation.operationId });
  } catch (error) {
    const { operationId } = operation;
    throw new CliError(
      `${operationId} has its topic, but its start was not confirmed: ${messageOf(error)}. To start it, or see that it runs: ` +
        `lean-ops op resume ${operationId}. To take it back: lean-ops op cancel ${operationId}.`,
      { cause: error },
    );
  }
  return { ok: true, operation };
}

/** Puts a text there under a key that names its content, so that one that is there already is the same. */
async function putText({ bucket, key, body }: NonNullable<WorkPlan['text']>, { objects }: Operator): Promise<void> {
  try {
    await objects.put(bucket, key, body, { onlyIfAbsent: true });
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error;
  }
}

async function takeLock(
  operation: Operation,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<Refusal | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if (await requestOperation(operator.documents, tablesOf(deployment), operation)) return undefined;
    const situation = await readSituation(operation.topic, deployment, operator);
    // The SDK sends a request again whose answer was lost, and the second one finds the lock of the first.
    if (situation.lock?.holder === operation.operationId) return undefined;
    const busy = busyWith(situation);
    if (busy !== undefined) return busy;
  }
  throw new CliError(`others kept taking the lock of ${operation.topic}: try again.`);
}
