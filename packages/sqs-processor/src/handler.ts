import {
  createLogger,
  createMetrics,
  firehoseStream,
  s3ObjectStore,
  sqsQueue,
  systemClock,
  systemRandom,
  traced,
} from '@lean-ops/common/aws';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { configFrom } from './config';
import { processBatch, type Collaborators } from './process-batch';

const SERVICE = 'sqs-processor';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const collaborators: Collaborators = {
  stream: firehoseStream(config.streamName),
  deadLetters: sqsQueue(config.dlqName),
  objects: s3ObjectStore(),
  log,
  metrics: createMetrics(SERVICE),
  clock: systemClock,
  random: systemRandom,
};

export const handler = traced(SERVICE, async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  log.bind(context);
  return processBatch(event.Records, () => context.getRemainingTimeInMillis(), collaborators, config);
});
