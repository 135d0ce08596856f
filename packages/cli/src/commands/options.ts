import { Option } from 'commander';
import { FORMATS, type Format } from '../terminal';

export { wholeNumber } from './usage';

export const EXIT_CODES = `
Exit codes:
  0  done, and nothing is wrong
  1  a schema has problems: it is invalid, would be refused or was refused, its
     merge is blocked, or its upload is stuck
  2  wrong usage, or the command could not do its work: unreadable files, no such
     git ref, no verdict, a missing right`;

/** The same for all commands together. */
export const ALL_EXIT_CODES = `
Exit codes:
  0  done, and nothing is wrong
  1  what was asked about is wrong: a schema has problems, the pipeline is not well
     (status), there are dead letters (dlq list) or open errors (errors), a topic or
     an operation needs somebody; or an operation is refused
  2  wrong usage, or the command could not do its work, or not all of it`;

/** @param formats those that the command has; by default all */
export function formatOption(formats: readonly Format[] = FORMATS): Option {
  const github = formats.includes('github') ? ', or github for annotations of a GitHub workflow' : '';
  return new Option('--format <format>', `text for people, json for programs${github}`)
    .choices(formats)
    .default('text');
}

export function sqlOption(): Option {
  return new Option('--sql', 'print the statements whole (CREATE TABLE is shortened otherwise)');
}

export function outputsOption(): Option {
  return new Option(
    '--outputs <file>',
    "Terraform's outputs of the pipeline (default: $LEAN_OPS_OUTPUTS, else lean-ops.json)",
  );
}
