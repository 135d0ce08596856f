import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { LeanOpsError } from '../core/errors';
import type { DocumentValue } from '../core/condition';
import { clientOptions, type ClientSettings } from './client-options';

/** Invokes a function with an event, waits for its answer, and gives it as JSON.parse does. */
export type InvokeFunction = (event: DocumentValue) => Promise<unknown>;

/** A function runs for 15 minutes at most. */
const LONGEST_MS = 15 * 60_000 + 10_000;

export function lambdaInvokeClient(settings: Pick<ClientSettings, 'region'> = {}): LambdaClient {
  // A second attempt would have the work done twice at the same time.
  return new LambdaClient(clientOptions({ ...settings, requestTimeoutMs: LONGEST_MS, maxAttempts: 1 }));
}

/** @throws LeanOpsError FUNCTION_FAILED with the function's own message when it threw; and whatever Lambda answers */
export function lambdaInvokeFunction(functionName: string, client = lambdaInvokeClient()): InvokeFunction {
  return async (event) => {
    const Payload = new TextEncoder().encode(JSON.stringify(event));
    const answer = await client.send(new InvokeCommand({ FunctionName: functionName, Payload }));
    const text = new TextDecoder().decode(answer.Payload);
    if (answer.FunctionError === undefined) return JSON.parse(text === '' ? 'null' : text) as unknown;
    throw new LeanOpsError('FUNCTION_FAILED', `${functionName}: ${messageIn(text)}`);
  };
}

function messageIn(text: string): string {
  try {
    const { errorMessage } = JSON.parse(text) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : text;
  } catch {
    return text;
  }
}
