import {
  createLogger,
  createMetrics,
  dynamoArchiveIndex,
  powertoolsIdempotency,
  s3ObjectStore,
  systemClock,
  traced,
} from '@lean-ops/common/aws';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { archiveBatch, type Collaborators } from './archive-batch';
import { configFrom } from './config';

const SERVICE = 'dlq-archiver';
/** The DLQ keeps a message for 14 days; after that it cannot be delivered again. */
const REMEMBERED_SECONDS = 14 * 24 * 3600;

const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);
const idempotency = powertoolsIdempotency(config.idempotencyTable, SERVICE, REMEMBERED_SECONDS);
const collaborators: Collaborators = {
  objects: s3ObjectStore(),
  index: dynamoArchiveIndex(config.archiveTable),
  idempotency,
  log,
  metrics,
  clock: systemClock,
};

export const handler = traced(SERVICE, async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  log.bind(context);
  idempotency.bind(context);
  try {
    return await archiveBatch(event.Records, config, collaborators);
  } finally {
    metrics.flush();
  }
});
