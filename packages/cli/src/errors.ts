/**
 * The base of what a command throws when it could not do its work: wrong arguments, files that cannot be read, a service
 * that refuses. The message alone tells the person at the terminal what to do, so it is printed without a stack.
 */
export class CliError extends Error {
  override readonly name = 'CliError';
}
