import { createLogger, createMetrics, dynamoArchiveIndex, s3ObjectStore, systemClock } from '@lean-ops/common/aws';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { archiveBatch, type Collaborators } from './archive';
import { configFrom } from './config';

const SERVICE = 'dlq-archiver';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);
const collaborators: Collaborators = {
  objects: s3ObjectStore(),
  index: dynamoArchiveIndex(config.archiveTable),
  log,
  metrics,
  clock: systemClock,
};

export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  log.bind(context);
  try {
    return await archiveBatch(event.Records, config, collaborators);
  } finally {
    metrics.flush();
  }
}
