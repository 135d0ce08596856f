import {
  athena,
  createLogger,
  createMetrics,
  dynamoDocumentStore,
  glueCatalog,
  retryingAthena,
  s3DeleteIfMatch,
  s3ObjectStore,
  sqsQueue,
  stepFunctionsMachine,
  systemClock,
  traced,
} from '@lean-ops/common/aws';
import { isObject, type Document, type OpenErrorAges, type TopicName } from '@lean-ops/common/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { activateByOperation, activationRequest, type Activated } from './activate-schema';
import { configFrom } from './config';
import type { Collaborators } from './collaborators';
import { countMendedSafely } from './mended-errors';
import { asksForOpenErrors, reportOpenErrors } from './open-errors';
import { endUploads } from './ended-uploads';
import { processUpload, type Outcome } from './process-upload';
import { decodeUpload } from './upload';

const SERVICE = 'schema-validator';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);
const collaborators: Collaborators = {
  objects: s3ObjectStore(),
  deleteIfMatch: s3DeleteIfMatch(),
  documents: dynamoDocumentStore(),
  athena: retryingAthena(athena({ workgroup: config.athenaWorkgroup })),
  catalog: glueCatalog(),
  clock: systemClock,
  machine: stepFunctionsMachine(config.operationStateMachine),
};
const resources = {
  lake: { databasePrefix: config.databasePrefix, bucket: config.lakeBucket },
  registryTable: config.registryTable,
  operationsTable: config.operationsTable,
};

/** Such as SchemaReady; an upload that waits for its topic's release is SchemaPending. */
function metricOf({ outcome }: Outcome): string {
  const [word = ''] = outcome.split('_');
  return `Schema${word.charAt(0)}${word.slice(1).toLowerCase()}`;
}

/** Two statements of this time are less than the function has left after an upload of usual length. */
const COUNT_MS = 60_000;
const counting: Collaborators = {
  ...collaborators,
  athena: athena({ workgroup: config.athenaWorkgroup, statementTimeoutMs: COUNT_MS }),
};

const attention = sqsQueue(config.failedUploadsQueue);

type Answer =
  | Outcome
  | { readonly outcome: 'IGNORED' }
  | SQSBatchResponse
  | Activated
  | { readonly counted: OpenErrorAges | undefined };

/** Whether an event source mapping invokes this with messages about uploads whose tries have ended. */
const isBatch = (event: unknown): event is SQSEvent => isObject(event) && Array.isArray(event['Records']);

/** Counts the recorded errors that the topic's active schema mends, in a log line. A count that fails changes no verdict. */
async function tellMended(topic: TopicName): Promise<void> {
  const mended = await countMendedSafely(topic, config.schemaBucket, resources, counting);
  if ('failed' in mended) log.warn('mended errors', { topic, ...mended });
  else if (mended.counted) log.info('mended errors', { topic, ...mended });
}

/**
 * EventBridge invokes this asynchronously. When it throws, Lambda runs it again, twice, and then puts a record into the queue of
 * unsettled uploads, from which this gets it once more: then the upload's verdict is that its tries have ended. When it
 * returns, the upload is settled or waits, and one log line says how it ended.
 *
 * A schedule invokes it with {"action": "count_errors"}, for the dashboard.
 *
 * The state machine of operations invokes it with {"action": "activate", "operation_id": "…"}, and waits for the answer.
 */
export const handler = traced(SERVICE, async (event: unknown, context: Context): Promise<Answer> => {
  log.bind(context);
  try {
    if (isBatch(event)) {
      const ports = { schemaBucket: config.schemaBucket, resources, deps: collaborators, attention, log, metrics };
      return await endUploads(event.Records, ports);
    }
    const operationId = isObject(event) ? activationRequest(event as Document) : undefined;
    if (operationId !== undefined) {
      const activated = await activateByOperation(operationId, config.schemaBucket, resources, collaborators);
      log.info('schema activated', { operation_id: operationId, ...activated });
      metrics.count('SchemaReady');
      return activated;
    }
    if (isObject(event) && asksForOpenErrors(event as Document)) {
      return { counted: await reportOpenErrors(resources, counting, { log, metrics }) };
    }
    const decoded = decodeUpload(event, config.schemaBucket);
    if (!decoded.ok) {
      log.warn('schema upload', { outcome: 'IGNORED', reason: decoded.reason, key: decoded.key });
      metrics.count('SchemaIgnored');
      return { outcome: 'IGNORED' };
    }
    const { topic, etag, sequencer } = decoded.upload;
    const started = Date.now();
    const outcome = await processUpload(decoded.upload, resources, collaborators);
    const line = { topic, etag, sequencer, took_ms: Date.now() - started, ...outcome };
    if (outcome.outcome === 'REFUSED') log.warn('schema upload', line);
    else log.info('schema upload', line);
    metrics.count(metricOf(outcome));
    // A run that comes again after one that died finds its upload settled, and does what was still to do.
    if (outcome.outcome === 'READY' || outcome.outcome === 'DUPLICATE') await tellMended(topic);
    return outcome;
  } catch (error) {
    log.error('schema upload', { outcome: 'RETRY', error });
    metrics.count('SchemaRetry');
    throw error;
  } finally {
    metrics.flush();
  }
});
