import {
  createLogger,
  createMetrics,
  dynamoAttemptLog,
  firehoseStream,
  s3ObjectStore,
  sqsQueue,
  sqsSourceQueue,
  systemClock,
  systemRandom,
  traced,
} from '@lean-ops/common/aws';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { configFrom } from './config';
import type { Collaborators } from './handle-messages';
import { processBatch } from './process-batch';

const SERVICE = 'sqs-processor';
/** As long as a message can come again: the longest retention of SQS. */
const ATTEMPTS_KEPT_SECONDS = 14 * 86_400;
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const collaborators: Collaborators = {
  stream: firehoseStream(config.streamName),
  deadLetters: sqsQueue(config.dlqName),
  source: sqsSourceQueue(config.ingestName),
  attempts: dynamoAttemptLog(config.attemptsTable, SERVICE, ATTEMPTS_KEPT_SECONDS),
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
