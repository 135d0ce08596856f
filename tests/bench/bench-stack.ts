/** A local stack for one benchmark. It is brought up, used, and taken down whatever happens. */
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { GetJobRunsCommand } from '@aws-sdk/client-glue';
import { execa } from 'execa';
import { connect } from '../../scripts/local/clients';
import { runCycle } from '../../scripts/local/cycle';
import { awsEnvironment, endpointOf } from '../../scripts/local/emulator-process';
import { StepError } from '../../scripts/local/errors';
import { onInterrupt } from '../../scripts/local/interrupt';
import { ROOT, stackPaths, TOOLS } from '../../scripts/local/paths';
import { freePort } from '../../scripts/local/process';
import { requireStack, takeDown, upSteps, type Stack } from '../../scripts/local/stack';
import type { Progress } from '../../scripts/local/python-environment';

export const LAYERS = ['standardized', 'curated'] as const;
export type Layer = (typeof LAYERS)[number];
export type ByLayer<T> = Readonly<Record<Layer, T>>;

/** Longest time that one Python script may take. */
const LIMIT_MS = 4 * 3_600_000;
/** Hundreds of topics on two cores take long, and the measured job must not be cut off. */
const VARIABLES = { glue_timeout_minutes: '240' };

export function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${memory}, Node ${process.version}`;
}

export async function withStack<T>(name: string, say: Progress, work: (stack: Stack) => Promise<T>): Promise<T> {
  const paths = stackPaths(name);
  await takeDown(paths);
  onInterrupt(async () => takeDown(paths));
  try {
    for (const step of await upSteps({ name, port: await freePort(), variables: VARIABLES })) {
      say(step.title);
      await step.run(() => undefined);
    }
    return await work(requireStack(paths));
  } finally {
    await takeDown(paths);
  }
}

/**
 * Runs a script of tests/bench/lake against the stack. Its lines on standard error that begin with `· ` are its progress.
 *
 * @returns the JSON in the last line of its output
 */
export async function runLakeScript<T>(
  stack: Stack,
  script: string,
  args: readonly string[],
  say: Progress,
  python: string = TOOLS.python,
): Promise<T> {
  const log = path.join(stack.paths.logs, `${script.replace(/\.py$/, '')}.log`);
  const jars = JSON.parse(readFileSync(TOOLS.jars, 'utf8')) as string[];
  const child = execa(python, [path.join(ROOT, 'tests/bench/lake', script), ...args], {
    cwd: stack.paths.dir,
    env: {
      ...awsEnvironment(stack.port),
      LEAN_LOCAL_DIR: stack.paths.dir,
      LEAN_SPARK_JARS: jars.join(','),
      PYTHONPATH: ['scripts/local', 'scripts/glue', 'tests/bench/lake'].map((dir) => path.join(ROOT, dir)).join(':'),
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
    },
    stdin: 'ignore',
    stderr: ['pipe', { file: log, append: true }],
    reject: false,
    timeout: LIMIT_MS,
  });
  child.stderr.on('data', (chunk: Buffer) => {
    // The other lines are Spark's warnings, which stay in the log.
    for (const line of chunk.toString('utf8').split('\n')) if (line.startsWith('· ')) say(line.slice(2));
  });
  const result = await child;
  if (result.failed) {
    const reason = result.stderr.trim().split('\n').at(-1) ?? '';
    throw new StepError(script, reason === '' ? (result.shortMessage ?? 'it failed') : reason, log);
  }
  return JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as T;
}

/** Seconds that a Glue run used, as the emulator measures them while the script runs. */
export interface Usage {
  /** By the clock. */
  readonly seconds: number;
  /** CPU of the JVM, which on the local stack has the executor's threads too, and of the driver's Python. */
  readonly jvm_cpu: number;
  readonly python_cpu: number;
  /** CPU and waiting of the JIT compilers' threads, part of the JVM's. */
  readonly jit: number;
  /** CPU of the JVM since it started; for a new JVM the whole price of the run. */
  readonly jvm_cpu_since_start: number;
}

export interface MeasuredCycle {
  readonly cycleId: string;
  /** Seconds of each layer's Glue run, without the start of Spark. */
  readonly seconds: ByLayer<number>;
  readonly usage: ByLayer<Usage>;
}

/** Runs one cycle as the schedule starts it, and measures it. */
export async function measureCycle(stack: Stack, say: Progress): Promise<MeasuredCycle> {
  const { cycleId = '' } = await runCycle(stack, () => undefined);
  const [standardized, curated] = await Promise.all(LAYERS.map(async (layer) => runUsage(stack, layer, cycleId)));
  if (standardized === undefined || curated === undefined) throw new Error(`no finished runs for cycle ${cycleId}`);
  const usage = { standardized, curated };
  const seconds = { standardized: standardized.seconds, curated: curated.seconds };
  say(`${cycleId}: Standardized ${seconds.standardized.toFixed(1)} s, Curated ${seconds.curated.toFixed(1)} s`);
  return { cycleId, seconds, usage };
}

async function runUsage(stack: Stack, layer: Layer, cycleId: string): Promise<Usage | undefined> {
  const { glue } = connect(stack);
  const { JobRuns: runs = [] } = await glue.send(new GetJobRunsCommand({ JobName: `lean-ops-${layer}` }));
  const run = runs.find(({ Arguments: given }) => given?.['--cycle_id'] === cycleId);
  const status = (await readAdmin(stack, 'status')) as { glue_usage: Readonly<Record<string, Usage>> };
  return status.glue_usage[run?.Id ?? ''];
}

/** Reads one of the stack's own routes. */
export async function readAdmin(stack: Stack, route: string): Promise<unknown> {
  const response = await fetch(`${endpointOf(stack.port)}/_lean_ops/${route}`);
  return response.json();
}

/** Sets something by one of the stack's own routes. */
export async function setAdmin(stack: Stack, route: string, body: unknown): Promise<void> {
  const request = { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${endpointOf(stack.port)}/_lean_ops/${route}`, request);
  if (!response.ok) throw new StepError(`The stack's ${route}`, await response.text(), undefined);
}
