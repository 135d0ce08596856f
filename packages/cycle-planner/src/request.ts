import { isObject, LeanOpsError } from '@lean-ops/common/core';

export type PlannerRequest =
  | { readonly action: 'plan'; readonly executionId: string }
  | {
      readonly action: 'finish';
      readonly executionId: string;
      readonly cycleId: string;
      readonly outcome: 'SUCCEEDED' | 'FAILED';
      readonly error: string | undefined;
    };

function bad(message: string): LeanOpsError {
  return new LeanOpsError('BAD_REQUEST', `cycle-planner: ${message}`);
}

/** Step Functions hands an error over as an object ({ Error, Cause }), people as text. */
function errorText(error: unknown): string | undefined {
  if (error === undefined || error === null) return undefined;
  return (typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 4_096);
}

/** @throws LeanOpsError BAD_REQUEST */
export function decodeRequest(event: unknown): PlannerRequest {
  if (!isObject(event)) throw bad('the event must be an object with an "action"');
  const { action, execution_id: executionId, cycle_id: cycleId, outcome, error } = event;
  if (typeof executionId !== 'string' || executionId === '') throw bad('"execution_id" must be a text');
  if (action === 'plan') return { action, executionId };
  if (action !== 'finish') throw bad('"action" must be "plan" or "finish"');
  if (outcome !== 'SUCCEEDED' && outcome !== 'FAILED') throw bad('"outcome" must be "SUCCEEDED" or "FAILED"');
  return {
    action,
    executionId,
    cycleId: typeof cycleId === 'string' ? cycleId : '',
    outcome,
    error: errorText(error),
  };
}
