/**
 * The base of the errors of these scripts. The message alone tells the person at the terminal what happened and what to do,
 * so it is printed without a stack.
 */
export class ReportedError extends Error {}

/** Something that the person at the terminal can correct, such as a missing file or a stack that does not run. */
export class UserError extends ReportedError {
  override readonly name = 'UserError';
}

/** A step that failed. The message says which step, why, and which log file has the details. */
export class StepError extends ReportedError {
  override readonly name = 'StepError';
  constructor(
    readonly step: string,
    reason: string,
    readonly logFile: string | undefined,
    options?: ErrorOptions,
  ) {
    super(`${step} failed: ${reason}${logFile === undefined ? '' : `\n  log: ${logFile}`}`, options);
  }
}

/** The message of a thrown value, or its name when the message is empty. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? error.name : error.message;
}

/** Prints a failure, with a stack only when it is not a ReportedError, and returns the exit code. */
export function reportFailure(error: unknown): number {
  const text =
    error instanceof ReportedError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`${text}\n`);
  return 1;
}
