/** The benchmark of age: a life on fast-forward, and whether its last cycles cost as little as its first ones. */
import { deploymentFrom } from '../../packages/cli/src/pipeline/deployment';
import { output } from '../../scripts/local/clients';
import { StepError } from '../../scripts/local/errors';
import type { Progress } from '../../scripts/local/python-environment';
import type { Stack } from '../../scripts/local/stack';
import { ageFindings, CYCLES_A_DAY, type AgeFindings, type Life } from './age-findings';
import { machine, runLakeScript, withStack, type ByLayer } from './bench-stack';
import { registerTopics } from './register';
import { benchTopic } from './topics';

/** The variable rewind_window_days of the life: short, so that cycle_delta and daily snapshots leave it again. */
const KEPT_DAYS = 5;
/** Events of each topic in each cycle. Few, as the commits are what ages the tables. */
const EVENTS = 20;
/** Rows that each table has from before; life_history.py writes them. */
const HISTORY = 60_000;

export interface AgeOptions {
  readonly cycles: number;
  readonly topics: number;
  /** Commits to RAW in all cycles together. */
  readonly commits: number;
  /** Whether maintenance runs. */
  readonly maintenance: boolean;
}

/** The names are part of `pnpm bench age --json`. */
export interface AgeResult extends AgeFindings, Omit<Life, 'cycles' | 'metadata_bytes'> {
  readonly machine: string;
  readonly cycles: number;
  readonly topics: number;
  readonly commits: number;
  readonly days: number;
}

export async function benchAge(options: AgeOptions, say: Progress): Promise<AgeResult> {
  return withStack('bench-age', say, async (stack) => {
    say(`registering ${options.topics} topics and making their tables`);
    // What a topic costs that does not promise stable event times grows with its rows, which `growth` measures.
    const topics = Array.from({ length: options.topics }, (_, n) => benchTopic(n, 'x-event-time-stable'));
    const plan = await registerTopics(stack, topics);
    await runLakeScript(stack, 'make_tables.py', [plan], say);
    const life = await runLakeScript<Life>(stack, 'age.py', [plan, JSON.stringify(settingsOf(stack, options))], say);
    const balance = await runLakeScript<{ faults: string[]; rows: ByLayer<number> }>(
      stack,
      'balance.py',
      [plan, String(options.cycles), String(EVENTS), String(HISTORY)],
      say,
    );
    if (balance.faults.length > 0) throw new StepError('The balance', balance.faults.join('\n  '), undefined);
    return resultOf(options, life);
  });
}

/** As the class Settings of age.py has them. */
function settingsOf(stack: Stack, { cycles, commits, maintenance }: AgeOptions): object {
  const read = deploymentFrom(stack.outputs);
  if (!read.ok) throw new Error(read.problems.join('; '));
  return {
    cycles,
    cycles_a_day: CYCLES_A_DAY,
    events: EVENTS,
    commits,
    kept_days: KEPT_DAYS,
    maintained: maintenance,
    schema_bucket: read.deployment.schemaBucket,
    registry_table: read.deployment.registryTable,
    checkpoint_table: output(stack, 'checkpoint_table'),
    operations_table: output(stack, 'operations_table'),
  };
}

function resultOf({ topics }: AgeOptions, life: Life): AgeResult {
  const { cycles, ...rest } = life;
  return {
    machine: machine(),
    ...rest,
    ...ageFindings(life, topics),
    cycles: cycles.length,
    topics,
    commits: cycles.reduce((sum, cycle) => sum + cycle.commits, 0),
    days: Math.ceil(cycles.length / CYCLES_A_DAY),
  };
}
