/** The cycle benchmark: measures a steady-state cycle of many topics, and other ways to bring the same events to tables. */
import { StepError } from '../../scripts/local/errors';
import type { Stack } from '../../scripts/local/stack';
import type { Progress } from '../../scripts/local/python-environment';
import {
  LAYERS,
  machine,
  measureCycle,
  readAdmin,
  runLakeScript,
  withStack,
  type ByLayer,
  type Usage,
} from './bench-stack';
import { measureDlt } from './dlt';
import { PeakMemory } from './peak-memory';
import { registerTopics } from './register';
import { jobArguments, setConditions, type JobSettings } from './settings';
import { benchTopic, type BenchTopic, type TimeKey } from './topics';

export const COMPARISONS = ['merge', 'dlt', 'floor'] as const;
export type Comparison = (typeof COMPARISONS)[number];

export interface CycleOptions {
  readonly topics: number;
  readonly events: number;
  /** Number of cycles before the one that is measured. */
  readonly history: number;
  readonly sampleMerge: number;
  readonly skip: readonly Comparison[];
  /** Whether the emulator's answers wait as AWS's do. */
  readonly latency: boolean;
  /** Whether every Glue run gets a new JVM, as on AWS. */
  readonly cold: boolean;
  /** How often the cycle is measured under each settings. */
  readonly rounds: number;
  /** Other settings of the jobs, measured in turn with Terraform's. */
  readonly against: readonly JobSettings[];
}

export interface MergeMeasure {
  readonly sample: number;
  readonly seconds_per_topic: number;
  /** Seconds for all topics, one after the other, scaled up from the sample. */
  readonly scaled_seconds: number;
}

/** The cycles measured under one set of settings. */
export interface SettingsResult {
  /** What differs from Terraform's; empty for those. */
  readonly settings: JobSettings;
  readonly runs: readonly ByLayer<Usage>[];
}

export interface CycleResult {
  readonly machine: string;
  readonly topics: number;
  readonly events: number;
  readonly seconds: ByLayer<number>;
  /** Milliseconds per topic, of both layers together. */
  readonly per_topic_ms: number;
  /** Peak resident memory of Spark's JVM and its Python driver during the measured cycle. */
  readonly driver_peak_mb: number;
  readonly latency: boolean;
  readonly cold: boolean;
  /** Each of the measured cycles, first those under Terraform's settings. */
  readonly measured: readonly SettingsResult[];
  /** Requests of the first measured cycle by operation, where answers waited. */
  readonly requests: Readonly<Record<string, number>>;
  /** Number of rows in the tables afterwards. */
  readonly rows: ByLayer<number>;
  /** The seconds of the other way, divided by ours of both layers; null when it was skipped. */
  readonly vs_merge: number | null;
  readonly vs_dlt: number | null;
  readonly vs_floor: number | null;
  readonly merge?: MergeMeasure;
  readonly dlt?: { readonly seconds: number };
  readonly floor?: { readonly seconds: number };
}

const TIME_KEYS: readonly TimeKey[] = ['x-event-time', 'x-event-time-stable', 'none'];

/** Topics of which each third has another kind of partitioning. */
function topicsOf(count: number): BenchTopic[] {
  return Array.from({ length: count }, (_, n) => benchTopic(n, TIME_KEYS[n % TIME_KEYS.length] ?? 'none'));
}

export async function benchCycle(options: CycleOptions, say: Progress): Promise<CycleResult> {
  return withStack('bench-cycle', say, async (stack) => {
    say(`registering ${options.topics} topics and making their tables`);
    const plan = await registerTopics(stack, topicsOf(options.topics));
    await runLakeScript(stack, 'make_tables.py', [plan], say);
    return measure(stack, plan, options, say);
  });
}

interface Appended {
  readonly rows: number;
  readonly snapshot: string;
}

async function measure(stack: Stack, plan: string, options: CycleOptions, say: Progress): Promise<CycleResult> {
  const { topics, events, history } = options;
  const append = async (cycle: number): Promise<Appended> =>
    runLakeScript(stack, 'append_raw.py', [plan, String(cycle), String(events)], say);
  let before: Appended = { rows: 0, snapshot: '' };
  const apply = await jobArguments(stack);
  for (let cycle = 0; cycle < history; cycle++) {
    before = await append(cycle);
    say(`cycle ${cycle + 1} of ${history}, history`);
    await measureCycle(stack, say);
  }
  const now = await append(history);
  say('the measured cycle');
  await setConditions(stack, options);
  const peak = new PeakMemory(stack.pid);
  const first = await measureCycle(stack, say);
  const { seconds } = first;
  const driverPeakMb = peak.megabytes();
  const { requests } = (await readAdmin(stack, 'waits')) as { requests: Record<string, number> };
  const measured = [{}, ...options.against].map((settings) => ({ settings, runs: [] as ByLayer<Usage>[] }));
  measured[0]?.runs.push(first.usage);
  let cycles = history + 1;
  for (let round = 0; round < options.rounds; round++) {
    for (const [n, { settings, runs }] of measured.entries()) {
      if (round === 0 && n === 0) continue;
      await append(cycles++);
      await apply(settings);
      say(`round ${round + 1} of ${options.rounds}: ${JSON.stringify(settings)}`);
      runs.push((await measureCycle(stack, say)).usage);
    }
  }
  await apply({});
  await setConditions(stack, { latency: false, cold: false });
  const balance = await runLakeScript<{ faults: string[]; rows: ByLayer<number> }>(
    stack,
    'balance.py',
    [plan, String(cycles), String(events)],
    say,
  );
  if (balance.faults.length > 0) throw new StepError('The balance', balance.faults.join('\n  '), undefined);

  const wanted = (name: Comparison): boolean => !options.skip.includes(name);
  const spark = async <T>(name: 'merge' | 'floor', ...args: readonly string[]): Promise<T> =>
    runLakeScript(stack, `compare_${name}.py`, [plan, before.snapshot, now.snapshot, ...args], say);
  const floor = wanted('floor') ? await spark<{ seconds: number }>('floor') : undefined;
  const sampled = wanted('merge') ? await spark<SampledMerge>('merge', String(options.sampleMerge)) : undefined;
  const dlt = wanted('dlt') ? await measureDlt(stack, plan, history, say) : undefined;
  const merge = sampled && {
    sample: sampled.sample,
    seconds_per_topic: sampled.seconds / sampled.sample,
    scaled_seconds: (sampled.seconds / sampled.sample) * topics,
  };

  const ours = LAYERS.reduce((sum, layer) => sum + seconds[layer], 0);
  const ratio = (other: number | undefined): number | null => (other === undefined ? null : other / ours);
  return {
    machine: machine(),
    topics,
    events,
    seconds,
    per_topic_ms: (ours / topics) * 1000,
    driver_peak_mb: driverPeakMb,
    latency: options.latency,
    cold: options.cold,
    measured,
    requests,
    rows: balance.rows,
    vs_merge: ratio(merge?.scaled_seconds),
    vs_dlt: ratio(dlt?.seconds),
    vs_floor: ratio(floor?.seconds),
    ...(merge && { merge }),
    ...(dlt && { dlt }),
    ...(floor && { floor }),
  };
}

interface SampledMerge {
  readonly sample: number;
  readonly seconds: number;
}
