import { LeanOpsError } from '../errors';

/** Athena's report of a statement that failed. */
export interface AthenaFailure {
  readonly reason: string;
  /** 1 for system, 2 for user, 3 for other: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html */
  readonly category: number | undefined;
  readonly retryable: boolean | undefined;
}

/**
 * What to do about a failed statement. `retryable`: the same statement may succeed later. `environment`: the operator
 * must mend something around it, such as a permission or a workgroup. `statement`: it fails until the statement
 * changes.
 */
export type AthenaDisposition = 'retryable' | 'environment' | 'statement';

export interface AthenaVerdict {
  readonly disposition: AthenaDisposition;
  readonly code: string;
}

/**
 * Rules by the text of the reason. The first match counts, so specific names come before words that many messages
 * share.
 */
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
  // S3 or Glue did not answer as they should; the rules above match what they refuse for good.
  [/ICEBERG_(?:FILESYSTEM|CATALOG)_ERROR|HIVE_(?:METASTORE|FILESYSTEM)_ERROR/, 'retryable', 'CATALOG_ERROR'],
  [/INTERNAL_ERROR|Internal error|ServiceUnavailable|timed? ?out/i, 'retryable', 'INTERNAL_ERROR'],
];

/** Classifies a failure by its reason, then by Athena's own category. */
export function classifyAthenaFailure({ reason, category, retryable }: AthenaFailure): AthenaVerdict {
  for (const [pattern, disposition, code] of RULES) if (pattern.test(reason)) return { disposition, code };
  if (retryable === true || category === 1) return { disposition: 'retryable', code: 'ATHENA_SYSTEM' };
  return { disposition: 'statement', code: 'ATHENA_REFUSED' };
}

/** Thrown for a statement that Athena did not carry out. `data` holds the query's id, where there is one. */
export class AthenaStatementError extends LeanOpsError {
  override readonly name = 'AthenaStatementError';
  readonly disposition: AthenaDisposition;

  constructor(verdict: AthenaVerdict, reason: string, queryExecutionId: string | undefined, cause?: unknown) {
    super(verdict.code, `Athena: ${reason}`, { data: { queryExecutionId, disposition: verdict.disposition }, cause });
    this.disposition = verdict.disposition;
  }
}
