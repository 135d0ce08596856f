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

type Rule = readonly [pattern: RegExp, disposition: AthenaDisposition, code: string];

/**
 * Names of failures that count whatever category Athena gives them. It counts a missing permission among the user's errors,
 * though no other statement would help, and a lost commit may be of any category.
 *
 * A reason repeats the names of columns and tables, which authors choose. So each pattern has a capital letter or a space,
 * which no such name has: a field called `timeout` is not taken for one. The first match counts.
 */
const NAMED: readonly Rule[] = [
  [/ICEBERG_COMMIT_ERROR/, 'retryable', 'ICEBERG_COMMIT_ERROR'],
  [/ICEBERG_VACUUM_MORE_RUNS_NEEDED/, 'retryable', 'ICEBERG_VACUUM_MORE_RUNS_NEEDED'],
  [/CommitFailed|ConcurrentModification|[Cc]oncurrent(?:ly)? (?:update|modified)/, 'retryable', 'ICEBERG_COMMIT_ERROR'],
  [/Lake ?Formation/, 'environment', 'LAKE_FORMATION'],
  [
    /AccessDenied|[Aa]ccess [Dd]enied|[Nn]ot authorized|Insufficient permissions|Forbidden|[Ss]tatus [Cc]ode: 403/,
    'environment',
    'ACCESS_DENIED',
  ],
  [
    /Throttling|Throttled|[Rr]ate exceeded|TooManyRequests|SlowDown|reduce your request rate|Query exhausted/,
    'retryable',
    'THROTTLED',
  ],
  [
    /DATABASE_NOT_FOUND|SCHEMA_NOT_FOUND|Database .* not found|Database does not exist|Schema .* does not exist/,
    'environment',
    'NO_DATABASE',
  ],
  [/WorkGroup|[Oo]utput location/, 'environment', 'WORKGROUP'],
  [/NoSuchBucket|bucket does not exist/, 'environment', 'NO_BUCKET'],
  // Iceberg makes no table where files lie; Athena calls it an error of the file system, as it does outages.
  [/non-empty location/, 'environment', 'LOCATION_NOT_EMPTY'],
  // S3 or Glue did not answer as they should; the rules above match what they refuse for good.
  [/ICEBERG_(?:FILESYSTEM|CATALOG)_ERROR|HIVE_(?:METASTORE|FILESYSTEM)_ERROR/, 'retryable', 'CATALOG_ERROR'],
  [/ServiceUnavailable|Service Unavailable|Query timeout|Timeout|[Tt]imed out/, 'retryable', 'INTERNAL_ERROR'],
];

/** Names of what is wrong with a statement. They count unless Athena says that the same statement may succeed. */
const REFUSALS: readonly Rule[] = [
  [/[Aa]lready exists|AlreadyExists|ALREADY_EXISTS/, 'statement', 'ALREADY_EXISTS'],
  [/TABLE_NOT_FOUND|Table .* (?:not found|does not exist)/, 'statement', 'TABLE_NOT_FOUND'],
  [/SYNTAX_ERROR|mismatched input|no viable alternative|extraneous input|ParseException/, 'statement', 'SYNTAX_ERROR'],
];

/** Words in many reasons, and of no weight beside Athena's category: Iceberg's refusals of a table have them too. */
const INTERNAL = /INTERNAL_ERROR|Internal error|internal error/;

const SYSTEM = 1;
const USER = 2;

/**
 * Classifies a failure: by a name that says it, then by what Athena says of it, then by the words of the reason. What
 * nothing says anything about is the statement's, because a statement that is refused can be given again.
 */
export function classifyAthenaFailure({ reason, category, retryable }: AthenaFailure): AthenaVerdict {
  const rules = retryable === true ? NAMED : [...NAMED, ...REFUSALS];
  for (const [pattern, disposition, code] of rules) if (pattern.test(reason)) return { disposition, code };
  const internal = INTERNAL.test(reason);
  if (retryable === true || category === SYSTEM || (internal && category !== USER)) {
    return { disposition: 'retryable', code: internal ? 'INTERNAL_ERROR' : 'ATHENA_SYSTEM' };
  }
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
