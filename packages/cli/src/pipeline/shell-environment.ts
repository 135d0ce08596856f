/** The names of a deployed pipeline as variables of a shell, in which every command of the runbooks runs as it is. */
import { LAYERS } from '@lean-ops/common/core';
import { namePrefix } from './deployment';

/** Terraform's outputs that are one text. Each becomes a variable of the same name in capitals. */
export const TEXT_OUTPUTS = [
  'ingest_queue_url',
  'dlq_url',
  'schema_bucket',
  'lake_bucket',
  'dlq_archive_bucket',
  'schema_registry_table',
  'checkpoint_table',
  'dlq_archive_table',
  'operations_table',
  'state_machine_arn',
  'maintenance_state_machine_arn',
  'operation_state_machine_arn',
  'catch_up_job',
  'firehose_stream_name',
  'athena_workgroup',
  'operations_athena_workgroup',
  'dashboard_url',
] as const;

/** The endpoint of a local stack is on this machine, and so are its keys, which are no secret. */
const LOOPBACK = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?\/?$/;
const LOCAL_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_EC2_METADATA_DISABLED', 'NO_PROXY'];
/** A profile or session of the user's own would take precedence over the local stack's keys. */
const LOCAL_UNSET = ['AWS_PROFILE', 'AWS_SESSION_TOKEN'];

export interface ShellEnvironment {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

export interface ShellEnvironmentInput {
  /** Terraform's outputs, as plain values. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The absolute path of the file that they were read from. */
  readonly file: string;
  /** The environment of the command. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The variables of a pipeline. Only outputs that lean-ops has become variables, so that none can replace one of the shell's own.
 *
 * @returns the variables, or the name of each output that is missing
 */
export function shellEnvironment({
  outputs,
  file,
  env,
}: ShellEnvironmentInput):
  { readonly ok: true; readonly environment: ShellEnvironment } | { readonly ok: false; readonly missing: string[] } {
  const missing: string[] = [];
  const text = (name: string, value: unknown): string => {
    if (typeof value === 'string' && value !== '') return value;
    missing.push(name);
    return '';
  };
  const region = text('region', outputs['region']);
  const databases = (outputs['databases'] ?? {}) as Readonly<Record<string, unknown>>;
  const endpoint = env['AWS_ENDPOINT_URL'];
  const local = endpoint !== undefined && LOOPBACK.test(endpoint);
  const registry = text('schema_registry_table', outputs['schema_registry_table']);
  const set = {
    PREFIX: namePrefix(registry),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    // The answers of the runbooks' commands go into pipes, and a pager would wait for a key.
    AWS_PAGER: '',
    LEAN_OPS_OUTPUTS: file,
    ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL: endpoint }),
    ...(local ? kept(env, LOCAL_VARIABLES) : {}),
    ...Object.fromEntries(TEXT_OUTPUTS.map((name) => [name.toUpperCase(), text(name, outputs[name])])),
    ...Object.fromEntries(
      Object.values(LAYERS).map((layer) => [`${layer.toUpperCase()}_DATABASE`, text('databases', databases[layer])]),
    ),
  };
  if (missing.length > 0) return { ok: false, missing: [...new Set(missing)] };
  return { ok: true, environment: { set, unset: local ? LOCAL_UNSET : [] } };
}

function kept(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The variables as lines that a POSIX shell evaluates, each value in quotes whatever is in it. */
export function asShellLines({ set, unset }: ShellEnvironment): string {
  const lines = Object.entries(set).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`,
  );
  return [...lines, ...(unset.length === 0 ? [] : [`unset ${unset.join(' ')}`])].map((line) => `${line}\n`).join('');
}
