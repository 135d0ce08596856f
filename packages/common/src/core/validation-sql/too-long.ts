import { LeanOpsError } from '../errors';

/** The bytes that a statement may have: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html */
export const MAX_STATEMENT_BYTES = 262_144;

/** Thrown for rules that are longer than a statement of Athena may be, however they are divided. */
export class ValidationTooLongError extends LeanOpsError {
  override readonly name = 'ValidationTooLongError';

  constructor(readonly columns: readonly string[]) {
    super(
      'SCHEMA_TOO_LONG_TO_VALIDATE',
      `the rules of ${columns.join(', ')} are longer than a statement of Athena may be (${MAX_STATEMENT_BYTES} bytes): ` +
        'shorten their enum lists and their conditions',
    );
  }
}
