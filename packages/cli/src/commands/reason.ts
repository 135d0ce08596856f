import { CliError } from '../errors';

/** Whoever reads the record reads it in a line. */
const MAX_REASON = 500;

/**
 * The reason that stays on record, without the white space around it.
 *
 * @param missing what to say where there is none
 * @throws CliError for a missing one, and for one that is too long
 */
export function checkedReason(reason: string | undefined, missing: string): string {
  const text = reason?.trim() ?? '';
  if (text === '') throw new CliError(missing);
  if (text.length > MAX_REASON) {
    throw new CliError(`--reason has ${text.length} characters, and a record takes ${MAX_REASON}: say it shorter.`);
  }
  return text;
}
