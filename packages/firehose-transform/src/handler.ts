import { createLogger, createMetrics, systemClock, traced } from '@lean-ops/common/aws';
import { microsFromMillis } from '@lean-ops/common/core';
import type { Context, FirehoseTransformationEvent } from 'aws-lambda';
import { configFrom } from './config';
import { transform, type TransformResponse } from './transform';

const SERVICE = 'firehose-transform';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);

/** Firehose pairs results with records by recordId, and sends the whole batch to the error prefix when it cannot. */
export const handler = traced(
  SERVICE,
  (event: FirehoseTransformationEvent, context: Context): Promise<TransformResponse> => {
    log.bind(context);
    try {
      return Promise.resolve(transform(event.records, microsFromMillis(systemClock.now()), config, { log, metrics }));
    } finally {
      metrics.flush();
    }
  },
);
