import { readConfig, variable, type ConfigOf, type Environment } from '@lean-ops/common/core';

const SPEC = {
  databasePrefix: variable.text('DATABASE_PREFIX', { pattern: /^[a-z][a-z0-9_]*$/, expected: 'a-z, 0-9 and _' }),
  lakeBucket: variable.text('LAKE_BUCKET'),
  athenaWorkgroup: variable.text('ATHENA_WORKGROUP'),
  registryTable: variable.text('REGISTRY_TABLE'),
  /** Number of tables made at a time; Athena runs 20 DDL statements at once for a whole account. */
  concurrency: variable.integer('DDL_CONCURRENCY', { min: 1, max: 20, fallback: 8 }),
};

export type Config = ConfigOf<typeof SPEC>;

/** @throws ConfigError naming every variable that is missing or unusable */
export function configFrom(env: Environment): Config {
  return readConfig(env, SPEC);
}
