import {
  createLogger,
  createMetrics,
  dynamoDocumentStore,
  lambdaInvokeLater,
  systemClock,
  traced,
} from '@lean-ops/common/aws';
import type { Context } from 'aws-lambda';
import { configFrom } from './config';
import { decodeRequest, type StepRequest } from './request';
import { begin, drained, finish, finishFailed, orRefusal, type Collaborators, type Resources } from './steps';

const SERVICE = 'operation-steps';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);
const collaborators: Collaborators = {
  documents: dynamoDocumentStore(),
  invokeValidator: lambdaInvokeLater(config.validatorFunction),
  clock: systemClock,
};
const resources: Resources = {
  tables: { operations: config.operationsTable, registry: config.registryTable },
  checkpointTable: config.checkpointTable,
  schemaBucket: config.schemaBucket,
};

/** The steps of the state machine of operations. It repeats one that throws; that a step is refused is an answer. */
export const handler = traced(SERVICE, async (event: unknown, context: Context): Promise<object> => {
  log.bind(context);
  try {
    const request = decodeRequest(event);
    const answer = await orRefusal(() => perform(request));
    const line = { operation_id: request.operationId, action: request.action, ...answer };
    if ('refused' in answer) {
      log.warn('operation refused', line);
      metrics.count('OperationStepsRefused');
    } else log.info('operation step', line);
    return answer;
  } catch (error) {
    log.error('operation step failed', { error });
    metrics.count('OperationStepsFailed');
    throw error;
  } finally {
    metrics.flush();
  }
});

async function perform(request: StepRequest): Promise<object> {
  const { action, operationId } = request;
  switch (action) {
    case 'begin':
      return begin(request, resources, collaborators);
    case 'drained':
      return drained(operationId, resources, collaborators);
    case 'cancel':
      metrics.count('OperationsCancelled');
      return finish(operationId, { outcome: 'CANCELLED' }, resources, collaborators);
    case 'finish':
      if (request.outcome === 'SUCCEEDED') {
        metrics.count('OperationsSucceeded');
        return finish(operationId, { outcome: 'SUCCEEDED' }, resources, collaborators);
      }
      if (request.outcome === 'FAILED') {
        metrics.count('OperationsFailed');
        log.error('operation failed', { operation_id: operationId, failure: request.error });
      }
      return (await finishFailed(request, resources, collaborators)) ?? { state: 'UNCHANGED' };
  }
}
