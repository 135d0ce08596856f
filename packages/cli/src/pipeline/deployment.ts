import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isObject, LAYERS, messageOf, type Lake } from '@lean-ops/common/core';
import { CliError } from '../errors';
import type { Terminal } from '../terminal';

/** The resource names of one deployed pipeline, as Terraform's outputs give them. */
export interface Deployment {
  readonly region: string;
  readonly schemaBucket: string;
  readonly registryTable: string;
  readonly athenaWorkgroup: string;
  readonly lake: Lake;
}

export type ReadDeployment =
  { readonly ok: true; readonly deployment: Deployment } | { readonly ok: false; readonly problems: readonly string[] };

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
    throw new CliError(`${file} is no JSON (${messageOf(error)}): ${HOW_TO_WRITE_IT}.`, { cause: error });
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
  if (!isObject(outputs)) return { ok: false, problems: ['it is no JSON object'] };
  const problems: string[] = [];
  const values = plainOutputs(outputs);
  const output = (name: string): unknown => (Object.hasOwn(values, name) ? values[name] : undefined);
  const text = (name: string): string => {
    const value = output(name);
    if (typeof value === 'string' && value !== '') return value;
    problems.push(`the output ${name} is missing`);
    return '';
  };
  const deployment = {
    region: text('region'),
    schemaBucket: text('schema_bucket'),
    registryTable: text('schema_registry_table'),
    athenaWorkgroup: text('athena_workgroup'),
    lake: { bucket: text('lake_bucket'), databasePrefix: databasePrefix(output('databases'), problems) },
  };
  return problems.length > 0 ? { ok: false, problems } : { ok: true, deployment };
}

/** The prefix of the four databases, which are all named `{prefix}_{layer}`. Adds to `problems` when they are not. */
function databasePrefix(databases: unknown, problems: string[]): string {
  if (!isObject(databases)) {
    problems.push('the output databases is missing');
    return '';
  }
  const raw = databases[LAYERS.raw];
  const prefix = typeof raw === 'string' && raw.endsWith('_raw') ? raw.slice(0, -'_raw'.length) : '';
  const odd = Object.values(LAYERS).filter((layer) => prefix === '' || databases[layer] !== `${prefix}_${layer}`);
  if (odd.length > 0) problems.push(`the output databases does not name {prefix}_{layer} for ${odd.join(', ')}`);
  return prefix;
}
