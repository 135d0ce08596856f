import { readConfig, variable, type ConfigOf, type Environment } from '@lean-ops/common/core';

const SPEC = {
  operationsTable: variable.text('OPERATIONS_TABLE'),
  registryTable: variable.text('REGISTRY_TABLE'),
  checkpointTable: variable.text('CHECKPOINT_TABLE'),
  schemaBucket: variable.text('SCHEMA_BUCKET'),
  validatorFunction: variable.text('VALIDATOR_FUNCTION'),
};

export type Config = ConfigOf<typeof SPEC>;

/** @throws ConfigError naming every variable that is missing or unusable */
export function configFrom(env: Environment): Config {
  return readConfig(env, SPEC);
}
