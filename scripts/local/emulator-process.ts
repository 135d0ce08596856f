/** The local AWS account: one process that serves every API on one loopback port. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StepError, UserError } from './errors';
import { ROOT, TOOLS, type StackPaths } from './paths';
import { isAlive, isPortFree, LOOPBACK, startDetached } from './process';

/** The root user of the local account. Terraform makes every other principal, and each is held to its policies. */
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const;
/** Not us-east-1, which several SDKs take when nobody names a region: here that would go unseen. */
export const REGION = 'eu-central-1';

export interface EmulatorStatus {
  readonly ready: boolean;
  readonly spark: 'starting' | 'ready' | 'failed';
  readonly firehose: Readonly<Record<string, { buffered_records: number; delivered: number; failed: number }>>;
}

export function endpointOf(port: number): string {
  return `http://${LOOPBACK}:${port}`;
}

/** Environment variables with which any AWS tool talks to the stack. */
export function awsEnvironment(port: number): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpointOf(port),
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    // A proxy of the machine must not see requests to loopback.
    NO_PROXY: LOOPBACK,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/**
 * Starts the process of the local account.
 *
 * @returns its process id
 * @throws {UserError} when the port is taken
 */
export async function startEmulator(paths: StackPaths, port: number, jars: readonly string[]): Promise<number> {
  if (!(await isPortFree(port))) {
    throw new UserError(
      `Port ${port} on ${LOOPBACK} is taken. Free it, or choose another: \`--port 4577\` (or LEAN_PORT=4577).`,
    );
  }
  const env = {
    ...awsEnvironment(port),
    GATEWAY_PORT: String(port),
    BIND_HOST: LOOPBACK,
    MINISTACK_HOST: LOOPBACK,
    AUTH: 'true',
    MINISTACK_ACCOUNT_ID: '000000000000',
    MINISTACK_REGION: REGION,
    LEAN_LOCAL_DIR: paths.dir,
    LEAN_SPARK_JARS: jars.join(','),
    PYTHONPATH: path.join(ROOT, 'scripts/local'),
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
  };
  return startDetached(TOOLS.python, ['-m', 'emulator'], paths.emulatorLog, env);
}

/** The state of the local account; undefined when it does not answer. */
export async function readStatus(port: number): Promise<EmulatorStatus | undefined> {
  try {
    const response = await fetch(`${endpointOf(port)}/_lean_ops/status`, { signal: AbortSignal.timeout(5_000) });
    return response.ok ? ((await response.json()) as EmulatorStatus) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Waits until the APIs answer (`api`), or until Spark answers as well (`spark`).
 *
 * @throws {StepError} when the process or Spark ended, or the time is over
 */
export async function waitForEmulator(
  paths: StackPaths,
  pid: number,
  port: number,
  until: 'api' | 'spark',
  timeoutMs = 120_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const status = await readStatus(port);
    if (status?.spark === 'failed') throw new StepError('Spark', lastLine(paths.emulatorLog), paths.emulatorLog);
    if (status?.ready === true && (until === 'api' || status.spark === 'ready')) return;
    if (!isAlive(pid)) throw new StepError('The local stack', lastLine(paths.emulatorLog), paths.emulatorLog);
    if (Date.now() > deadline)
      throw new StepError('The local stack', `not ready after ${timeoutMs / 1000} s`, paths.emulatorLog);
    await sleep(200);
  }
}

/** Makes Firehose deliver what it buffers without waiting for its interval. */
export async function flushFirehose(port: number): Promise<void> {
  await fetch(`${endpointOf(port)}/_lean_ops/firehose/flush`, { method: 'POST', signal: AbortSignal.timeout(120_000) });
}

function lastLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? 'no output';
  } catch {
    return 'no output';
  }
}
