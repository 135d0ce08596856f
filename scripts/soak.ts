/** `pnpm soak`: sends many messages through a stack of its own with injected faults, and must find every one again. */
import { decimalNumber, wholeNumber } from '../packages/cli/src/commands/usage';
import { display, newProgram, runProgram } from './local/commands/program';
import { onInterrupt } from './local/interrupt';
import { stackPaths } from './local/paths';
import { freePort } from './local/process';
import { requireStack, takeDown, upSteps } from './local/stack';
import { runSteps, type Step } from './local/steps';
import { soakMessages } from './soak/messages';
import { renderSoak, renderVerdict } from './soak/report';
import { FUNCTION, soak, type SoakResult } from './soak/run-soak';

interface Options {
  readonly messages: number;
  readonly seed: number;
  /** Mean number of seconds from one kill to the next; 0 for no kills. */
  readonly kill: number;
  readonly firehoseFailures: number;
  readonly json?: boolean;
}

const NAME = 'soak';

/** The shortest time that the module allows, so that a killed batch comes again soon, and as many workers as a machine bears. */
const VARIABLES = {
  ingest_timeout_seconds: '30',
  ingest_max_concurrency: '4',
};
/** Longer than the function's timeout of 30 seconds, so that a message is not delivered again while it is being handled. */
const VISIBILITY_SECONDS = 35;

async function main(options: Options): Promise<void> {
  const paths = stackPaths(NAME);
  const ups = await upSteps({ name: NAME, port: await freePort(), variables: VARIABLES });
  onInterrupt(async () => takeDown(paths));
  let result: SoakResult | undefined;
  const run: Step = {
    title: titleOf(options),
    run: async (progress) => {
      const kill = { function: FUNCTION, every_s: [options.kill * 0.3, options.kill * 1.7] as const };
      result = await soak(
        requireStack(paths),
        {
          messages: soakMessages({ count: options.messages, seed: options.seed }),
          faults: {
            firehose_put: options.firehoseFailures,
            seed: options.seed,
            ...(options.kill === 0 ? {} : { lambda_kill: kill }),
          },
          visibilitySeconds: VISIBILITY_SECONDS,
        },
        progress,
      );
    },
  };
  try {
    await (options.json === true ? runQuietly : runSteps)([...ups, run]);
  } finally {
    await takeDown(paths);
  }
  if (result === undefined) throw new Error('the soak gave no result');
  console.log(
    options.json === true ? JSON.stringify(result) : `\n${renderSoak(result, display())}\n\n${renderVerdict(result)}`,
  );
  if (result.faults.length > 0) process.exitCode = 1;
}

/** Rounded, because 0.07 * 100 is 7.000000000000001. */
function titleOf({ messages, firehoseFailures, kill }: Options): string {
  const percent = Number((firehoseFailures * 100).toPrecision(6));
  const kills = kill === 0 ? 'no worker is killed' : `a worker is killed about every ${kill} s`;
  return `${messages} messages; ${percent} % of Firehose's calls and records fail, ${kills}`;
}

/** Runs the steps with their titles on standard error, because standard output belongs to the JSON. */
async function runQuietly(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    process.stderr.write(`${step.title}\n`);
    await step.run(() => undefined);
  }
}

const program = newProgram('pnpm soak')
  .description(
    'Send many messages, illegal ones among them, through a local stack in which Firehose fails and the function that reads the queue is killed at random; then account for every one.',
  )
  .option('--messages <n>', 'messages to send', wholeNumber({ from: 200 }), 100_000)
  .option('--seed <n>', 'seed of the messages and of the faults', wholeNumber({ from: 0 }), 42)
  .option('--kill <seconds>', 'mean time from one kill to the next; 0 for none', decimalNumber({ from: 0 }), 1.75)
  .option(
    '--firehose-failures <rate>',
    'probability that a record, or a whole call, fails',
    decimalNumber({ from: 0, to: 1 }),
    0.05,
  )
  .option('--json', 'print one JSON object')
  .action(async (options: Options) => main(options));

await runProgram(program);
