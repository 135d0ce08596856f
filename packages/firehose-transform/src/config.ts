import { readConfig, variable, type ConfigOf, type Environment } from '@lean-ops/common/core';

const SPEC = {
  rawDatabase: variable.text('RAW_DATABASE'),
  rawTable: variable.text('RAW_TABLE'),
  /** Lambda fails an invocation whose response is over 6 MB, and Firehose would then have a result for no record at all. */
  responseLimitBytes: variable.integer('RESPONSE_LIMIT_BYTES', { min: 1_000, max: 6_000_000, fallback: 6_000_000 }),
};

export type Config = ConfigOf<typeof SPEC>;

/** @throws ConfigError naming every variable that is missing or unusable */
export function configFrom(env: Environment): Config {
  return readConfig(env, SPEC);
}
