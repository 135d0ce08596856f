/** A local stack for one benchmark. It is brought up, used, and taken down whatever happens. */
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { GetJobRunsCommand } from '@aws-sdk/client-glue';
import { execa } from 'execa';
import { connect } from '../../scripts/local/clients';
import { runCycle } from '../../scripts/local/cycle';
import { awsEnvironment } from '../../scripts/local/emulator-process';
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

export interface MeasuredCycle {
  readonly cycleId: string;
  /** Seconds from the start to the end of each layer's Glue run. */
  readonly seconds: ByLayer<number>;
}

/** Runs one cycle as the schedule starts it, and measures it. */
export async function measureCycle(stack: Stack, say: Progress): Promise<MeasuredCycle> {
  const { cycleId = '' } = await runCycle(stack, () => undefined);
  const [standardized, curated] = await Promise.all(LAYERS.map(async (layer) => runSeconds(stack, layer, cycleId)));
  const seconds = { standardized: standardized ?? NaN, curated: curated ?? NaN };
  say(`${cycleId}: Standardized ${seconds.standardized.toFixed(1)} s, Curated ${seconds.curated.toFixed(1)} s`);
  return { cycleId, seconds };
}

async function runSeconds(stack: Stack, layer: Layer, cycleId: string): Promise<number> {
  const { glue } = connect(stack);
  const { JobRuns: runs = [] } = await glue.send(new GetJobRunsCommand({ JobName: `lean-ops-${layer}` }));
  const run = runs.find(({ Arguments: given }) => given?.['--cycle_id'] === cycleId);
  if (run?.StartedOn === undefined || run.CompletedOn === undefined)
    throw new Error(`no finished run of ${layer} for cycle ${cycleId}`);
  return (run.CompletedOn.getTime() - run.StartedOn.getTime()) / 1000;
}
