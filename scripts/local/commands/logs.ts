import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { UserError } from '../errors';
import { functionLog, jobLog, listLogs } from '../reports/logs';
import { requireStack } from '../stack';

const POLL_MS = 500;

export function registerLogs(program: Command): void {
  program
    .command('logs')
    .description('print the log of a function, or of the newest run of a job; without a name, list the names')
    .argument('[name]', 'a function, such as sqs-processor, or a job, such as standardized')
    .option('-f, --follow', 'go on printing until it is interrupted')
    .action(async (name: string | undefined, options: { follow?: boolean }) => {
      const stack = requireStack();
      const { functions, jobs } = await listLogs(stack);
      if (name === undefined) {
        console.log(`functions: ${listed(functions)}\njobs:      ${listed(jobs)}`);
        return;
      }
      if (!functions.includes(name) && !jobs.includes(name))
        throw new UserError(
          `${name} has no log. There are logs of the functions ${listed(functions)} and of the jobs ${listed(jobs)}.`,
        );
      const readNew = functions.includes(name)
        ? functionLog(stack, name)
        : jobLog(stack, name, { follow: options.follow === true });
      if (options.follow === true)
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0));
      do {
        for (const line of await readNew()) console.log(line);
        if (options.follow === true) await sleep(POLL_MS);
      } while (options.follow === true);
    });
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none yet' : names.join(', ');
}
