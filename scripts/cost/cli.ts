/** `pnpm cost`: what a pipeline would cost in a month. */
import { Command } from 'commander';
import { usageExitCode, wholeNumber, withPlainUsage } from '../../packages/cli/src/commands/usage';
import { costTable, LOADS, USUAL_LOAD, type Load } from './model';
import prices from './prices.json';

const count = wholeNumber({ from: 1 });

const program = withPlainUsage(new Command('cost'), {
  writeOut: (text) => process.stdout.write(text),
  writeErr: (text) => process.stderr.write(text),
})
  .description('Print what a pipeline costs in a month, in dollars, by a model of the work that it does.')
  .option('--events-per-day <n>', 'events a day; without it, the table of docs/deployment.md', count)
  .option('--topics <n>', `topics that have events in a usual cycle (default: ${USUAL_LOAD.topics})`, count)
  .option(
    '--bytes <n>',
    `bytes of an event in Firehose: its payload and about 350 (default: ${USUAL_LOAD.bytes})`,
    count,
  )
  .option(
    '--cycles-per-day <n>',
    `cycles a day; 96 is one every 15 minutes (default: ${USUAL_LOAD.cyclesPerDay})`,
    count,
  )
  .action((options: Partial<Load>) => {
    const { eventsPerDay } = options;
    if (eventsPerDay === undefined && Object.keys(options).length > 0) {
      program.error(
        'error: --events-per-day must be given, too: the table of docs/deployment.md has loads of its own.',
      );
    }
    const loads = eventsPerDay === undefined ? LOADS : [{ ...USUAL_LOAD, ...options, eventsPerDay }];
    process.stdout.write(
      `| events a day | topics | queues | functions | stream | jobs | tables | watching | storage | all |\n` +
        `| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n` +
        `${costTable(loads, prices).join('\n')}\n\nDollars a month in ${prices.region}, ${prices.asOf}: ${prices.source}.\n`,
    );
  });

try {
  program.parse();
} catch (error) {
  const code = usageExitCode(error);
  if (code === undefined) throw error;
  process.exitCode = code;
}
