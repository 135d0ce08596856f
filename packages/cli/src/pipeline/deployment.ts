import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  isObject,
  LAYERS,
  messageOf,
  readFreshnessTargets,
  type FreshnessTargets,
  type Lake,
} from '@lean-ops/common/core';
import { CliError } from '../errors';
import type { Terminal } from '../terminal';

/** The resource names of one deployed pipeline, as Terraform's outputs give them. */
export interface Deployment {
  readonly region: string;
  readonly schemaBucket: string;
  readonly registryTable: string;
  readonly athenaWorkgroup: string;
  readonly lake: Lake;
  /** Undefined in outputs of a version without operations. */
  readonly operationsTable?: string;
}

/** What the commands need besides that look at a pipeline while it runs: `status` and `dlq`. */
export interface OperatedDeployment extends Deployment {
  /** The prefix of every resource's name. */
  readonly namePrefix: string;
  readonly checkpointTable: string;
  readonly archiveTable: string;
  readonly archiveBucket: string;
  readonly ingestQueueUrl: string;
  readonly stateMachineArn: string;
  readonly freshnessTargets: FreshnessTargets;
}

/** What the commands need besides that hold topics, and see to operations: `topic` and `op`. */
export interface OperationsDeployment extends Deployment {
  readonly checkpointTable: string;
  readonly operationsTable: string;
  /** The state machine that operations run on. */
  readonly operationMachineArn: string;
  /** Days for which cycle_delta keeps the cycles that every topic has taken. */
  readonly cycleDeltaKeptDays: number;
}

/** The default of the variable rewind_window_days, for outputs of a version that did not give it. */
const DEFAULT_KEPT_DAYS = 30;

type Read<D> =
  { readonly ok: true; readonly deployment: D } | { readonly ok: false; readonly problems: readonly string[] };
export type ReadDeployment = Read<Deployment>;

/** The file of the outputs when nobody names another: a repository of schemas keeps it in its root. */
const DEFAULT_FILE = 'lean-ops.json';
const HOW_TO_WRITE_IT =
  'write it where Terraform ran: terraform output -json > lean-ops.json (local stack: pnpm local outputs --json)';

/**
 * Reads Terraform's outputs from the given file, else from $LEAN_OPS_OUTPUTS, else from lean-ops.json.
 *
 * @throws CliError naming every output that is missing or unusable
 */
export async function readDeployment(
  given: string | undefined,
  terminal: Pick<Terminal, 'cwd' | 'env'>,
): Promise<Deployment> {
  const { file, outputs } = await readOutputs(given, terminal);
  const read = deploymentFrom(outputs);
  if (read.ok) return read.deployment;
  throw lacksOutputs(file, read.problems);
}

/**
 * As `readDeployment`, with the outputs that only the commands for a running pipeline need. A file that an earlier version
 * wrote lacks some of them, and is still good enough for the commands on schemas.
 *
 * @throws CliError naming every output that is missing or unusable
 */
export async function readOperatedDeployment(
  given: string | undefined,
  terminal: Pick<Terminal, 'cwd' | 'env'>,
): Promise<OperatedDeployment> {
  const { file, outputs } = await readOutputs(given, terminal);
  const read = operatedDeploymentFrom(outputs);
  if (read.ok) return read.deployment;
  throw lacksOutputs(file, read.problems);
}

/**
 * As `readDeployment`, with the outputs that the commands on topics and operations need.
 *
 * @throws CliError naming every output that is missing or unusable
 */
export async function readOperationsDeployment(
  given: string | undefined,
  terminal: Pick<Terminal, 'cwd' | 'env'>,
): Promise<OperationsDeployment> {
  const { file, outputs } = await readOutputs(given, terminal);
  const read = reading(outputs, (reader) => ({
    ...basics(reader),
    // Operators need not see what others have queried.
    athenaWorkgroup: reader.text('operations_athena_workgroup'),
    checkpointTable: reader.text('checkpoint_table'),
    operationsTable: reader.text('operations_table'),
    operationMachineArn: reader.text('operation_state_machine_arn'),
    cycleDeltaKeptDays: keptDays(reader.value('rewind_window_days')),
  }));
  if (read.ok) return read.deployment;
  throw lacksOutputs(file, read.problems);
}

/** The error for a file that does not hold the outputs of lean-ops. `problems`: a sentence for each thing that it lacks. */
export function lacksOutputs(file: string, problems: readonly string[]): CliError {
  return new CliError(
    `${file} does not hold the outputs of lean-ops: ${problems.join('; ')}. To mend it, ${HOW_TO_WRITE_IT}.`,
  );
}

/**
 * Reads the file that names the pipeline to talk to.
 *
 * @throws CliError when it is not there, or no JSON
 */
