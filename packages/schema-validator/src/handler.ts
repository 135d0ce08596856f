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
  systemClock,
  traced,
} from '@lean-ops/common/aws';
import { isObject } from '@lean-ops/common/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { configFrom } from './config';
import type { Collaborators } from './collaborators';
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
};
const resources = {
  lake: { databasePrefix: config.databasePrefix, bucket: config.lakeBucket },
  registryTable: config.registryTable,
};

/** Such as SchemaReady; an upload that waits for its topic's release is SchemaPending. */
function metricOf({ outcome }: Outcome): string {
  const [word = ''] = outcome.split('_');
  return `Schema${word.charAt(0)}${word.slice(1).toLowerCase()}`;
}

const attention = sqsQueue(config.failedUploadsQueue);

/** Whether an event source mapping invokes this with messages about uploads whose tries have ended. */
const isBatch = (event: unknown): event is SQSEvent => isObject(event) && Array.isArray(event['Records']);

/**
 * EventBridge invokes this asynchronously. When it throws, Lambda runs it again, twice, and then puts a record into the queue of
 * unsettled uploads, from which this gets it once more: then the upload's verdict is that its tries have ended. When it
 * returns, the upload is settled, and one log line says how it ended.
 */
export const handler = traced(
  SERVICE,
  async (event: unknown, context: Context): Promise<Outcome | { readonly outcome: 'IGNORED' } | SQSBatchResponse> => {
    log.bind(context);
    try {
      if (isBatch(event)) {
        const ports = { schemaBucket: config.schemaBucket, resources, deps: collaborators, attention, log, metrics };
        return await endUploads(event.Records, ports);
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
      return outcome;
    } catch (error) {
      log.error('schema upload', { outcome: 'RETRY', error });
      metrics.count('SchemaRetry');
      throw error;
    } finally {
      metrics.flush();
    }
  },
);
