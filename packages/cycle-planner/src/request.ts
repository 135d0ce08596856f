import { isObject, LeanOpsError } from '@lean-ops/common/core';

const MAX_ERROR_TEXT = 4_096;

type Outcome = 'SUCCEEDED' | 'FAILED';

/**
 * The event of the cycle's first step (`plan`) or of its last one (`finish`), or of those of maintenance: `reserve`
 * and `release`, as it takes the lease for itself so that no cycle runs beside it, and `put_off` when it did not get it.
 */
export type PlannerRequest =
  | { readonly action: 'plan'; readonly executionId: string }
  | { readonly action: 'reserve'; readonly executionId: string }
  | { readonly action: 'release'; readonly executionId: string; readonly outcome: Outcome }
  | { readonly action: 'put_off'; readonly executionId: string }
  | {
      readonly action: 'finish';
      readonly executionId: string;
      readonly cycleId: string;
      readonly outcome: Outcome;
      readonly error: string | undefined;
    };

function badRequest(message: string): LeanOpsError {
  return new LeanOpsError('BAD_REQUEST', `cycle-planner: ${message}`);
}

/** The error as a text. Step Functions passes it as an object ({ Error, Cause }), people pass a text. */
function errorText(error: unknown): string | undefined {
  if (error === undefined || error === null) return undefined;
  return (typeof error === 'string' ? error : JSON.stringify(error)).slice(0, MAX_ERROR_TEXT);
}

/** @throws LeanOpsError BAD_REQUEST */
export function decodeRequest(event: unknown): PlannerRequest {
  if (!isObject(event)) throw badRequest('the event must be an object with an "action"');
  const { action, execution_id: executionId, cycle_id: cycleId, outcome, error } = event;
  if (typeof executionId !== 'string' || executionId === '') throw badRequest('"execution_id" must be a text');
  if (action === 'plan' || action === 'reserve' || action === 'put_off') return { action, executionId };
  if (action !== 'finish' && action !== 'release') {
    throw badRequest('"action" must be "plan", "finish", "reserve", "put_off" or "release"');
  }
  if (outcome !== 'SUCCEEDED' && outcome !== 'FAILED') throw badRequest('"outcome" must be "SUCCEEDED" or "FAILED"');
  if (action === 'release') return { action, executionId, outcome };
  return {
    action,
    executionId,
    cycleId: typeof cycleId === 'string' ? cycleId : '',
    outcome,
    error: errorText(error),
  };
}