export async function readOutputs(
  given: string | undefined,
  { cwd, env }: Pick<Terminal, 'cwd' | 'env'>,
): Promise<{ readonly file: string; readonly outputs: unknown }> {
  const file = given ?? env['LEAN_OPS_OUTPUTS'] ?? DEFAULT_FILE;
  let text: string;
  try {
    text = await readFile(path.resolve(cwd, file), 'utf8');
  } catch (error) {
    throw new CliError(`${file} is not there, which names the pipeline to talk to: ${HOW_TO_WRITE_IT}.`, {
      cause: error,
    });
  }
  let outputs: unknown;
  try {
    outputs = JSON.parse(text);
  } catch (error) {
    throw new CliError(`${file} is not JSON (${messageOf(error)}): ${HOW_TO_WRITE_IT}.`, { cause: error });
  }
  return { file, outputs };
}

/** Terraform's outputs as plain values, from `{name: value}` or from `{name: {value}}` as `terraform output -json` prints them. */
export function plainOutputs(outputs: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(outputs)) return {};
  return Object.fromEntries(
    Object.entries(outputs).map(([name, found]) => [
      name,
      isObject(found) && 'value' in found ? found['value'] : found,
    ]),
  );
}

/**
 * The deployment that Terraform's outputs describe, or a sentence for each output that is missing or unusable.
 *
 * @param outputs `{name: value}`, or `{name: {value}}` as `terraform output -json` prints it
 */
export function deploymentFrom(outputs: unknown): ReadDeployment {
  return reading(outputs, basics);
}

/** The same, with the outputs that the commands for a running pipeline need. */
export function operatedDeploymentFrom(outputs: unknown): Read<OperatedDeployment> {
  return reading(outputs, (reader) => {
    const deployment = basics(reader);
    return {
      ...deployment,
      namePrefix: namePrefix(deployment.registryTable),
      checkpointTable: reader.text('checkpoint_table'),
      archiveTable: reader.text('dlq_archive_table'),
      archiveBucket: reader.text('dlq_archive_bucket'),
      ingestQueueUrl: reader.text('ingest_queue_url'),
      stateMachineArn: reader.text('state_machine_arn'),
      freshnessTargets: freshnessTargets(reader),
    };
  });
}

/** The prefix of a pipeline's names, by the name of its registry table. */
export function namePrefix(registryTable: string): string {
  return /^(?<prefix>.+)-schema-registry$/.exec(registryTable)?.groups?.['prefix'] ?? registryTable;
}

interface OutputReader {
  readonly value: (name: string) => unknown;
  readonly text: (name: string) => string;
  /** Notes a sentence about an output that is missing or unusable. */
  readonly note: (problem: string) => void;
}

function reading<D>(outputs: unknown, read: (reader: OutputReader) => D): Read<D> {
  if (!isObject(outputs)) return { ok: false, problems: ['it is not a JSON object'] };
  const problems: string[] = [];
  const values = plainOutputs(outputs);
  const value = (name: string): unknown => (Object.hasOwn(values, name) ? values[name] : undefined);
  const note = (problem: string): void => void problems.push(problem);
  const text = (name: string): string => {
    const found = value(name);
    if (typeof found === 'string' && found !== '') return found;
    note(`the output ${name} is missing`);
    return '';
  };
  const deployment = read({ value, text, note });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, deployment };
}

function basics(reader: OutputReader): Deployment {
  const operationsTable = reader.value('operations_table');
  return {
    ...(typeof operationsTable === 'string' && { operationsTable }),
    region: reader.text('region'),
    schemaBucket: reader.text('schema_bucket'),
    registryTable: reader.text('schema_registry_table'),
    athenaWorkgroup: reader.text('athena_workgroup'),
    lake: { bucket: reader.text('lake_bucket'), databasePrefix: databasePrefix(reader) },
  };
}

function keptDays(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : DEFAULT_KEPT_DAYS;
}

const NO_TARGETS: FreshnessTargets = { defaultMinutes: 0, topicMinutes: {} };

function freshnessTargets({ value, note }: OutputReader): FreshnessTargets {
  const targets = readFreshnessTargets(value('freshness_targets'));
  if (targets === undefined) note('the output freshness_targets is missing');
  return targets ?? NO_TARGETS;
}

/** The prefix of the four databases, which are all named `{prefix}_{layer}`. Notes a problem when they are not. */
function databasePrefix({ value, note }: OutputReader): string {
  const databases = value('databases');
  if (!isObject(databases)) {
    note('the output databases is missing');
    return '';
  }
  const raw = databases[LAYERS.raw];
  const prefix = typeof raw === 'string' && raw.endsWith('_raw') ? raw.slice(0, -'_raw'.length) : '';
  const odd = Object.values(LAYERS).filter((layer) => prefix === '' || databases[layer] !== `${prefix}_${layer}`);
  if (odd.length > 0) note(`the output databases does not name {prefix}_{layer} for ${odd.join(', ')}`);
  return prefix;
}
