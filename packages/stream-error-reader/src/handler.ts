import {
  createLogger,
  createMetrics,
  dynamoDocumentStore,
  firehoseStream,
  s3ByteStore,
  s3ObjectStore,
  systemClock,
  systemRandom,
  traced,
} from '@lean-ops/common/aws';
import type { Context } from 'aws-lambda';
import { configFrom } from './config';
import { recordObject, sweep, type Recorded, type SweepSummary } from './record-objects';
import { decodeRequest } from './request';
import { resend, RESERVE_MS, type ResendCollaborators } from './resend';
import type { ResendSummary } from './resend-tally';

const SERVICE = 'stream-error-reader';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);
const collaborators: ResendCollaborators = {
  bytes: s3ByteStore(),
  objects: s3ObjectStore(),
  documents: dynamoDocumentStore(),
  stream: firehoseStream(config.streamName),
  log,
  metrics,
  clock: systemClock,
  random: systemRandom,
};

export type Answer = Recorded | SweepSummary | ResendSummary | { readonly outcome: 'IGNORED' };

/**
 * EventBridge invokes this asynchronously. When it throws, Lambda runs it again, twice, and then hands the event to the
 * on-failure destination. A person's request is answered, or fails with a sentence that says how to correct it.
 */
export const handler = traced(SERVICE, async (event: unknown, context: Context): Promise<Answer> => {
  log.bind(context);
  const remainingMs = () => context.getRemainingTimeInMillis();
  try {
    const request = decodeRequest(event, { bucket: config.archiveBucket, prefix: config.errorPrefix });
    switch (request.action) {
      case 'ignore':
        log.warn('event ignored', { s3_key: request.key, reason: request.reason });
        return { outcome: 'IGNORED' };
      case 'record':
        return await recordObject(request.key, request.etag, config, collaborators);
      case 'sweep':
        return await sweep(config, remainingMs, collaborators);
      case 'resend': {
        const { clock, random } = collaborators;
        const sleep = (milliseconds: number) => clock.sleep(milliseconds);
        const deliveryContext = { remainingMs: () => remainingMs() - RESERVE_MS, sleep, random };
        return await resend({ request, config, context: deliveryContext, collaborators });
      }
    }
  } catch (error) {
    log.error('stream-error-reader failed', { error });
    metrics.count('ReaderFailed');
    throw error;
  } finally {
    metrics.flush();
  }
});
