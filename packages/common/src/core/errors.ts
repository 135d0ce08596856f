/** Root of every error this project throws: a stable code to branch on, data to log, and what caused it. */
export class LeanOpsError extends Error {
  override readonly name: string = 'LeanOpsError';
  readonly code: string;
  /** What is known about the failure; goes to logs, so never a payload or a secret. */
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

/** What a failed call means for the caller. */
export interface ErrorClass {
  /** `permanent`: the same call gives the same answer until somebody changes something. */
  readonly disposition: 'retryable' | 'permanent';
  /** `unknown`: the call may have been carried out, so a second one may do it twice. */
  readonly effect: 'none' | 'unknown';
  readonly code: string;
  readonly reason: string;
}

type Verdict = Omit<ErrorClass, 'code'>;

const THROTTLED: Verdict = { disposition: 'retryable', effect: 'none', reason: 'the service asks to slow down' };
const SERVICE_FAULT: Verdict = {
  disposition: 'retryable',
  effect: 'unknown',
  reason: 'the service failed, perhaps after it did the work',
};
const NO_ANSWER: Verdict = {
  disposition: 'retryable',
  effect: 'unknown',
  reason: 'no answer came, so the work may have been done',
};
const NOT_REACHED: Verdict = { disposition: 'retryable', effect: 'none', reason: 'the service was not reached' };
const EXPIRED: Verdict = {
  disposition: 'retryable',
  effect: 'none',
  reason: 'credentials or signature were out of date; the next call uses fresh ones',
};
const LOST_RACE: Verdict = { disposition: 'retryable', effect: 'none', reason: 'another writer was at work' };
const NOT_ALLOWED: Verdict = {
  disposition: 'permanent',
  effect: 'none',
  reason: 'the role lacks a permission, or a policy denies it',
};
const MISSING: Verdict = {
  disposition: 'permanent',
  effect: 'none',
  reason: 'the resource does not exist: check the configured name and region',
};
const BAD_REQUEST: Verdict = { disposition: 'permanent', effect: 'none', reason: 'the service refuses such a request' };
const CONDITION: Verdict = {
  disposition: 'permanent',
  effect: 'none',
  reason: 'the condition of the write is not met',
};
const UNRECOGNISED: Verdict = {
  disposition: 'retryable',
  effect: 'unknown',
  reason: 'not recognised, and a second try loses nothing',
};

/** Error codes of AWS services and of Node's sockets, by name. An AWS name may come with or without `Exception`. */
const VERDICTS: ReadonlyMap<string, Verdict> = new Map(
  (
    [
      [THROTTLED, 'Throttling ThrottledException TooManyRequests RequestLimitExceeded LimitExceeded SlowDown'],
      [THROTTLED, 'ProvisionedThroughputExceeded RequestThrottled BandwidthLimitExceeded PriorRequestNotComplete'],
      [THROTTLED, 'OverLimit KMSThrottling RequestThrottledException EC2ThrottledException TransactionInProgress'],
      [SERVICE_FAULT, 'ServiceUnavailable InternalFailure InternalError InternalServerError InternalServer'],
      [NO_ANSWER, 'TimeoutError AbortError RequestTimeout RequestTimeoutException ECONNRESET EPIPE ETIMEDOUT'],
      [NO_ANSWER, 'ESOCKETTIMEDOUT UND_ERR_SOCKET NetworkingError'],
      [NOT_REACHED, 'ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH'],
      [EXPIRED, 'ExpiredToken RequestExpired RequestTimeTooSkewed RequestInTheFuture CredentialsProviderError'],
      [LOST_RACE, 'ConcurrentModification ConditionalRequestConflict OperationAborted TransactionConflict'],
      [NOT_ALLOWED, 'AccessDenied UnauthorizedOperation NotAuthorized InvalidClientTokenId UnrecognizedClient'],
      [
        NOT_ALLOWED,
        'SignatureDoesNotMatch InvalidSignature MissingAuthenticationToken KMSAccessDenied KmsAccessDenied',
      ],
      [MISSING, 'ResourceNotFound QueueDoesNotExist NoSuchBucket NoSuchKey NotFound NonExistentQueue EntityNotFound'],
      [BAD_REQUEST, 'Validation InvalidArgument InvalidParameterValue InvalidKMSResource BatchRequestTooLong'],
      [BAD_REQUEST, 'InvalidMessageContents InvalidAttributeValue UnsupportedOperation EntityTooLarge'],
      [CONDITION, 'ConditionalCheckFailed PreconditionFailed'],
    ] as const
  ).flatMap(([verdict, names]) => names.split(' ').map((name) => [name, verdict] as const)),
);

function byName(name: string): Verdict | undefined {
  // Query-protocol codes read `AWS.SimpleQueueService.NonExistentQueue`.
  const last = name.slice(name.lastIndexOf('.') + 1);
  return VERDICTS.get(last) ?? VERDICTS.get(last.replace(/Exception$/, ''));
}

function byStatus(status: number): Verdict | undefined {
  if (status === 429) return THROTTLED;
  if (status === 408) return NO_ANSWER;
  if (status === 401 || status === 403) return NOT_ALLOWED;
  if (status === 404) return MISSING;
  if (status === 409) return LOST_RACE;
  if (status === 412) return CONDITION;
  if (status >= 500) return SERVICE_FAULT;
  return status >= 400 ? BAD_REQUEST : undefined;
}

/** Classifies a code from a per-item answer (`ErrorCode` of PutRecordBatch, `Code` of SendMessageBatch). */
export function classifyCode(code: string): ErrorClass {
  return { ...(byName(code) ?? UNRECOGNISED), code };
}

/**
 * Classifies whatever a call threw: by its name or code, else by what the SDK says of it, else by the HTTP status. What
 * nobody recognises is retryable with unknown effect: the worst a second try can do is a duplicate, which is removed later.
 */
export function classifyError(error: unknown): ErrorClass {
  const { name, code, $metadata, $retryable, cause } = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    code?: unknown;
    $metadata?: { httpStatusCode?: unknown };
    $retryable?: { throttling?: boolean };
    cause?: unknown;
  };
  const texts = [code, name].filter((text): text is string => typeof text === 'string' && text !== '');
  const label = texts.find((text) => text !== 'Error') ?? 'UNKNOWN';
  for (const text of texts) {
    const verdict = byName(text);
    if (verdict) return { ...verdict, code: text };
  }
  const status = $metadata?.httpStatusCode;
  const verdict = typeof status === 'number' ? byStatus(status) : undefined;
  if ($retryable) return { ...($retryable.throttling ? THROTTLED : SERVICE_FAULT), code: label };
  if (verdict) return { ...verdict, code: label };
  if (cause !== undefined && cause !== error) {
    const inner = classifyError(cause);
    if (inner.reason !== UNRECOGNISED.reason) return inner;
  }
  return { ...UNRECOGNISED, code: label };
}

/** The sentence of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
