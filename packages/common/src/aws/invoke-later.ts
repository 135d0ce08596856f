import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { DocumentValue } from '../core/condition';
import { clientOptions } from './client-options';

/** Has a function invoked with an event and does not wait for it. Lambda keeps the event and tries again by the function's settings. */
export type InvokeLater = (event: DocumentValue) => Promise<void>;

/** @throws what Lambda answers when it does not take the event */
export function lambdaInvokeLater(functionName: string, client = new LambdaClient(clientOptions())): InvokeLater {
  return async (event) => {
    const Payload = new TextEncoder().encode(JSON.stringify(event));
    await client.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload }));
  };
}
