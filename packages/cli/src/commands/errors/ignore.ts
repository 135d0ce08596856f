import {
  absent,
  all,
  equals,
  ignoredItem,
  ignoredKeyOf,
  isIgnoring,
  readIgnored,
  type Condition,
  type IgnoredMark,
} from '@lean-ops/common/core';
import { CliError } from '../../errors';
import { ignoredText } from '../../format/shown-error';
import { plain } from '../../format/text';
import { readOperationsDeployment, type OperationsDeployment } from '../../pipeline/deployment';
import type { Operate, Operator } from '../../pipeline/operator';
import { readTop } from '../../recorded-errors/read-errors';
import { EXIT, type ExitCode, type Terminal } from '../../terminal';
import type { RegisterCommand } from '../command';
import { formatOption, outputsOption } from '../options';
import { checkedReason } from '../reason';
import { parseUntil, untilIso, type Until } from '../topic/until';
import { parseFingerprint } from './show';

const HELP = `
Its rows stay open, and errors top leaves them out. docs/errors.md

Exit codes:
  0  done
  1  refused: it is not as the command needs it, or somebody else has just changed it
  2  wrong usage; or the command could not do its work`;

interface MarkOptions {
  readonly reason?: string;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

interface IgnoreOptions extends MarkOptions {
  readonly until?: Until;
}

export const registerErrorsIgnore: RegisterCommand = (errors, { terminal, operate, setExitCode }) => {
  errors
    .command('ignore')
    .description('set one cause of errors aside, so that errors top leaves it out')
    .argument('<fingerprint>', 'as errors top prints it', parseFingerprint)
    .option('--reason <text>', 'why, for the record; required')
    .option('--until <time>', 'for how long: 30m, 12h, 2d, or a time in UTC (default: no end)', parseUntil)
    .addOption(outputsOption())
    .addOption(formatOption(['text', 'json']))
    .addHelpText('after', HELP)
    .action(async (fingerprint: string, options: IgnoreOptions) => {
      setExitCode(await errorsIgnore(fingerprint, options, terminal, operate));
    });
};

export const registerErrorsReopen: RegisterCommand = (errors, { terminal, operate, setExitCode }) => {
  errors
    .command('reopen')
    .description('see to a cause of errors again that was set aside')
    .argument('<fingerprint>', 'as errors top --state ignored prints it', parseFingerprint)
    .option('--reason <text>', 'why, for the record; required')
    .addOption(outputsOption())
    .addOption(formatOption(['text', 'json']))
    .addHelpText('after', HELP)
    .action(async (fingerprint: string, options: MarkOptions) => {
      setExitCode(await errorsReopen(fingerprint, options, terminal, operate));
    });
};

/** `errors ignore`: puts the mark there, or gives the one that is there another reason and end. */
export async function errorsIgnore(
  fingerprint: string,
  { reason: given, until: asked, outputs, format }: IgnoreOptions,
  terminal: Terminal,
  operate: Operate,
): Promise<ExitCode> {
  const reason = checkedReason(given, 'errors ignore needs --reason TEXT, which stays on record.');
  const { deployment, operator, now } = await connected(outputs, terminal, operate);
  const until = asked && untilIso(asked, now);
  const options = { fingerprint, state: 'all', limit: 1, now: new Date(now) } as const;
  const [group] = (await readTop(deployment, operator, options)).groups;
  if (group === undefined) {
    throw new CliError(
      `no error has the fingerprint ${fingerprint}. lean-ops errors top --state all lists those that there are.`,
    );
  }
  const before = await readMark(fingerprint, deployment, operator);
  const mark: IgnoredMark = {
    fingerprint,
    topic: group.topic,
    by: await operator.caller(),
    reason,
    since: new Date(now).toISOString(),
    until,
    reopened: undefined,
  };
  if (!(await putMark(mark, before, deployment, operator))) return raced(fingerprint, terminal);
  const replaces = before !== undefined && isIgnoring(before, now) ? `  instead   ${ignoredText(before, now)}\n` : '';
  terminal.write(
    format === 'json'
      ? `${JSON.stringify(mark, null, 2)}\n`
      : `${fingerprint} of ${plain(group.topic)} is ignored: errors top leaves its ${group.rows} open rows out.\n` +
          `  ignored   ${ignoredText(mark, now)}\n${replaces}` +
          `to see to it again: lean-ops errors reopen ${fingerprint} --reason TEXT\n`,
  );
  return EXIT.clean;
}

/** `errors reopen`: the mark stays on record and counts no more. */
export async function errorsReopen(
  fingerprint: string,
  { reason: given, outputs, format }: MarkOptions,
  terminal: Terminal,
  operate: Operate,
): Promise<ExitCode> {
  const reason = checkedReason(given, 'errors reopen needs --reason TEXT, which stays on record.');
  const { deployment, operator, now } = await connected(outputs, terminal, operate);
  const before = await readMark(fingerprint, deployment, operator);
  if (before === undefined || !isIgnoring(before, now)) {
    terminal.writeError(`NOT_IGNORED: ${fingerprint} is not ignored, or not any more.\n`);
    return EXIT.problems;
  }
  const mark = { ...before, reopened: { by: await operator.caller(), reason, at: new Date(now).toISOString() } };
  if (!(await putMark(mark, before, deployment, operator))) return raced(fingerprint, terminal);
  terminal.write(
    format === 'json'
      ? `${JSON.stringify(mark, null, 2)}\n`
      : `${fingerprint} of ${plain(mark.topic)} is open again.\n` +
          `  ignored   ${ignoredText(before, now)}\nnext: lean-ops errors show ${fingerprint}\n`,
  );
  return EXIT.clean;
}

async function connected(outputs: string | undefined, terminal: Terminal, operate: Operate) {
  const deployment = await readOperationsDeployment(outputs, terminal);
  const operator = operate(deployment);
  return { deployment, operator, now: operator.clock.now() };
}

async function readMark(
  fingerprint: string,
  { operationsTable }: OperationsDeployment,
  { documents }: Operator,
): Promise<IgnoredMark | undefined> {
  return readIgnored(await documents.get(operationsTable, ignoredKeyOf(fingerprint)));
}

/** Writes a mark over the one that was read. False where somebody else has written another one since. */
function putMark(
  mark: IgnoredMark,
  before: IgnoredMark | undefined,
  { operationsTable }: OperationsDeployment,
  { documents }: Operator,
): Promise<boolean> {
  return documents.put(operationsTable, ignoredItem(mark), unchangedMark(before));
}

function unchangedMark(before: IgnoredMark | undefined): Condition {
  if (before === undefined) return absent('since');
  const { since, reopened } = before;
  return all(equals('since', since), reopened === undefined ? absent('reopened') : equals('reopened.at', reopened.at));
}

function raced(fingerprint: string, terminal: Terminal): ExitCode {
  terminal.writeError(
    `STALE: somebody else has just ignored ${fingerprint} or taken that back.\nnext: lean-ops errors show ${fingerprint}\n`,
  );
  return EXIT.problems;
}
