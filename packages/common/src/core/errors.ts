/**
 * The base of every error class of lean-ops. A class sets its own `name`, adds the fields that its catchers need, and
 * passes what it knows to this constructor.
 */
export class LeanOpsError extends Error {
  override readonly name: string = 'LeanOpsError';
  /** A stable word in capitals, for code to branch on. */
  readonly code: string;
  /** Facts about the failure. They go to logs, so they hold no payload and no secret. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { readonly data?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.data = options.data ?? {};
  }
}

/** The message of a thrown value, which need not be an Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
