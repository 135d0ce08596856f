/** The growth benchmark: the same cycle against tables with ever more history. Does it read more, and take longer? */
import { output } from '../../scripts/local/clients';
import { endpointOf } from '../../scripts/local/emulator-process';
import { StepError } from '../../scripts/local/errors';
import type { Stack } from '../../scripts/local/stack';
import type { Progress } from '../../scripts/local/python-environment';
import { LAYERS, machine, measureCycle, runPart, withStack, type ByLayer } from './bench-stack';
import { registerTopics } from './register';
import { benchTopic, type BenchTopic } from './topics';

/** Days of history; each has as many rows. */
const DAYS = [1, 10, 100] as const;
type ByDays<T> = Readonly<Record<string, T>>;

const PARTS = ['data', 'metadata'] as const;
type Parts = Readonly<Record<(typeof PARTS)[number], number>>;

interface Growth {
  /** That the cycle's two jobs were served from the topic's two tables, by days of history. */
  readonly bytes: ByDays<number>;
  /** Of both layers. */
  readonly seconds: ByDays<number>;
  readonly parts: ByDays<ByLayer<Parts>>;
}

/** Of the topic that promises `x-event-time-stable`, and of one that does not. */
export interface GrowthResult extends Growth {
  readonly machine: string;
  readonly rows_a_day: number;
  readonly unstable: Growth;
}

interface Subject {
  /** Its place in the plan. */
  readonly at: number;
  readonly kind: 'stable' | 'unstable' | 'warm-up';
  readonly days: number;
  readonly topic: BenchTopic;
}

/** The first one is measured for nothing: the first cycles of a Spark process are slow. */
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
    const part = async <T>(script: string, ...args: readonly string[]): Promise<T> =>
      runPart(stack, script, [plan, String(rows), ...args], say);
    say('registering topics and making their tables');
    const plan = await registerTopics(
      stack,
      all.map(({ topic }) => topic),
    );
    await runPart(stack, 'make_tables.py', [plan], say);
    say('a first cycle, then the history below it');
    await part('growth_events.py', 'first', ...pairs);
    await measureCycle(stack, say);
    await part('growth_history.py', ...pairs);
    const measured: Measured[] = [];
    for (const subject of all) {
      await part('growth_events.py', 'cycle', `${subject.at}:${subject.days}`);
      measured.push(await measure(stack, subject, say));
    }
    const { faults } = await part<{ faults: string[] }>('growth_check.py', ...pairs);
    if (faults.length > 0) throw new StepError('The balance', faults.join('\n  '), undefined);
    const of = (kind: Subject['kind']): Growth => growthOf(measured.filter(({ subject }) => subject.kind === kind));
    return { machine: machine(), rows_a_day: rows, ...of('stable'), unstable: of('unstable') };
  });
}

interface Measured {
  readonly subject: Subject;
  readonly seconds: number;
  readonly parts: ByLayer<Parts>;
}

async function measure(stack: Stack, subject: Subject, say: Progress): Promise<Measured> {
  say(`${subject.topic.topic}, ${subject.days} days of history`);
  const lake = output(stack, 'lake_bucket');
  const table = subject.topic.topic.replace(/[.-]/g, '_');
  const prefix = (layer: string, part: string): string => `/${lake}/warehouse/lean_ops_${layer}/${table}/${part}/`;
  await served(stack, { prefixes: LAYERS.flatMap((layer) => PARTS.map((part) => prefix(layer, part))) });
  const { seconds } = await measureCycle(stack, say);
  const counts = await served(stack);
  const partsOf = (layer: string): Parts => ({
    data: counts[prefix(layer, 'data')]?.bytes ?? NaN,
    metadata: counts[prefix(layer, 'metadata')]?.bytes ?? NaN,
  });
  const parts = { standardized: partsOf('standardized'), curated: partsOf('curated') };
  say(JSON.stringify(parts));
  return { subject, seconds: seconds.standardized + seconds.curated, parts };
}

/** What S3 has served; told prefixes, it begins anew. */
async function served(
  stack: Stack,
  start?: { readonly prefixes: readonly string[] },
): Promise<Partial<Record<string, { readonly bytes: number }>>> {
  const asked = start === undefined ? {} : { method: 'POST', body: JSON.stringify(start) };
  const response = await fetch(`${endpointOf(stack.port)}/_lean_ops/reads`, asked);
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
