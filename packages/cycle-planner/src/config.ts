import {
  RAW_TABLE,
  readConfig,
  readFreshnessTargets,
  variable,
  type ConfigOf,
  type Environment,
} from '@lean-ops/common/core';

const SPEC = {
  databasePrefix: variable.text('DATABASE_PREFIX', { pattern: /^[a-z][a-z0-9_]*$/, expected: 'a-z, 0-9 and _' }),
  lakeBucket: variable.text('LAKE_BUCKET'),
  rawTable: variable.text('RAW_TABLE', { fallback: RAW_TABLE }),
  registryTable: variable.text('REGISTRY_TABLE'),
  checkpointTable: variable.text('CHECKPOINT_TABLE'),
  operationsTable: variable.text('OPERATIONS_TABLE'),
  schemaBucket: variable.text('SCHEMA_BUCKET'),
  validatorFunction: variable.text('VALIDATOR_FUNCTION'),
  /** Longer than the longest cycle. Only after a cycle that died without its finish step does the lease run out. */
  leaseSeconds: variable.integer('LEASE_SECONDS', { min: 60, max: 86_400, fallback: 7_200 }),
  /** Longer than the job of maintenance, with the tries to start it. */
  maintenanceLeaseSeconds: variable.integer('MAINTENANCE_LEASE_SECONDS', { min: 60, max: 86_400, fallback: 5_820 }),
  /** As long as an execution of the state machine of operations may last. */
  operationTimeoutSeconds: variable.integer('OPERATION_TIMEOUT_SECONDS', { min: 60, max: 604_800, fallback: 18_480 }),
  /** The ARN of the state machine that does operations. */
  operationStateMachine: variable.text('OPERATION_STATE_MACHINE'),
  /** What is done by itself for a topic after a bad cycle. */
  holdAfterBadCycle: variable.text('HOLD_AFTER_BAD_CYCLE', {
    pattern: /^(?:off|hold)$/,
    expected: 'off or hold',
    fallback: 'off',
  }),
  freshnessTargets: variable.json('FRESHNESS_TARGETS', {
    read: readFreshnessTargets,
    expected: 'minutes as JSON, such as {"default":60,"topics":{"telemetry.climate":30}}',
    fallback: { defaultMinutes: 60, topicMinutes: {} },
  }),
};

export type Config = ConfigOf<typeof SPEC>;

/** @throws ConfigError naming every variable that is missing or unusable */
export function configFrom(env: Environment): Config {
  return readConfig(env, SPEC);
}
