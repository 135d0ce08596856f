/** Settings of an SDK client: its time-outs let a call fail well before the Lambda that waits for it times out. */
export interface ClientSettings {
  /** The region of the service; without one, the SDK finds it, which in a Lambda is that of the Lambda. */
  readonly region?: string;
  /** Milliseconds within which a TCP connection must be made. */
  readonly connectionTimeoutMs?: number;
  /** Milliseconds within which a request must be answered. */
  readonly requestTimeoutMs?: number;
  /** Attempts of a call, the first included; 1 where the caller resends by its own rules, as with PutRecordBatch. */
  readonly maxAttempts?: number;
  /** Whether all calls of the client slow down when the service throttles one, as the quotas of Glue and Athena are shared. */
  readonly adaptive?: boolean;
}

/** Options for an SDK client. Without `throwOnRequestTimeout` the SDK would only warn about a slow request. */
export function clientOptions({
  region,
  connectionTimeoutMs = 1_000,
  requestTimeoutMs = 10_000,
  maxAttempts = 3,
  adaptive = false,
}: ClientSettings = {}) {
  return {
    ...(region !== undefined && { region }),
    maxAttempts,
    ...(adaptive && { retryMode: 'adaptive' }),
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  };
}

/**
 * Whether to address buckets by path: endpoints of one's own (a local stack, a VPC proxy) rarely resolve `bucket.host`.
 */
export function usesPathStyle(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return Boolean(env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']);
}
