import { isObject, isOperationId, LeanOpsError } from '@lean-ops/common/core';

const MAX_ERROR_TEXT = 2_000;

/** The event of a step of the state machine. */
export type StepRequest =
  | { readonly action: 'begin'; readonly operationId: string; readonly executionArn: string }
  | { readonly action: 'drained'; readonly operationId: string }
  | { readonly action: 'cancel'; readonly operationId: string }
  | { readonly action: 'finish'; readonly operationId: string; readonly outcome: 'SUCCEEDED' }
  | {
      readonly action: 'finish';
      readonly operationId: string;
      /** REFUSED where a step must not be done, so that the operation ends without anything being broken. */
      readonly outcome: 'FAILED' | 'REFUSED';
      readonly executionArn: string;
      readonly error: string;
    };

function badRequest(message: string): LeanOpsError {
  return new LeanOpsError('BAD_REQUEST', `operation-steps: ${message}`);
}

/** @throws LeanOpsError BAD_REQUEST */
export function decodeRequest(event: unknown): StepRequest {
  if (!isObject(event)) throw badRequest('the event must be an object with an "action"');
  const { action, operation_id: operationId, outcome, error } = event;
  if (typeof operationId !== 'string' || !isOperationId(operationId)) {
    throw badRequest('"operation_id" must be the id of an operation, such as 20261130T062500Z-hold-ab12cd');
  }
  const executionArn = (): string => {
    const arn = event['execution_arn'];
    if (typeof arn !== 'string' || arn === '') throw badRequest('"execution_arn" must be a text');
    return arn;
  };
  switch (action) {
    case 'begin':
      return { action, operationId, executionArn: executionArn() };
    case 'drained':
    case 'cancel':
      return { action, operationId };
    case 'finish':
      if (outcome === 'SUCCEEDED') return { action, operationId, outcome };
      if (outcome !== 'FAILED' && outcome !== 'REFUSED')
        throw badRequest('"outcome" must be "SUCCEEDED", "FAILED" or "REFUSED"');
      return { action, operationId, outcome, executionArn: executionArn(), error: errorText(error) };
    default:
      throw badRequest('"action" must be "begin", "drained", "finish" or "cancel"');
  }
}

function errorText(error: unknown): string {
  return (typeof error === 'string' ? error : JSON.stringify(error ?? 'no error was given')).slice(0, MAX_ERROR_TEXT);
}
