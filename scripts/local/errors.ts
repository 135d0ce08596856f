import { unexpectedErrorText } from '../../packages/cli/src/errors';

/**
 * Exit codes, the same as those of `lean-ops`: 1 when what was asked about is wrong (a failed cycle, lost messages), 2 when the
 * command was used wrongly or could not do its work.
 */
export const EXIT = { wrong: 1, failed: 2 } as const;

/**
 * The base of the errors of these scripts. The message alone tells the person at the terminal what happened and what to do,
 * so it is printed without a stack.
 */
export class ReportedError extends Error {
  readonly exitCode: number = EXIT.failed;
}

/** Something that the person at the terminal can correct, such as a missing file or a stack that does not run. */
export class UserError extends ReportedError {
  override readonly name = 'UserError';
}

/** The command did its work, and what it found is wrong: a cycle failed, or messages are lost. */
export class PipelineError extends ReportedError {
  override readonly name = 'PipelineError';
  override readonly exitCode = EXIT.wrong;
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

/**
 * A failure in words. Errors that a person can act on have no stack: ours, a refusal by one of the stack's services, and a
 * stack that no longer answers. Everything else is an error in the program, and is asked to be reported.
 */
export function failureText(error: unknown): string {
  if (error instanceof ReportedError) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET')
    return 'The local stack does not answer. Look: `pnpm local status`, `pnpm local logs`. Start it again: `pnpm local down`, `pnpm local up`.';
  if (error instanceof Error && '$metadata' in error) return `${error.name}: ${error.message}`;
  return unexpectedErrorText(error, process.env);
}

/** Prints a failure and returns the exit code. */
export function reportFailure(error: unknown): number {
  process.stderr.write(`${failureText(error)}\n`);
  return error instanceof ReportedError ? error.exitCode : EXIT.failed;
}
