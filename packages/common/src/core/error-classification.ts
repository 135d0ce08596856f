/** The meaning of a failed call for its caller. */
export interface ErrorClassification {
  /** `retryable` when a later call may succeed; `permanent` when it fails until somebody changes something. */
  readonly disposition: 'retryable' | 'permanent';
  /** `unknown` when the call may have been carried out, so that a second one may do the work twice. */
  readonly effect: 'none' | 'unknown';
  /** The name or code by which the failure was recognised, as the service or Node gives it. */
  readonly code: string;
  /** A sentence for people. */
  readonly reason: string;
}

type Meaning = Omit<ErrorClassification, 'code'>;

const THROTTLED: Meaning = { disposition: 'retryable', effect: 'none', reason: 'the service asks to slow down' };
const SERVICE_FAULT: Meaning = {
  disposition: 'retryable',
  effect: 'unknown',
  reason: 'the service failed, perhaps after it did the work',
};
const NO_ANSWER: Meaning = {
  disposition: 'retryable',
  effect: 'unknown',
  reason: 'no answer came, so the work may have been done',
};
const NOT_REACHED: Meaning = { disposition: 'retryable', effect: 'none', reason: 'the service was not reached' };
const EXPIRED: Meaning = {
  disposition: 'retryable',
  effect: 'none',
  reason: 'credentials or signature were out of date; the next call uses fresh ones',
};
const LOST_RACE: Meaning = { disposition: 'retryable', effect: 'none', reason: 'another writer was at work' };
const NOT_ALLOWED: Meaning = {
  disposition: 'permanent',
  effect: 'none',
  reason: 'the role lacks a permission, or a policy denies it',
};
const MISSING: Meaning = {
  disposition: 'permanent',
  effect: 'none',
  reason: 'the resource does not exist: check the configured name and region',
};
const BAD_REQUEST: Meaning = { disposition: 'permanent', effect: 'none', reason: 'the service refuses such a request' };
const CONDITION: Meaning = {
  disposition: 'permanent',
  effect: 'none',
  reason: 'the condition of the write is not met',
};
const UNRECOGNISED: Meaning = {
  disposition: 'retryable',
  effect: 'unknown',
  reason: 'not recognised, and a second try loses nothing',
};

/**
 * Meanings of the error codes of AWS services and of Node's sockets. An AWS name may come with or without `Exception`.
 */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map(
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
  ).flatMap(([meaning, names]) => names.split(' ').map((name) => [name, meaning] as const)),
);

function byName(name: string): Meaning | undefined {
  // Query-protocol codes read `AWS.SimpleQueueService.NonExistentQueue`.
  const last = name.slice(name.lastIndexOf('.') + 1);
  return MEANINGS.get(last) ?? MEANINGS.get(last.replace(/Exception$/, ''));
}

function byStatus(status: number): Meaning | undefined {
  if (status === 429) return THROTTLED;
  if (status === 408) return NO_ANSWER;
  if (status === 401 || status === 403) return NOT_ALLOWED;
  if (status === 404) return MISSING;
  if (status === 409) return LOST_RACE;
  if (status === 412) return CONDITION;
  if (status >= 500) return SERVICE_FAULT;
  return status >= 400 ? BAD_REQUEST : undefined;
}

/** Whether a call was refused for want of a right: by the error's code or name, its HTTP status, or its cause. */
export function isDenied(error: unknown): boolean {
  return classifyError(error).reason === NOT_ALLOWED.reason;
}

/** Classifies the code in a per-item answer: `ErrorCode` of PutRecordBatch, `Code` of SendMessageBatch. */
export function classifyCode(code: string): ErrorClassification {
  return { ...(byName(code) ?? UNRECOGNISED), code };
}

/**
 * Classifies a thrown value by its code or name, then by the SDK's retry hint, then by the HTTP status, then by its
 * cause. An unrecognised failure is retryable with unknown effect: the worst a second try can do is a duplicate, which
 * is removed later.
 */
export function classifyError(error: unknown): ErrorClassification {
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
    const meaning = byName(text);
    if (meaning) return { ...meaning, code: text };
  }
  const status = $metadata?.httpStatusCode;
  const meaning = typeof status === 'number' ? byStatus(status) : undefined;
  if ($retryable) return { ...($retryable.throttling ? THROTTLED : SERVICE_FAULT), code: label };
  if (meaning) return { ...meaning, code: label };
  if (cause !== undefined && cause !== error) {
    const inner = classifyError(cause);
    if (inner.reason !== UNRECOGNISED.reason) return inner;
  }
  return { ...UNRECOGNISED, code: label };
}
