import { Option } from 'commander';
import { countLetters, newestLetters } from '../../dead-letters/read-letters';
import { lettersJson, lettersText } from '../../format/dead-letters/list';
import { readOperatedDeployment } from '../../pipeline/deployment';
import type { Observe } from '../../pipeline/observer';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { outputsOption, wholeNumber } from '../options';
import { parseSince, sinceIso, type Since } from '../since';

const HELP = `
Exit codes:
  0  there are no dead letters
  1  there are some that are open: neither sent again, nor corrected, nor discarded
  2  the command could not do its work: wrong arguments, no outputs, no right to ask`;

export interface DlqListOptions {
  readonly topic?: string;
  readonly code?: string;
  readonly since: Since;
  readonly limit: number;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const registerDlqList: RegisterCommand = (dlq, { terminal, observe, setExitCode }) => {
  dlq
    .command('list')
    .description('dead letters by reason, the newest ones, and what to do with them')
    .option('--topic <topic>', 'only those of this topic; _unknown for those without a legal one')
    .option('--code <code>', 'only those with this reason, such as TOO_LARGE')
    .addOption(
      new Option('--since <time>', 'only those that failed since then: 30m, 12h, 1d, or a time in UTC')
        .argParser(parseSince)
        .default({ agoMs: 86_400_000 } satisfies Since, '1d'),
    )
    .addOption(
      new Option('--limit <number>', 'how many of the newest to show')
        .argParser(wholeNumber({ from: 0, to: 100 }))
        .default(3),
    )
    .addOption(outputsOption())
    .addOption(new Option('--format <format>', 'for people, or for programs').choices(['text', 'json']).default('text'))
    .addHelpText('after', HELP)
    .action(async (options: DlqListOptions) => {
      setExitCode(await dlqList(options, terminal, observe));
    });
};

/** `dlq list`: the archive's dead letters, with a bounded number of requests. */
export async function dlqList(options: DlqListOptions, terminal: Terminal, observe: Observe): Promise<ExitCode> {
  const deployment = await readOperatedDeployment(options.outputs, terminal);
  const { archive, clock } = observe(deployment);
  const filter = { since: sinceIso(options.since, clock.now()), topic: options.topic, code: options.code };
  const [counts, newest] = await Promise.all([
    countLetters(archive, filter),
    newestLetters(archive, filter, options.limit),
  ]);
  const list = { ...counts, ...filter, newest };
  terminal.write(options.format === 'json' ? lettersJson(list) : lettersText(list, deployment, terminal));
  return counts.reasons.some(({ count }) => count > 0) ? EXIT.problems : EXIT.clean;
}
