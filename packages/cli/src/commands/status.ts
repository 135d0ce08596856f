import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, Option } from 'commander';
import { statusText } from '../format/status';
import { readOperatedDeployment } from '../pipeline/deployment';
import type { Observe } from '../pipeline/observer';
import { readStatus } from '../status/read-status';
import type { Readings } from '../status/readings';
import { reportOf, type StatusReport } from '../status/report';
import { EXIT, type ExitCode, type Terminal } from '../terminal';
import type { RegisterCommand } from './command';
import { outputsOption } from './options';

const HELP = `
It shows alarms, the last cycles, topics that are behind, late, unbalanced or held, schemas that failed or are stuck,
dead letters and parse errors of the last day, and the ingest queue. Its rights: docs/policies/status.json.
People see ten lines of each; "readings" of --format json has all of them, with times in milliseconds since 1970.

Exit codes:
  0  nothing is wrong
  1  something is wrong
  2  nothing wrong was found, but a part could not be read; or the command could not do its work`;

const DEFAULT_SECONDS = 30;
/** Moves the cursor to the top left corner, and clears the screen. */
const CLEAR = '\u001b[H\u001b[2J';

export interface StatusOptions {
  /** Seconds between two looks; undefined for one look. */
  readonly watch?: number | true;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

export const registerStatus: RegisterCommand = (program, { terminal, observe, setExitCode }) => {
  program
    .command('status')
    .description('what is wrong with a pipeline, since when, and what to do about it')
    .addOption(
      new Option('--watch [seconds]', `look again every so many seconds (default: ${DEFAULT_SECONDS})`).argParser(
        seconds,
      ),
    )
    .addOption(outputsOption())
    .addOption(new Option('--format <format>', 'for people, or for programs').choices(['text', 'json']).default('text'))
    .addHelpText('after', HELP)
    .action(async (options: StatusOptions) => {
      setExitCode(await status(options, terminal, observe));
    });
};

function seconds(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 5 && value <= 3_600) return value;
  throw new InvalidArgumentError('must be a whole number from 5 to 3600.');
}

/**
 * Shows the status once, or again and again until it is interrupted.
 *
 * @param wait waits so many milliseconds, and says whether to look again
 */
export async function status(
  { watch, outputs, format }: StatusOptions,
  terminal: Terminal,
  observe: Observe,
  wait: (milliseconds: number) => Promise<boolean> = (milliseconds) => sleep(milliseconds, true),
): Promise<ExitCode> {
  const deployment = await readOperatedDeployment(outputs, terminal);
  const observer = observe(deployment);
  const intervalMs = (watch === true ? DEFAULT_SECONDS : (watch ?? 0)) * 1_000;
  // Only a screen is cleared: in a file or a pipe each look is appended.
  const clear = intervalMs > 0 && format === 'text' && terminal.columns !== undefined ? CLEAR : '';
  for (;;) {
    const readings = await readStatus(deployment, observer);
    const report = reportOf(readings);
    terminal.write(clear + (format === 'json' ? statusJson(report, readings) : statusText(report, terminal)));
    if (intervalMs === 0 || !(await wait(intervalMs))) return exitCodeOf(report);
  }
}

/** The report, and what it was made of: its tables are cut for people, and programs want every topic and whole times. */
function statusJson(report: StatusReport, readings: Readings): string {
  return `${JSON.stringify({ ...report, readings }, null, 2)}\n`;
}

function exitCodeOf({ problems, unread }: StatusReport): ExitCode {
  if (problems.length > 0) return EXIT.problems;
  return unread.length > 0 ? EXIT.failed : EXIT.clean;
}
