/** The growth benchmark: runs the same cycle against tables with ever more history, and measures what it reads and its time. */
import { output } from '../../scripts/local/clients';
import { endpointOf } from '../../scripts/local/emulator-process';
import { StepError } from '../../scripts/local/errors';
import type { Stack } from '../../scripts/local/stack';
import type { Progress } from '../../scripts/local/python-environment';
import { LAYERS, machine, measureCycle, runLakeScript, withStack, type ByLayer } from './bench-stack';
import { registerTopics } from './register';
import { benchTopic, type BenchTopic } from './topics';

/** Numbers of days of history. Every day has the same number of rows. */
const DAYS = [1, 10, 100] as const;
type ByDays<T> = Readonly<Record<string, T>>;

const FOLDERS = ['data', 'metadata'] as const;
type BytesByFolder = Readonly<Record<(typeof FOLDERS)[number], number>>;

/** The measured numbers by days of history. The names are part of `pnpm bench growth --json`. */
interface Growth {
  /** Bytes that the cycle's two jobs read from the topic's two tables. */
  readonly bytes: ByDays<number>;
  /** Seconds of both layers together. */
  readonly seconds: ByDays<number>;
  readonly parts: ByDays<ByLayer<BytesByFolder>>;
}

/** The growth of a topic that promises `x-event-time-stable`, and in `unstable` of one that does not. */
export interface GrowthResult extends Growth {
  readonly machine: string;
  readonly rows_a_day: number;
  readonly unstable: Growth;
}

interface Subject {
  /** Its index in the plan. */
  readonly at: number;
  readonly kind: 'stable' | 'unstable' | 'warm-up';
  readonly days: number;
  readonly topic: BenchTopic;
}

/** The subjects in order. The first is a warm-up, because the first cycles of a Spark process are slow. */
function subjects(): Subject[] {
  const all = [
    { kind: 'warm-up', days: 1 },
    ...DAYS.flatMap((days) => [{ kind: 'stable', days } as const, { kind: 'unstable', days } as const]),
  ] as const;
  return all.map(({ kind, days }, at) => {
    const key = kind === 'unstable' ? 'none' : 'x-event-time-stable';
    return { at, kind, days, topic: benchTopic(at, key, `growth.${kind}-${days}`) };
  });
}

export async function benchGrowth(rows: number, say: Progress): Promise<GrowthResult> {
  return withStack('bench-growth', say, async (stack) => {
    const all = subjects();
    const pairs = all.map(({ at, days }) => `${at}:${days}`);
    const run = async <T>(script: string, ...args: readonly string[]): Promise<T> =>
      runLakeScript(stack, script, [plan, String(rows), ...args], say);
    say('registering topics and making their tables');
    const plan = await registerTopics(
      stack,
      all.map(({ topic }) => topic),
    );
    await runLakeScript(stack, 'make_tables.py', [plan], say);
    say('a first cycle, then the history below it');
    await run('growth_events.py', 'first', ...pairs);
    await measureCycle(stack, say);
    await run('growth_history.py', ...pairs);
    const measured: Measured[] = [];
    for (const subject of all) {
      await run('growth_events.py', 'cycle', `${subject.at}:${subject.days}`);
      measured.push(await measure(stack, subject, say));
    }
    const { faults } = await run<{ faults: string[] }>('growth_check.py', ...pairs);
    if (faults.length > 0) throw new StepError('The balance', faults.join('\n  '), undefined);
    const of = (kind: Subject['kind']): Growth => growthOf(measured.filter(({ subject }) => subject.kind === kind));
    return { machine: machine(), rows_a_day: rows, ...of('stable'), unstable: of('unstable') };
  });
}

interface Measured {
  readonly subject: Subject;
  readonly seconds: number;
  readonly parts: ByLayer<BytesByFolder>;
}

async function measure(stack: Stack, subject: Subject, say: Progress): Promise<Measured> {
  say(`${subject.topic.topic}, ${subject.days} days of history`);
  const lake = output(stack, 'lake_bucket');
  const table = subject.topic.topic.replace(/[.-]/g, '_');
  const prefix = (layer: string, folder: string): string => `/${lake}/warehouse/lean_ops_${layer}/${table}/${folder}/`;
  await served(stack, { prefixes: LAYERS.flatMap((layer) => FOLDERS.map((folder) => prefix(layer, folder))) });
  const { seconds } = await measureCycle(stack, say);
  const counts = await served(stack);
  const bytesOf = (layer: string): BytesByFolder => ({
    data: counts[prefix(layer, 'data')]?.bytes ?? NaN,
    metadata: counts[prefix(layer, 'metadata')]?.bytes ?? NaN,
  });
  const parts = { standardized: bytesOf('standardized'), curated: bytesOf('curated') };
  say(JSON.stringify(parts));
  return { subject, seconds: seconds.standardized + seconds.curated, parts };
}

/** Bytes that S3 has served by prefix. When `start` is given, counting begins anew with its prefixes. */
async function served(
  stack: Stack,
  start?: { readonly prefixes: readonly string[] },
): Promise<Partial<Record<string, { readonly bytes: number }>>> {
  const request = start === undefined ? {} : { method: 'POST', body: JSON.stringify(start) };
  const response = await fetch(`${endpointOf(stack.port)}/_lean_ops/reads`, request);
  if (!response.ok) throw new Error(`the stack does not count reads: ${await response.text()}`);
  return (await response.json()) as Record<string, { bytes: number }>;
}

function growthOf(measured: readonly Measured[]): Growth {
  const byDays = <T>(value: (one: Measured) => T): ByDays<T> =>
    Object.fromEntries(measured.map((one) => [String(one.subject.days), value(one)]));
  return {
    bytes: byDays(({ parts }) => LAYERS.reduce((sum, layer) => sum + parts[layer].data + parts[layer].metadata, 0)),
    seconds: byDays(({ seconds }) => seconds),
    parts: byDays(({ parts }) => parts),
  };
}
