/** Runs `terraform init` and `apply` of the repository's root module against the local stack. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { awsEnvironment, REGION } from './emulator-process';
import { StepError } from './errors';
import { chooseProviderSource, terraformEnvironment, type ProviderSource } from './provider-mirror';
import { ROOT, TOOLS, type StackPaths } from './paths';
import type { Progress } from './python-environment';

/** The variables that differ from a deployment to AWS: sizes and times that suit one machine, and nothing that guards data. */
const LOCAL_VARIABLES: Readonly<Record<string, string>> = {
  region: REGION,
  s3_use_path_style: 'true',
  // The local account answers on loopback, without TLS.
  require_tls: 'false',
  // Nothing here lives long enough to expire, and the provider waits a minute for each lifecycle rule.
  expiry_enabled: 'false',
  schedule_enabled: 'false',
  firehose_buffer_seconds: '1',
  ingest_batch_size: '1000',
  ingest_batch_window_seconds: '1',
  // The machine's own Node runs the bundles, whatever its architecture.
  lambda_architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
};

export type Outputs = Readonly<Record<string, unknown>>;

/**
 * Applies the root module and returns its outputs.
 *
 * @throws {StepError} with Terraform's first error
 */
export async function applyTerraform(
  paths: StackPaths,
  port: number,
  progress: Progress,
  variables: Readonly<Record<string, string>> = {},
): Promise<Outputs> {
  mkdirSync(TOOLS.dir, { recursive: true });
  const source = chooseProviderSource();
  writeFileSync(paths.terraformLog, `provider from ${source.description}\n`);
  const env = environmentOf(port, source);
  const terraform = async (step: string, args: readonly string[], onLine: Progress): Promise<string> =>
    runTerraform(paths, step, args, env, onLine);

  progress(`provider from ${source.description}`);
  if (!isInitialized(source)) {
    await terraform('terraform init', ['init', '-no-color'], progress);
    writeFileSync(initStamp(), configurationHash(source));
  }

  let created = 0;
  await terraform(
    'terraform apply',
    [
      'apply',
      '-no-color',
      '-auto-approve',
      '-parallelism=20',
      `-state=${paths.terraformState}`,
      ...argumentsOf(variables),
    ],
    (line) => {
      if (/: (Creation|Modifications) complete/.test(line)) progress(`${(created += 1)} resources made`);
    },
  );
  const json = await terraform(
    'terraform output',
    ['output', '-no-color', '-json', `-state=${paths.terraformState}`],
    () => undefined,
  );
  const outputs = JSON.parse(json) as Record<string, { value: unknown }>;
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, output.value]));
}

/**
 * True when `terraform init` has run for this configuration. It asks the registry even where all is there, so a machine without
 * a network cannot run it again.
 */
export function isInitialized(source: ProviderSource): boolean {
  if (!existsSync(path.join(TOOLS.terraformData, 'providers'))) return false;
  return existsSync(initStamp()) && readFileSync(initStamp(), 'utf8') === configurationHash(source);
}

function initStamp(): string {
  return path.join(TOOLS.terraformData, 'init.sha256');
}

/** A hash of everything that decides what `terraform init` does, and of the lock file that it wrote. */
function configurationHash(source: ProviderSource): string {
  const modules = readdirSync(path.join(ROOT, 'modules'), { recursive: true, encoding: 'utf8' });
  const files = [
    '.terraform.lock.hcl',
    ...readdirSync(ROOT),
    ...modules.map((file) => path.join('modules', file)),
  ].filter((file) => file === '.terraform.lock.hcl' || file.endsWith('.tf'));
  const hash = createHash('sha256').update(`${source.description}\0${ROOT}\0`);
  for (const file of [...new Set(files)].sort()) {
    const absolute = path.join(ROOT, file);
    hash.update(`${file}\0`).update(existsSync(absolute) ? readFileSync(absolute) : 'none');
  }
  return hash.digest('hex');
}

/**
 * Plans the root module against what a running stack has applied, and changes nothing.
 *
 * @param options `refresh` compares with what is there now, which finds what somebody changed by hand, and takes longer
 * @returns the plan as `terraform show -json` gives it (https://developer.hashicorp.com/terraform/internals/json-format)
 * @throws {StepError} with Terraform's first error
 */
export async function planTerraform(
  paths: StackPaths,
  port: number,
  variables: Readonly<Record<string, string>>,
  { refresh = false }: { readonly refresh?: boolean } = {},
): Promise<unknown> {
  const env = environmentOf(port, chooseProviderSource());
  const folder = mkdtempSync(path.join(tmpdir(), 'lean-ops-plan-'));
  try {
    const file = path.join(folder, 'plan');
    const flags = [
      '-no-color',
      `-refresh=${String(refresh)}`,
      '-lock=false',
      `-state=${paths.terraformState}`,
      `-out=${file}`,
    ];
    const nothing = (): void => undefined;
    await runTerraform(paths, 'terraform plan', ['plan', ...flags, ...argumentsOf(variables)], env, nothing);
    return JSON.parse(await runTerraform(paths, 'terraform show', ['show', '-json', file], env, nothing));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function environmentOf(port: number, source: ProviderSource): Record<string, string> {
  return { ...awsEnvironment(port), ...terraformEnvironment(source), TF_DATA_DIR: TOOLS.terraformData };
}

/** The variables of a local deployment, `variables` before its own. */
export function argumentsOf(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries({ ...LOCAL_VARIABLES, ...variables }).flatMap(([name, value]) => ['-var', `${name}=${value}`]);
}

async function runTerraform(
  paths: StackPaths,
  step: string,
  args: readonly string[],
  env: Record<string, string>,
  onLine: Progress,
): Promise<string> {
  const child = execa('terraform', args, { cwd: ROOT, env, all: true, reject: false });
  child.all.on('data', (chunk: Buffer) => {
    const text = chunk.toString('utf8');
    appendFileSync(paths.terraformLog, text);
    for (const line of text.split('\n')) if (line.trim() !== '') onLine(line.trim().slice(0, 100));
  });
  const result = await child;
  if (result.failed) {
    const cause = /Error: ([^\n]+)/.exec(result.all)?.[1] ?? result.shortMessage ?? 'it ended with an error';
    throw new StepError(step, cause, paths.terraformLog);
  }
  return result.stdout;
}
