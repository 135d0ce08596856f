import { Option } from 'commander';
import { FORMATS } from '../terminal';

export { wholeNumber } from './usage';

export const EXIT_CODES = `
Exit codes:
  0  nothing is wrong
  1  problems found; for diff: the merge would be refused; for plan: the merge is blocked; for push and sync: a schema was refused
  2  the command could not do its work: wrong arguments, unreadable files, no such git ref, no verdict, no right to ask`;

export function formatOption(): Option {
  return new Option('--format <format>', 'for people, for programs, or as annotations of a GitHub workflow')
    .choices(FORMATS)
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
