import { LeanOpsError } from '../errors';

/** What Athena says of a statement that failed. */
export interface AthenaFailure {
  readonly reason: string;
  /** 1 system, 2 user, 3 other: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html */
  readonly category: number | undefined;
  readonly retryable: boolean | undefined;
}

/**
 * `retryable`: the same statement may well succeed later. `environment`: permissions, a missing database, a workgroup:
 * the operator mends it, the statement is fine. `statement`: it fails until the statement changes.
 */
export type AthenaDisposition = 'retryable' | 'environment' | 'statement';

export interface AthenaVerdict {
  readonly disposition: AthenaDisposition;
  readonly code: string;
}

/** First match wins: specific names before the words that many messages share. */
const RULES: readonly (readonly [pattern: RegExp, disposition: AthenaDisposition, code: string])[] = [
  [/ICEBERG_COMMIT_ERROR/, 'retryable', 'ICEBERG_COMMIT_ERROR'],
  [/ICEBERG_VACUUM_MORE_RUNS_NEEDED/, 'retryable', 'ICEBERG_VACUUM_MORE_RUNS_NEEDED'],
  [/CommitFailed|ConcurrentModification|Concurrent(?:ly)? (?:update|modified)/i, 'retryable', 'ICEBERG_COMMIT_ERROR'],
  [/Lake ?Formation/i, 'environment', 'LAKE_FORMATION'],
  [
    /Access ?Denied|not authorized|Insufficient permissions|Forbidden|status code: 403/i,
    'environment',
    'ACCESS_DENIED',
  ],
  [
    /Throttl|Rate exceeded|TooManyRequests|SlowDown|reduce your request rate|Query exhausted/i,
    'retryable',
    'THROTTLED',
  ],
  [/DATABASE_NOT_FOUND|SCHEMA_NOT_FOUND|Database .* not found|Schema .* does not exist/i, 'environment', 'NO_DATABASE'],
  [/WorkGroup|output location/i, 'environment', 'WORKGROUP'],
  [/NoSuchBucket|bucket does not exist/i, 'environment', 'NO_BUCKET'],
  [/already exists/i, 'statement', 'ALREADY_EXISTS'],
  [/TABLE_NOT_FOUND|Table .* (?:not found|does not exist)/i, 'statement', 'TABLE_NOT_FOUND'],
  [/SYNTAX_ERROR|mismatched input|no viable alternative|extraneous input|ParseException/, 'statement', 'SYNTAX_ERROR'],
  // S3 or Glue did not answer as they should; what they refuse for good was told above.
  [/ICEBERG_(?:FILESYSTEM|CATALOG)_ERROR|HIVE_(?:METASTORE|FILESYSTEM)_ERROR/, 'retryable', 'CATALOG_ERROR'],
  [/INTERNAL_ERROR|Internal error|ServiceUnavailable|timed? ?out/i, 'retryable', 'INTERNAL_ERROR'],
];

export function classifyAthenaFailure({ reason, category, retryable }: AthenaFailure): AthenaVerdict {
  for (const [pattern, disposition, code] of RULES) if (pattern.test(reason)) return { disposition, code };
  if (retryable === true || category === 1) return { disposition: 'retryable', code: 'ATHENA_SYSTEM' };
  return { disposition: 'statement', code: 'ATHENA_REFUSED' };
}

/** A statement that Athena took and did not carry out. `data` has the query's id. */
export class AthenaStatementError extends LeanOpsError {
  override readonly name = 'AthenaStatementError';
  readonly disposition: AthenaDisposition;

  constructor(verdict: AthenaVerdict, reason: string, queryExecutionId: string | undefined, cause?: unknown) {
    super(verdict.code, `Athena: ${reason}`, { data: { queryExecutionId, disposition: verdict.disposition }, cause });
    this.disposition = verdict.disposition;
  }
}
