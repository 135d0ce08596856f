/** A failure whose message alone tells the person at the terminal what happened and what to do: printed without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** A step that broke: what it was doing, why it stopped, and where the whole story is written. */
export class StepError extends Error {
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

export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? error.name : error.message;
}

/** Prints a failure as its reader needs it and returns the exit code. */
export function reportFailure(error: unknown): number {
  const known = error instanceof UserError || error instanceof StepError;
  const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${text}\n`);
  return 1;
}
