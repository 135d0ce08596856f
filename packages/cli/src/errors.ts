import { messageOf } from '@lean-ops/common/core';

/**
 * The base of what a command throws when it could not do its work: wrong arguments, files that cannot be read, a service
 * that refuses. The message alone tells the person at the terminal what to do, so it is printed without a stack.
 */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** The error of a file that cannot be read, in words for the commonest reasons. */
export function unreadableFile(file: string, error: unknown): CliError {
  const { code } = error as NodeJS.ErrnoException;
  const message =
    code === 'ENOENT'
      ? `${file} does not exist.`
      : code === 'EISDIR'
        ? `${file} is a folder: name a file in it.`
        : `${file} cannot be read: ${messageOf(error)}`;
  return new CliError(message, { cause: error });
}

/**
 * An error that no command foresaw, in one line. LEAN_OPS_DEBUG adds where it arose, which helps only who mends the program.
 */
export function unexpectedErrorText(error: unknown, env: Readonly<Record<string, string | undefined>>): string {
  if (!(error instanceof Error)) return `unexpected: ${String(error)}`;
  const { LEAN_OPS_DEBUG: debug = '' } = env;
  if (debug !== '' && debug !== '0' && error.stack !== undefined) return error.stack;
  const message = error.message.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
  return `unexpected ${error.name}${message === '' ? '' : `: ${message}`}. Report it with what LEAN_OPS_DEBUG=1 prints.`;
}
