import { readConfig, variable, type ConfigOf, type Environment } from '@lean-ops/common/core';

const SPEC = {
  schemaBucket: variable.text('SCHEMA_BUCKET'),
  databasePrefix: variable.text('DATABASE_PREFIX', { pattern: /^[a-z][a-z0-9_]*$/, expected: 'a-z, 0-9 and _' }),
  lakeBucket: variable.text('LAKE_BUCKET'),
  athenaWorkgroup: variable.text('ATHENA_WORKGROUP'),
  operationsTable: variable.text('OPERATIONS_TABLE'),
  operationStateMachine: variable.text('OPERATION_STATE_MACHINE'),
  registryTable: variable.text('REGISTRY_TABLE'),
  failedUploadsQueue: variable.text('FAILED_UPLOADS_QUEUE'),
};

export type Config = ConfigOf<typeof SPEC>;

/** @throws ConfigError naming every variable that is missing or unusable */
export function configFrom(env: Environment): Config {
  return readConfig(env, SPEC);
}
