/** `pnpm cost`: what a pipeline would cost in a month. */
import { Command, InvalidArgumentError } from 'commander';
import { costTable, LOADS } from './model';
import prices from './prices.json';

function positive(text: string): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

const program = new Command('cost')
  .description('Print what a pipeline costs in a month, in dollars, by a model of the work that it does.')
  .option('--events-per-day <n>', 'events a day; without it, the table of docs/deployment.md', positive)
  .option('--topics <n>', 'topics that have events in a usual cycle', positive, 100)
  .option('--bytes <n>', 'bytes of an event in Firehose: its payload and about 350', positive, 1_000)
  .option('--cycles-per-day <n>', 'cycles a day; 96 is one every 15 minutes', positive, 96)
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  })
  .parse();
const options = program.opts<{ eventsPerDay?: number; topics: number; bytes: number; cyclesPerDay: number }>();
const { eventsPerDay } = options;
const loads = eventsPerDay === undefined ? LOADS : [{ ...options, eventsPerDay }];
process.stdout.write(
  `| events a day | topics | queues | functions | stream | jobs | tables | watching | storage | all |\n` +
    `| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n` +
    `${costTable(loads, prices).join('\n')}\n\nDollars a month in ${prices.region}, ${prices.asOf}: ${prices.source}.\n`,
);
