import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isObject, LAYERS, messageOf, type Lake } from '@lean-ops/common/core';
import { UsageError, type Terminal } from '../terminal';

/** The names of one deployed pipeline, as Terraform gave them. */
export interface Deployment {
  readonly schemaBucket: string;
  readonly registryTable: string;
  readonly athenaWorkgroup: string;
  readonly lake: Lake;
}

/** Where the outputs lie unless told otherwise: a repository of schemas keeps them in its root. */
const DEFAULT_FILE = 'lean-ops.json';
const MEND =
  'write it where Terraform ran: terraform output -json > lean-ops.json (local stack: pnpm local outputs --json)';

/**
 * Reads Terraform's outputs: of the file that was asked for, else of $LEAN_OPS_OUTPUTS, else of lean-ops.json.
 *
 * @throws UsageError naming every output that is missing or of no use
 */
export async function readDeployment(
  asked: string | undefined,
  { cwd, env }: Pick<Terminal, 'cwd' | 'env'>,
): Promise<Deployment> {
  const file = asked ?? env['LEAN_OPS_OUTPUTS'] ?? DEFAULT_FILE;
  let text: string;
  try {
    text = await readFile(path.resolve(cwd, file), 'utf8');
  } catch {
    throw new UsageError(`${file} is not there, which names the pipeline to talk to: ${MEND}.`);
  }
  let outputs: unknown;
  try {
    outputs = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is no JSON (${messageOf(error)}): ${MEND}.`);
  }
  const read = deploymentFrom(outputs);
  if (read.ok) return read.deployment;
  throw new UsageError(
    `${file} does not hold the outputs of lean-ops: ${read.faults.join('; ')}. To mend it, ${MEND}.`,
  );
}

export type ReadDeployment =
  { readonly ok: true; readonly deployment: Deployment } | { readonly ok: false; readonly faults: readonly string[] };

/** @param outputs `{name: value}`, or `{name: {value}}` as `terraform output -json` prints it */
export function deploymentFrom(outputs: unknown): ReadDeployment {
  if (!isObject(outputs)) return { ok: false, faults: ['it is no JSON object'] };
  const faults: string[] = [];
  const output = (name: string): unknown => {
    const found = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
    return isObject(found) && 'value' in found ? found['value'] : found;
  };
  const text = (name: string): string => {
    const value = output(name);
    if (typeof value === 'string' && value !== '') return value;
    faults.push(`the output ${name} is missing`);
    return '';
  };
  const deployment = {
    schemaBucket: text('schema_bucket'),
    registryTable: text('schema_registry_table'),
    athenaWorkgroup: text('athena_workgroup'),
    lake: { bucket: text('lake_bucket'), databasePrefix: databasePrefix(output('databases'), faults) },
  };
  return faults.length > 0 ? { ok: false, faults } : { ok: true, deployment };
}

/** All four databases are `{prefix}_{layer}`. */
function databasePrefix(databases: unknown, faults: string[]): string {
  if (!isObject(databases)) {
    faults.push('the output databases is missing');
    return '';
  }
  const raw = databases[LAYERS.raw];
  const prefix = typeof raw === 'string' && raw.endsWith('_raw') ? raw.slice(0, -'_raw'.length) : '';
  const odd = Object.values(LAYERS).filter((layer) => prefix === '' || databases[layer] !== `${prefix}_${layer}`);
  if (odd.length > 0) faults.push(`the output databases does not name {prefix}_{layer} for ${odd.join(', ')}`);
  return prefix;
}
