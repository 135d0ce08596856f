import {
  advanceOperation,
  getOperation,
  OperationRefusedError,
  type Clock,
  type DocumentStore,
  type InvokeLater,
  type OperationTables,
} from '@lean-ops/common/aws';
import {
  beginOperation,
  finishOperation,
  isDrained,
  isHeld,
  LeanOpsError,
  markDrained,
  readCycleLease,
  readWaitingUpload,
  schemaActivationOf,
  schemaKeys,
  uploadEvent,
  type Decision,
  type Operation,
  type OperationFacts,
  type OperationOutcome,
  type RefusalCode,
} from '@lean-ops/common/core';
import type { StepRequest } from './request';
import { tablesChanged, type TablesChanged } from './tables-changed';

export interface Collaborators {
  readonly documents: DocumentStore;
  /** Invokes schema-validator, and does not wait for it. */
  readonly invokeValidator: InvokeLater;
  readonly clock: Clock;
}

/** The names of what the steps read and write. */
export interface Resources {
  readonly tables: OperationTables;
  readonly checkpointTable: string;
  readonly schemaBucket: string;
}

/** The lease of the cycles. cycle-planner takes and releases it. */
const LEASE_KEY = { topic_name: '*', layer: 'lease' } as const;

/** Seconds until the state machine asks again: soon at first, since most cycles end within minutes. */
const POLLS = { first: 5, firstFor: 600, later: 30 } as const;

/** What a step tells the state machine. */
export interface StepResult {
  readonly kind: string;
  readonly topic_name: string;
  readonly state: string;
  readonly step: string;
}

/** A step that must not be done. Trying again does not help, and nothing is broken: the operator asked for what cannot be. */
export interface StepRefusal {
  readonly refused: true;
  readonly code: RefusalCode;
  /** Begins with the code. */
  readonly message: string;
}

/** `activates`: whether the operation makes a schema active once its job has done its part. */
export type Drain =
  { readonly drained: true; readonly activates: boolean } | { readonly drained: false; readonly wait_seconds: number };

/** Does a step, and gives that it is refused as its answer: an error of the function would set off the alarm on those. */
export async function orRefusal<T extends object>(step: () => Promise<T>): Promise<T | StepRefusal> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof OperationRefusedError)) throw error;
    return { refused: true, code: error.code, message: error.message };
  }
}

/**
 * Begins the operation, or takes it up again in a new execution.
 *
 * @throws OperationRefusedError when it must not begin; nothing has changed then
 */
export async function begin(
  { operationId, executionArn }: Extract<StepRequest, { readonly action: 'begin' }>,
  resources: Resources,
  deps: Collaborators,
): Promise<StepResult> {
  return resultOf(await advance(operationId, resources, deps, (facts) => beginOperation(facts, executionArn)));
}

/** Looks whether everything that wrote to the topic before it was held is over, and notes it. */
export async function drained(operationId: string, resources: Resources, deps: Collaborators): Promise<Drain> {
  const { documents, clock } = deps;
  const operation = await getOperation(documents, resources.tables, operationId);
  if (operation === undefined) throw new LeanOpsError('OPERATION_UNKNOWN', `there is no operation ${operationId}`);
  if (operation.step === 'BEGUN') {
    const [lease, topicItem] = await Promise.all([
      documents.get(resources.checkpointTable, LEASE_KEY),
      documents.get(resources.tables.registry, { topic_name: operation.topic }),
    ]);
    if (!isDrained(operation, topicItem, readCycleLease(lease), new Date(clock.now()))) {
      const waited = (clock.now() - Date.parse(operation.updatedAt)) / 1_000;
      return { drained: false, wait_seconds: waited < POLLS.firstFor ? POLLS.first : POLLS.later };
    }
  }
  await advance(operationId, resources, deps, markDrained);
  return { drained: true, activates: schemaActivationOf(operation) !== undefined };
}

/**
 * Ends the operation. When its topic is not held any more, an upload that waited for that is given to schema-validator again, as
 * its event was. A repeated call does so again, which the validator recognises. Where the operation has changed what readers
 * find in the tables, the answer has `change`, which the state machine puts on the event bus.
 *
 * @throws OperationRefusedError when it has ended otherwise, or another execution has taken it up
 */
export async function finish(
  operationId: string,
  how: OperationOutcome,
  resources: Resources,
  deps: Collaborators,
): Promise<StepResult & { readonly redelivered: boolean; readonly change?: TablesChanged }> {
  const operation = await advance(operationId, resources, deps, (facts) => finishOperation(facts, how));
  // One that never began has given its topic back, too.
  const isOver = how.outcome !== 'FAILED' || operation.step === 'REQUESTED';
  const redelivered = isOver && (await redeliver(operation, resources, deps));
  const change = how.outcome === 'SUCCEEDED' ? tablesChanged(operation) : undefined;
  return { ...resultOf(operation), redelivered, ...(change !== undefined && { change }) };
}

/** As `finish` for a failure or a refusal, but an operation that is not this execution's to end any more stays as it is. */
export async function finishFailed(
  { operationId, error, executionArn }: Extract<StepRequest, { readonly outcome: 'FAILED' | 'REFUSED' }>,
  resources: Resources,
  deps: Collaborators,
): Promise<StepResult | undefined> {
  try {
    return await finish(operationId, { outcome: 'FAILED', error, executionArn }, resources, deps);
  } catch (refusal) {
    if (refusal instanceof OperationRefusedError) return undefined;
    throw refusal;
  }
}

async function redeliver({ topic }: Operation, resources: Resources, deps: Collaborators): Promise<boolean> {
  const item = await deps.documents.get(resources.tables.registry, { topic_name: topic });
  const waiting = readWaitingUpload(item);
  if (waiting === undefined || isHeld(item)) return false;
  await deps.invokeValidator(uploadEvent(resources.schemaBucket, schemaKeys.pending(topic), waiting));
  return true;
}

function advance(
  operationId: string,
  { tables }: Resources,
  { documents, clock }: Collaborators,
  decide: (facts: OperationFacts) => Decision,
): Promise<Operation> {
  return advanceOperation(documents, tables, operationId, () => new Date(clock.now()), decide);
}

function resultOf({ kind, topic, state, step }: Operation): StepResult {
  return { kind, topic_name: topic, state, step };
}
