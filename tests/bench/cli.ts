/** `pnpm bench NAME [--json]`: measures on this machine what the repository claims about speed and size. */
import { InvalidArgumentError } from 'commander';
import { wholeNumber } from '../../packages/cli/src/commands/usage';
import { newProgram, runProgram } from '../../scripts/local/commands/program';
import { benchAge } from './age';
import { MIN_CYCLES } from './age-findings';
import { printAge } from './age-report';
import { benchCycle, COMPARISONS, type Comparison } from './cycle';
import { printCycle } from './cycle-report';
import { benchGrowth } from './growth';
import { printGrowth } from './growth-report';
import { benchIngest, printIngest } from './ingest';
import { benchPlanner, printPlanner } from './planner';
import { benchRebuild, benchReplay, printRebuild, printReplay } from './operations';
import { countSchemas, printCounts } from './schemas/count';
import { readSettings, type JobSettings } from './settings';

const program = newProgram('pnpm bench').description(
  'Measure on this machine what the repository claims about speed and size. Compare only what ran in the same run.',
);

program
  .command('ingest')
  .description(
    'CPU per message of sqs-processor beside the floor and the usual way; memory; size and init of each bundle',
  )
  .option('--json', 'one JSON object')
  .option('--rounds <n>', 'measured rounds of each process', wholeNumber({ from: 1 }), 5)
  .action(async (options: { json?: boolean; rounds: number }) => {
    const result = await benchIngest(options.rounds, say);
    if (options.json === true) console.log(JSON.stringify(result));
    else printIngest(result);
  });

interface CycleFlags {
  readonly json?: boolean;
  readonly topics: number;
  readonly events: number;
  readonly history: number;
  readonly sampleMerge: number;
  readonly skip: readonly Comparison[];
  readonly latency?: true;
  readonly cold?: true;
  readonly rounds: number;
  readonly against: readonly JobSettings[];
}

program
  .command('cycle')
  .description(
    'a steady-state cycle of many topics on a stack of its own; beside it MERGE per topic, dlt, and parsing alone',
  )
  .option('--json', 'one JSON object')
  .option('--topics <n>', 'topics with an active schema', wholeNumber({ from: 3 }), 700)
  .option('--events <n>', 'events of each topic in each cycle', wholeNumber({ from: 10 }), 200)
  .option('--history <n>', 'cycles before the one that is measured', wholeNumber({ from: 1 }), 2)
  .option('--sample-merge <n>', 'topics that MERGE is measured on', wholeNumber({ from: 1 }), 20)
  .option('--skip <names>', `comparisons to leave out: ${COMPARISONS.join(',')}`, comparisons, [])
  .option('--latency <kind>', "waits before the emulator's answers: aws", latency)
  .option('--cold', 'a new JVM for every Glue run, as on AWS')
  .option('--rounds <n>', 'measured cycles under each settings', wholeNumber({ from: 1 }), 1)
  .option('--against <settings>', 'job arguments to measure in turn with ours: name=value,…; repeatable', against, [])
  .action(async ({ latency: waits, cold, ...flags }: CycleFlags) => {
    const result = await benchCycle({ ...flags, latency: waits ?? false, cold: cold ?? false }, say);
    if (flags.json === true) console.log(JSON.stringify(result));
    else printCycle(result);
  });

program
  .command('growth')
  .description('the same cycle against tables with 1, 10 and 100 days of history: what it reads of them, and its time')
  .option('--json', 'one JSON object')
  .option('--rows <n>', 'rows of history a day', wholeNumber({ from: 100 }), 20_000)
  .action(async (flags: { json?: boolean; rows: number }) => {
    const result = await benchGrowth(flags.rows, say);
    if (flags.json === true) console.log(JSON.stringify(result));
    else printGrowth(result);
  });

program
  .command('planner')
  .description(
    'cycle-planner against 1, 10,000 and 200,000 snapshots of RAW, and many topics: its time and peak memory',
  )
  .option('--json', 'one JSON object')
  .action(async (flags: { json?: boolean }) => {
    const result = await benchPlanner(say);
    if (flags.json === true) console.log(JSON.stringify(result));
    else printPlanner(result);
  });

program
  .command('rebuild')
  .description("rows a second of a topic's rebuild from RAW, beside those of a normal cycle of the same rows")
  .option('--json', 'one JSON object')
  .option('--rows <n>', 'rows of the topic', wholeNumber({ from: 1_000 }), 200_000)
  .action(async (flags: { json?: boolean; rows: number }) => {
    const result = await benchRebuild(flags.rows, say);
    if (flags.json === true) console.log(JSON.stringify(result));
    else printRebuild(result);
  });

program
  .command('replay')
  .description('seconds of a replay of many recorded errors, beside those of a normal cycle of as many messages')
  .option('--json', 'one JSON object')
  .option('--rows <n>', 'errors of the topic', wholeNumber({ from: 1_000 }), 100_000)
  .action(async (flags: { json?: boolean; rows: number }) => {
    const result = await benchReplay(flags.rows, say);
    if (flags.json === true) console.log(JSON.stringify(result));
    else printReplay(result);
  });

interface AgeFlags {
  readonly json?: boolean;
  readonly cycles: number;
  readonly topics: number;
  readonly commits: number;
  readonly maintenance: boolean;
}

program
  .command('age')
  .description('a life of many cycles and days on fast-forward, with maintenance: what its last cycles cost')
  .option('--json', 'one JSON object')
  .option('--cycles <n>', 'cycles of the life', wholeNumber({ from: MIN_CYCLES }), 150)
  .option('--topics <n>', 'topics with an active schema', wholeNumber({ from: 1 }), 20)
  .option('--commits <n>', 'commits to RAW in all', wholeNumber({ from: 1 }), 3_000)
  .option('--maintenance <on|off>', 'whether maintenance runs once a day', onOrOff, true)
  .action(async (flags: AgeFlags) => {
    const result = await benchAge(flags, say);
    if (flags.json === true) console.log(JSON.stringify(result));
    else printAge(result);
    for (const bound of result.broken) say(`broken: ${bound}`);
    if (result.broken.length > 0) process.exitCode = 1;
  });

program
  .command('schemas')
  .description('how many JSON Schemas of a folder the pipeline takes: as they are, with lint --fix, and adopted')
  .argument('<dir>', 'folder of files that end in .json')
  .option('--json', 'one JSON object')
  .action(async (dir: string, flags: { json?: boolean }) => {
    const result = await countSchemas(dir, say);
    if (flags.json === true) console.log(JSON.stringify(result));
    else printCounts(result);
  });

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function onOrOff(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('must be on or off.');
  return text === 'on';
}

function latency(text: string): true {
  if (text !== 'aws') throw new InvalidArgumentError('must be aws.');
  return true;
}

function against(text: string, before: readonly JobSettings[]): JobSettings[] {
  try {
    return [...before, readSettings(text)];
  } catch (error) {
    throw new InvalidArgumentError(`must be name=value,…: ${(error as Error).message}.`);
  }
}

function comparisons(text: string): Comparison[] {
  return text.split(',').map((name) => {
    const found = COMPARISONS.find((each) => each === name.trim());
    if (found === undefined) throw new InvalidArgumentError(`must be some of ${COMPARISONS.join(', ')}.`);
    return found;
  });
}

await runProgram(program);
