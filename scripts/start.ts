/** `pnpm start`: runs the whole pipeline on this machine, fed by a simulated fleet or by the user's own events. */
import path from 'node:path';
import { wholeNumber } from '../packages/cli/src/commands/usage';
import { counted } from '../packages/cli/src/format/text';
import { UNKNOWN_TOPIC } from '../packages/common/src/core/topic';
import { runCycle, type CycleOutcome } from './local/cycle';
import { display, newProgram, portOption, runProgram, userPath } from './local/commands/program';
import { EXIT, UserError } from './local/errors';
import { runWithStack } from './local/exec';
import { onInterrupt } from './local/interrupt';
import { acceptMessages } from './local/messages/accept';
import { ROOT } from './local/paths';
import {
  imbalances,
  nothingArrived,
  renderAccount,
  renderBalance,
  takeAccount,
  type TopicAccount,
} from './local/reports/topic-account';
import { pushSchema, sampleSchema, sampleTopics } from './local/sample-schemas';
import { readMessages, sendMessages, topicOf, type Message } from './local/send';
import { requireStack, takeDown, upSteps } from './local/stack';
import { runSteps, type Step } from './local/steps';
import type { Progress } from './local/python-environment';
import { simulateDay, type SimulatedMessage } from './simulator/fleet';

interface Options {
  readonly input?: string;
  readonly topic?: string;
  readonly anyway?: boolean;
  readonly keep?: boolean;
  readonly port: number;
  readonly events: number;
  readonly seed: number;
}

interface Run {
  /** Number of messages that SQS accepted, by the topic that they name. */
  readonly received: Map<string, number>;
  readonly cycles: CycleOutcome[];
}

const LEAN_OPS = path.join(ROOT, 'packages/cli/bin/lean-ops.mjs');
const DAY_1 = new Date('2026-11-02T00:00:00Z');
const DAY_2 = new Date('2026-11-03T00:00:00Z');
/** The share of the events that are sent on the first day. */
const DAY_1_SHARE = 0.62;

async function sendCounted(
  run: Run,
  messages: readonly SimulatedMessage[],
  progress: (line: string) => void,
): Promise<void> {
  const wire: Message[] = messages.map(({ body, topic }) => (topic === undefined ? { body } : { body, topic }));
  const result = await sendMessages(requireStack(), wire, (sent) => progress(`${sent} of ${wire.length} messages`));
  const refused = new Set(result.refused.map(({ index }) => index));
  for (const [index, { expectedTopic }] of messages.entries()) {
    if (refused.has(index)) continue;
    const topic = expectedTopic ?? UNKNOWN_TOPIC;
    run.received.set(topic, (run.received.get(topic) ?? 0) + 1);
  }
  for (const { index, reason } of result.refused.slice(0, 3)) progress(`SQS refused message ${index + 1}: ${reason}`);
  if (result.accepted === 0)
    throw new UserError(`SQS accepted none of ${wire.length} messages: ${result.refused[0]?.reason ?? ''}`);
}

async function pushAll(topics: readonly string[], progress: (line: string) => void): Promise<void> {
  const stack = requireStack();
  let done = 0;
  await Promise.all(
    topics.map(async (topic) => {
      await pushSchema(stack, topic, sampleSchema(topic));
      progress(`${(done += 1)} of ${topics.length} schemas active`);
    }),
  );
}

async function cycle(run: Run, progress: (line: string) => void): Promise<void> {
  const outcome = await runCycle(requireStack(), progress);
  run.cycles.push(outcome);
  const curated = outcome.states.includes('Curated')
    ? 'Standardized and Curated'
    : 'Standardized; Curated skipped, no topic has a schema';
  progress(`${outcome.cycleId ?? ''}: ${curated}, ${outcome.seconds.toFixed(1)} s`);
}

function simulation(run: Run, options: Options): Step[] {
  const first = Math.round(options.events * DAY_1_SHARE);
  const day1 = simulateDay({ seed: options.seed, day: 1, events: first, start: DAY_1 });
  const day2 = simulateDay({ seed: options.seed, day: 2, events: options.events - first, start: DAY_2 });
  return [
    {
      title: `Day 1: ${day1.length} messages of the fleet, no schemas yet`,
      run: async (p) => sendCounted(run, day1, p),
    },
    { title: 'Day 1: a cycle', run: async (p) => cycle(run, p) },
    { title: `Schemas of ${sampleTopics().length} topics are merged`, run: async (p) => pushAll(sampleTopics(), p) },
    {
      title: `Day 2: ${day2.length} messages, with drift, corrections and violations`,
      run: async (p) => sendCounted(run, day2, p),
    },
    { title: 'Day 2: a cycle', run: async (p) => cycle(run, p) },
  ];
}

