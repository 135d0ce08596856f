import { readConfig, variable, type ConfigOf, type Environment } from '@lean-ops/common/core';

const SPEC = {
  archiveBucket: variable.text('ARCHIVE_BUCKET'),
  archiveTable: variable.text('ARCHIVE_TABLE'),
  idempotencyTable: variable.text('IDEMPOTENCY_TABLE'),
  /** Days that an index entry is kept; 0 keeps it forever. */
  entryDays: variable.integer('ARCHIVE_ENTRY_DAYS', { min: 0, max: 36_500, fallback: 0 }),
  /** Number of messages archived at a time. */
  concurrency: variable.integer('ARCHIVE_CONCURRENCY', { min: 1, max: 64, fallback: 8 }),
};

export type Config = ConfigOf<typeof SPEC>;

/** @throws ConfigError naming every variable that is missing or unusable */
export function configFrom(env: Environment): Config {
  return readConfig(env, SPEC);
}
