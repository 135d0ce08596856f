import { STATES } from '@lean-ops/common/core';
import { Option } from 'commander';
import { topErrorsJson, topErrorsText } from '../../format/top-errors';
import type { Connect } from '../../pipeline/aws-clients';
import { readDeployment } from '../../pipeline/deployment';
import { readTop } from '../../recorded-errors/read-errors';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { formatOption, outputsOption, wholeNumber } from '../options';
import { parseSince, sinceDate, type Since } from '../since';

const HELP = `
It groups the rows of errors and parse_errors by fingerprint: layer, topic, and the broken rules or the code. What has
regressed had been mended, and came again. What somebody ignores is left out. With --since, the numbers are still those of all rows.

Exit codes:
  0  none of them is open, or all that are open are ignored
  1  some are open
  2  the command could not do its work: wrong arguments, no outputs, no right to ask (docs/policies/errors.json)`;

export interface ErrorsTopOptions {
  readonly topic?: string;
  readonly since?: Since;
  readonly state: keyof typeof STATES;
  readonly limit: number;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const registerErrorsTop: RegisterCommand = (errors, { terminal, connect, setExitCode }) => {
  errors
    .command('top')
    .description('what is wrong with the most messages, since when, and whether it gets worse')
    .option('--topic <topic>', 'only those of this topic')
    .addOption(
      new Option('--since <time>', 'only what was seen since then: 30m, 12h, 1d, or a time in UTC').argParser(
        parseSince,
      ),
    )
    .addOption(
      new Option('--state <state>', 'what is open and not ignored, ignored, or resolved; or all of that')
        .choices(Object.keys(STATES))
        .default('open'),
    )
    .addOption(
      new Option('--limit <number>', 'how many to show').argParser(wholeNumber({ from: 1, to: 1_000 })).default(10),
    )
    .addOption(outputsOption())
    .addOption(formatOption(['text', 'json']))
    .addHelpText('after', HELP)
    .action(async (options: ErrorsTopOptions) => {
      setExitCode(await errorsTop(options, terminal, connect));
    });
};

/** `errors top`: both tables by fingerprint, by one query. */
export async function errorsTop(
  { topic, since: asked, state, limit, outputs, format }: ErrorsTopOptions,
  terminal: Terminal,
  connect: Connect,
): Promise<ExitCode> {
  const deployment = await readDeployment(outputs, terminal);
  const cloud = connect(deployment);
  const now = cloud.clock.now();
  const since = asked && sinceDate(asked, now);
  const { doings, ...found } = await readTop(deployment, cloud, { topic, since, state, limit, now: new Date(now) });
  const list = { ...found, ignored: doings.ignored, topic, since: since?.toISOString(), state };
  terminal.write(format === 'json' ? topErrorsJson(list) : topErrorsText(list, now, terminal));
  return found.rows > 0 && state !== 'ignored' ? EXIT.problems : EXIT.clean;
}
