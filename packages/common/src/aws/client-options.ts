/** What every SDK client here has in common: calls end, and say so, well before the Lambda that waits for them does. */
export interface ClientTimeouts {
  /** Milliseconds until a TCP connection must stand. */
  readonly connectionTimeoutMs?: number;
  /** Milliseconds until a request must be answered. */
  readonly requestTimeoutMs?: number;
  /** 1 where the caller resends by its own rules, as PutRecordBatch needs (only the failed records). */
  readonly maxAttempts?: number;
}

/** Options for a client constructor. The SDK only warns about a slow request unless it is told to throw. */
export function clientOptions({
  connectionTimeoutMs = 1_000,
  requestTimeoutMs = 10_000,
  maxAttempts = 3,
}: ClientTimeouts = {}) {
  return {
    maxAttempts,
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  };
}

/** Own endpoints (local stack, VPC proxies) rarely resolve `bucket.host`: they are addressed by path. */
export function usesPathStyle(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return Boolean(env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']);
}
