import { RAW_TABLE, readConfig, variable, type ConfigOf, type Environment } from '@lean-ops/common/core';

const MIB = 1024 * 1024;

const SPEC = {
  archiveBucket: variable.text('ARCHIVE_BUCKET'),
  archiveTable: variable.text('ARCHIVE_TABLE'),
  errorPrefix: variable.text('ERROR_PREFIX', { pattern: /^[^/].*\/$/, expected: 'a prefix that ends in a slash' }),
  streamName: variable.text('FIREHOSE_STREAM_NAME'),
  lakeBucket: variable.text('LAKE_BUCKET'),
  rawDatabase: variable.text('RAW_DATABASE'),
  rawTable: variable.text('RAW_TABLE', { fallback: RAW_TABLE }),
  /** Number of calls to one service at a time. */
  concurrency: variable.integer('CONCURRENCY', { min: 1, max: 64, fallback: 8 }),
  /** Largest error object or data file that is read. Firehose buffers at most 128 MB, which base64 makes 171 MB. */
  maxObjectBytes: variable.integer('MAX_OBJECT_BYTES', { min: MIB, fallback: 256 * MIB }),
};

export type Config = ConfigOf<typeof SPEC>;

/** @throws ConfigError naming every variable that is missing or unusable */
export function configFrom(env: Environment): Config {
  return readConfig(env, SPEC);
}
