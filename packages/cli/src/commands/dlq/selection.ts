/** What the commands that do something with dead letters have in common: which letters, why, and the plan. */
import { Option, type Command } from 'commander';
import type { LetterSelection } from '../../dead-letters/select-letters';
import { CliError } from '../../errors';
import { shellWord } from '../../format/text';
import { outputsOption } from '../options';
import { checkedReason } from '../reason';
import { parseSince, sinceIso, type Since } from '../since';
import { wholeNumber } from '../usage';

export interface SelectionOptions {
  readonly topic?: string;
  readonly code?: string;
  readonly since?: Since;
  readonly until?: Since;
  readonly id?: readonly string[];
  /** The most letters that are dealt with. */
  readonly limit: number;
  readonly apply: boolean;
  readonly reason?: string;
  readonly plan?: string;
  readonly outputs?: string;
  readonly format: 'text' | 'json';
}

const DAY_MS = 86_400_000;
const DEFAULT_LIMIT = 10_000;
/** Before every time that an entry of the index can have. */
const EVER = '0';

/** Adds the options that say which letters. */
export function withSelection(command: Command): Command {
  return command
    .option('--topic <topic>', 'only those of this topic; _unknown for those without a legal one')
    .option('--code <code>', 'only those with this reason, such as TOO_LARGE')
    .addOption(
      new Option(
        '--since <time>',
        'only those that failed since then: 30m, 12h, 1d, or a time in UTC (default: 1d; with --id ever)',
      ).argParser(parseSince),
    )
    .addOption(
      new Option('--until <time>', 'only those that failed before then: the same (default: now)').argParser(parseSince),
    )
    .option('--id <id...>', 'only these: message ids, or keys of the archive as dlq list prints them');
}

/** The option that bounds how many letters are dealt with. meaning: of the number, for the help. */
export function limitOption(meaning: string): Option {
  return new Option('--limit <number>', meaning)
    .argParser(wholeNumber({ from: 1, to: 1_000_000 }))
    .default(DEFAULT_LIMIT);
}

/** Adds the options by which a plan is applied. */
export function withApply(command: Command): Command {
  return command
    .option('--reason <text>', 'why, for the record; required with --apply')
    .option('--apply', 'do it', false)
    .option(
      '--plan <plan>',
      'with --apply: only if the letters are still those of this plan, which a run without --apply has shown',
    )
    .addOption(outputsOption())
    .addOption(
      new Option('--format <format>', 'for people, or for programs').choices(['text', 'json']).default('text'),
    );
}

/** The letters that the options mean. Times are fixed, so that letters which come meanwhile are not among them. */
export function selectionOf({ topic, code, since, until, id }: SelectionOptions, now: number): LetterSelection {
  const from = since === undefined && id !== undefined ? EVER : sinceIso(since ?? { agoMs: DAY_MS }, now);
  const to = until === undefined ? (id === undefined ? new Date(now).toISOString() : undefined) : sinceIso(until, now);
  if (to !== undefined && to <= from) throw new CliError('--until is before --since.');
  // dlq list prints where the object is, and the key in it is the name.
  const ids = id?.map((one) => one.replace(/^s3:\/\/[^/]+\//, ''));
  return { topic, code, since: from, until: to, ids };
}

/** The words of a command line that mean the same letters. */
export function selectionWords({ topic, code, since, until, ids }: LetterSelection): string[] {
  const option = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`--${name}`, shellWord(value)];
  return [
    ...option('topic', topic),
    ...option('code', code),
    ...option('since', since === EVER ? undefined : since),
    ...option('until', until),
    ...(ids === undefined ? [] : ['--id', ...ids.map(shellWord)]),
  ];
}

/** The words of the limit, where it is not the default. */
export function limitWords({ limit }: Pick<SelectionOptions, 'limit'>): string[] {
  return limit === DEFAULT_LIMIT ? [] : ['--limit', String(limit)];
}

/** The words of --outputs, where it was given. */
export function outputsWords({ outputs }: Pick<SelectionOptions, 'outputs'>): string[] {
  return outputs === undefined ? [] : ['--outputs', shellWord(outputs)];
}

/** What a plan ends with that can be done. */
export function applyHint(words: string, basis: string): string {
  return `Nothing was changed. To do it:\n  ${words} --plan ${basis} --apply --reason TEXT\n`;
}

/** The reason with --apply. @throws CliError for options that do not go together */
export function checkedApply({ apply, reason, plan }: Pick<SelectionOptions, 'apply' | 'reason' | 'plan'>): string {
  if (!apply && plan !== undefined) throw new CliError('--plan goes with --apply.');
  if (!apply) return '';
  return checkedReason(reason, '--apply needs --reason TEXT, which stays on record with the letters.');
}

/** Why a plan is not done any more; undefined when it is as it was shown. */
export function staleText(shown: string | undefined, now: string, command: string): string | undefined {
  if (shown === undefined || shown === now) return undefined;
  return `PLAN_STALE: the letters have changed since the plan was made: it was ${shown}, and is ${now}.\nnext: ${command}\n`;
}
