import { MAX_CLOCK_SKEW_SECONDS, readConfig, variable, type ConfigOf, type Environment } from '@lean-ops/common/core';

const SPEC = {
  streamName: variable.text('FIREHOSE_STREAM_NAME'),
  ingestName: variable.text('INGEST_NAME'),
  dlqName: variable.text('DLQ_NAME'),
  attemptsTable: variable.text('IDEMPOTENCY_TABLE'),
  overflowBucket: variable.text('OVERFLOW_BUCKET'),
  /** How many seconds after its receipt a message may say that it was produced. */
  maxClockSkewSeconds: variable.integer('MAX_CLOCK_SKEW_SECONDS', {
    min: 60,
    max: 31_536_000,
    fallback: MAX_CLOCK_SKEW_SECONDS,
  }),
  /** Number of calls to one service at a time. */
  concurrency: variable.integer('DELIVERY_CONCURRENCY', { min: 1, max: 64, fallback: 4 }),
  /** How often one invocation sends a record; after that SQS delivers the message again, later. */
  maxAttempts: variable.integer('DELIVERY_MAX_ATTEMPTS', { min: 1, max: 100, fallback: 8 }),
  /** From how many receives on a message is handled apart from others. */
  suspectReceives: variable.integer('SUSPECT_RECEIVES', { min: 2, max: 1_000, fallback: 4 }),
};

export type Config = ConfigOf<typeof SPEC>;

/** @throws ConfigError naming every variable that is missing or unusable */
export function configFrom(env: Environment): Config {
  return readConfig(env, SPEC);
}
