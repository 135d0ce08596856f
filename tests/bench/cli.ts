/** `pnpm bench NAME [--json]`: what this repository claims about speed and size, measured on the machine at hand. */
import { Command } from 'commander';
import { reportFailure } from '../../scripts/local/faults';
import { benchIngest, printIngest } from './ingest';

const program = new Command('pnpm bench').description('Measures; compares only what ran in the same run.');

program
  .command('ingest')
  .description(
    'CPU per message of sqs-processor beside the floor and the usual way; memory; size and init of each bundle',
  )
  .option('--json', 'one JSON object')
  .option('--rounds <n>', 'measured rounds of each process', Number, 5)
  .action(async (options: { json?: boolean; rounds: number }) => {
    const result = await benchIngest(options.rounds, (line) => process.stderr.write(`${line}\n`));
    if (options.json === true) console.log(JSON.stringify(result));
    else printIngest(result);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
