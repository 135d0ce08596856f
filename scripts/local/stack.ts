/** Finds the running stack, brings it up, and takes it down. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { startEmulator, waitForEmulator } from './emulator-process';
import { StepError, UserError } from './errors';
import { checkPrerequisites } from './prerequisites';
import { ROOT, stackPaths, type StackPaths } from './paths';
import { endGroup, isAlive } from './process';
import { applyTerraform, planTerraform, type Outputs } from './terraform';
import type { Step } from './steps';
import { installJars, installPython, pythonReady, type Progress } from './python-environment';

export const DEFAULT_PORT = 4566;
const BUILD = 'Build the Lambda bundles and the Glue library';

export interface StackRecord {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly startedAt: string;
  readonly outputs: Outputs;
}

export interface Stack extends StackRecord {
  readonly paths: StackPaths;
}

/** The running stack, or undefined when none runs under this name. */
export function findStack(paths: StackPaths = stackPaths()): Stack | undefined {
  if (!existsSync(paths.record)) return undefined;
  const record = JSON.parse(readFileSync(paths.record, 'utf8')) as StackRecord;
  return isAlive(record.pid) ? { ...record, paths } : undefined;
}

/**
 * The running stack.
 *
 * @throws {UserError} when no stack runs, or it has not come up completely
 */
export function requireStack(paths: StackPaths = stackPaths()): Stack {
  const stack = findStack(paths);
  if (stack === undefined) throw new UserError(`No local stack ${paths.name} is running. Start it: \`pnpm local up\`.`);
  if (Object.keys(stack.outputs).length === 0)
    throw new UserError('The local stack has not come up whole. `pnpm local down`, then `pnpm local up`.');
  return stack;
}

/**
 * The steps of `up`, in order. After the last one `findStack` returns the running stack.
 *
 * @throws {UserError} when a stack is running already, or a tool is missing
 */
export async function upSteps(
  options: { port?: number; name?: string; variables?: Readonly<Record<string, string>> } = {},
): Promise<readonly Step[]> {
  const paths = stackPaths(options.name);
  const port = options.port ?? DEFAULT_PORT;
  const running = findStack(paths);
  if (running !== undefined) {
    throw new UserError(
      `The local stack ${paths.name} is running (port ${running.port}, pid ${running.pid}). End it first: \`pnpm local down\`.`,
    );
  }
  const needs = await checkPrerequisites();
  rmSync(paths.dir, { recursive: true, force: true });
  mkdirSync(paths.logs, { recursive: true });
  let jars: readonly string[];
  let pid: number;
  const record = (outputs: Outputs): void => {
    const value: StackRecord = { name: paths.name, pid, port, startedAt: new Date().toISOString(), outputs };
    writeFileSync(paths.record, `${JSON.stringify(value, null, 2)}\n`);
  };
  return [
    {
      title: pythonReady()
        ? 'Python environment'
        : 'Install the Python environment (PySpark, Iceberg, the AWS emulator)',
      run: async (progress) => {
        await installPython(needs.python, progress);
        jars = await installJars(progress);
      },
    },
    {
      title: 'Start the local AWS account',
      run: async (progress) => {
        pid = await startEmulator(paths, port, jars);
        record({});
        await waitForEmulator(paths, pid, port, 'api');
        progress(`http://127.0.0.1:${port}, pid ${pid}`);
      },
    },
    { title: BUILD, run: async (progress) => buildBundles(paths, progress) },
    {
      title: 'terraform apply',
      run: async (progress) => {
        await waitForEmulator(paths, pid, port, 'spark');
        record(await applyTerraform(paths, port, progress, options.variables));
      },
    },
  ];
}

/** The steps that bring a running stack in line with this working copy, and put back what was changed by hand. */
export function applySteps({ paths, ...record }: Stack): readonly Step[] {
  return [
    { title: BUILD, run: async (progress) => buildBundles(paths, progress) },
    {
      title: 'terraform apply',
      run: async (progress) => {
        const outputs = await applyTerraform(paths, record.port, progress);
        writeFileSync(paths.record, `${JSON.stringify({ ...record, outputs } satisfies StackRecord, null, 2)}\n`);
      },
    },
  ];
}

/** The steps that find what `applySteps` would change. @param show takes the plan, as JSON */
export function planSteps({ paths, port }: Stack, show: (plan: unknown) => void): readonly Step[] {
  return [
    { title: BUILD, run: async (progress) => buildBundles(paths, progress) },
    { title: 'terraform plan', run: async () => show(await planTerraform(paths, port, {}, { refresh: true })) },
  ];
}

async function buildBundles(paths: StackPaths, progress: Progress): Promise<void> {
  const log = path.join(paths.logs, 'build.log');
  const child = execa(process.execPath, ['--import', 'tsx', path.join(ROOT, 'scripts/build/build.ts')], {
    cwd: ROOT,
    all: true,
    reject: false,
  });
  child.all.on('data', (chunk: Buffer) => progress(chunk.toString('utf8').trim().split('\n').at(-1)?.trim() ?? ''));
  const result = await child;
  writeFileSync(log, result.all);
  if (result.failed) {
    const cause =
      result.all.split('\n').find((line) => /error/i.test(line)) ?? result.shortMessage ?? 'it ended with an error';
    throw new StepError('The build', cause.trim(), log);
  }
}

/**
 * Ends the stack and every process it started.
 *
 * @returns false when no stack was running
 */
export async function takeDown(paths: StackPaths = stackPaths()): Promise<boolean> {
  if (!existsSync(paths.record)) return false;
  const { pid } = JSON.parse(readFileSync(paths.record, 'utf8')) as StackRecord;
  const wasRunning = isAlive(pid);
  await endGroup(pid);
  rmSync(paths.record, { force: true });
  return wasRunning;
}