async function ownEvents(run: Run, options: Options, file: string): Promise<Step[]> {
  const read = await readMessages(userPath(file), options.topic);
  const warning = acceptMessages(read, file, options.anyway === true);
  if (warning !== undefined) console.error(`${warning}\n`);
  const messages = read.map((message) => ({ ...message, expectedTopic: topicOf(message) }));
  const topics = new Set(messages.map(({ expectedTopic }) => expectedTopic));
  const known = sampleTopics().filter((topic) => topics.has(topic));
  return [
    ...(known.length === 0
      ? []
      : [{ title: `Schemas: ${known.join(', ')}`, run: async (p: Progress) => pushAll(known, p) }]),
    { title: `Send ${messages.length} messages of ${file}`, run: async (p) => sendCounted(run, messages, p) },
    { title: 'A cycle', run: async (p) => cycle(run, p) },
  ];
}

async function main(options: Options): Promise<void> {
  const started = Date.now();
  const run: Run = { received: new Map(), cycles: [] };
  let accounts: TopicAccount[] = [];
  const work = options.input === undefined ? simulation(run, options) : await ownEvents(run, options, options.input);
  const ups = await upSteps({ port: options.port });
  const account: Step = {
    title: 'Count every row',
    run: async () => void (accounts = await takeAccount(requireStack(), run.received)),
  };
  onInterrupt(async () => takeDown());
  try {
    await runSteps([...ups, ...work, account]);
    await printSummary(run, accounts, Date.now() - started);
    console.log(next(options.keep === true));
  } finally {
    if (options.keep !== true) await takeDown();
  }
}

/** Prints where every message went, and sets the exit code to 1 when messages are missing or none became a row. */
async function printSummary(run: Run, accounts: readonly TopicAccount[], elapsedMs: number): Promise<void> {
  const total = [...run.received.values()].reduce((sum, count) => sum + count, 0);
  console.log(`\n${renderAccount(accounts, display())}\n${renderBalance(accounts)}\n`);
  console.log('$ lean-ops status');
  // It ends with 1 where messages are in the archive, as some of the simulated fleet's always are.
  await runWithStack(requireStack(), process.execPath, [LEAN_OPS, 'status']);
  console.log('');
  const cycles = run.cycles.map(({ seconds }) => `${seconds.toFixed(0)} s`).join(', ');
  console.log(
    `${total} messages, ${counted(run.cycles.length, 'cycle')} (${cycles}), ${(elapsedMs / 1000).toFixed(0)} s in all.`,
  );
  const nothing = nothingArrived(accounts);
  if (nothing !== undefined) console.error(nothing);
  if (nothing !== undefined || accounts.some((each) => imbalances(each).length > 0)) process.exitCode = EXIT.wrong;
}

function next(kept: boolean): string {
  if (!kept)
    return [
      'The local stack is down again.',
      '`pnpm start --keep` leaves it up to look around; `pnpm start --input FILE [--topic T]` runs your own events.',
    ].join('\n');
  return [
    'The local stack is up. Try next:',
    '  pnpm local topics',
    `  pnpm local query "SELECT device_id, temperature, measured_at FROM lean_ops_curated.telemetry_climate LIMIT 5"`,
    `  pnpm local query "SELECT topic_name, change_type, column_name FROM lean_ops_ops.drift_log LIMIT 10"`,
    `  pnpm local query --expand "SELECT topic_name, violations FROM lean_ops_ops.errors LIMIT 2"`,
    '  pnpm local send FILE --topic my.topic && pnpm local cycle',
    '  pnpm local down',
  ].join('\n');
}

const program = newProgram('pnpm start')
  .description(
    'Run the whole pipeline on this machine, send two days of a simulated IoT fleet through it, and print where every message went.',
  )
  .option('--input <file>', 'run your own events instead: NDJSON, whole envelopes, or bare payloads with --topic')
  .option('--topic <topic>', 'topic of the bare payloads in --input')
  .option('--anyway', 'run --input even when no line can become a row')
  .option('--keep', 'leave the stack up')
  .addOption(portOption())
  .option('--events <n>', 'events of the simulated fleet', wholeNumber({ from: 1 }), 22_000)
  .option('--seed <n>', 'seed of the simulated fleet', wholeNumber({ from: 0 }), 42)
  .action(async (options: Options) => main(options));

await runProgram(program);
