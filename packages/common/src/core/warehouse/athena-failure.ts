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

/** A text in quotes, as reasons write names, values and parts of the statement; not the apostrophe of a word. */
const QUOTED = /(?<!\w)(?:'[^']*'|"[^"]*"|`[^`]*`)(?!\w)/g;

/**
 * What an operator has to mend, whatever Athena says of it: it counts a missing permission among the user's errors, though
 * no other statement would help.
 *
 * A reason repeats the names of columns and tables, which authors choose. What it quotes is not read, and each pattern has a
 * capital letter or a space, which no such name has: a field called `forbidden` is not taken for one. The first match counts.
 */
const ENVIRONMENT: readonly Rule[] = [
  [/Lake ?Formation/, 'environment', 'LAKE_FORMATION'],
  [
    // What Athena says of a bucket for results that it may not see, as of one that is not there.
    /AccessDenied|[Aa]ccess [Dd]enied|[Nn]ot authorized|Insufficient permissions|Forbidden|[Ss]tatus [Cc]ode: 403|Unable to verify\/create output bucket/,
    'environment',
    'ACCESS_DENIED',
  ],
  [
    /DATABASE_NOT_FOUND|SCHEMA_NOT_FOUND|(?:Database|Schema) \S+ (?:does not exist|not found)|Database does not exist/,
    'environment',
    'NO_DATABASE',
  ],
  [/WorkGroup|[Oo]utput location/, 'environment', 'WORKGROUP'],
  [/NoSuchBucket|bucket does not exist/, 'environment', 'NO_BUCKET'],
  // Iceberg makes no table where files lie; Athena calls it an error of the file system, as it does outages.
  [/non-empty location/, 'environment', 'LOCATION_NOT_EMPTY'],
];

/** A lost commit, of any category. Iceberg's commits also fail for what a statement wants, and then the reason names it. */
const COMMIT = /^(?=[^]*ICEBERG_COMMIT_ERROR)(?![^]*\b(?:columns?|fields?|names?|schema|types?|partitions?)\b)/i;

/** Failures that pass by themselves, even where Athena counts them among the user's. */
const PASSING: readonly Rule[] = [
  [/ICEBERG_VACUUM_MORE_RUNS_NEEDED/, 'retryable', 'ICEBERG_VACUUM_MORE_RUNS_NEEDED'],
  [/CommitFailed|ConcurrentModification|[Cc]oncurrent(?:ly)? (?:update|modified)/, 'retryable', 'ICEBERG_COMMIT_ERROR'],
  [COMMIT, 'retryable', 'ICEBERG_COMMIT_ERROR'],
  [
    /Throttling|Throttled|Rate exceeded|TooManyRequests|SlowDown|reduce your request rate|Query exhausted/,
    'retryable',
    'THROTTLED',
  ],
];

/** What is wrong with a statement. */
const REFUSALS: readonly Rule[] = [
  [/[Aa]lready exists|AlreadyExists|ALREADY_EXISTS/, 'statement', 'ALREADY_EXISTS'],
  [/TABLE_NOT_FOUND|Table .* (?:not found|does not exist)/, 'statement', 'TABLE_NOT_FOUND'],
  [/SYNTAX_ERROR|mismatched input|no viable alternative|extraneous input|ParseException/, 'statement', 'SYNTAX_ERROR'],
];

/** S3, Glue or Athena did not answer as they should. Refusals have such words too, so Athena's category counts first. */
const OUTAGES: readonly Rule[] = [
  [/ICEBERG_(?:FILESYSTEM|CATALOG)_ERROR|HIVE_(?:METASTORE|FILESYSTEM)_ERROR/, 'retryable', 'CATALOG_ERROR'],
  [/ServiceUnavailable|Service Unavailable|Query timeout|Timeout|[Tt]imed out/, 'retryable', 'INTERNAL_ERROR'],
  [/INTERNAL_ERROR|Internal error|internal error/, 'retryable', 'INTERNAL_ERROR'],
];

const SYSTEM_ERROR: AthenaVerdict = { disposition: 'retryable', code: 'ATHENA_SYSTEM' };
const REFUSED: AthenaVerdict = { disposition: 'statement', code: 'ATHENA_REFUSED' };

const SYSTEM = 1;
const USER = 2;

/**
 * Classifies a failure: by Athena's word that the same statement may succeed; else by a name of what an operator has to mend
 * or of what passes; then by Athena's category, the user's or the system's; and only then by the other words of the reason.
 * What nothing says anything about is the statement's, because a statement that is refused can be given again.
 */
export function classifyAthenaFailure({ reason, category, retryable }: AthenaFailure): AthenaVerdict {
  const said = reason.replace(QUOTED, "''");
  const by = (...rules: readonly (readonly Rule[])[]) => firstMatch(said, rules.flat());
  if (retryable === true) return by(PASSING, OUTAGES) ?? SYSTEM_ERROR;
  const named = by(ENVIRONMENT, PASSING);
  if (named !== undefined) return named;
  if (category === USER) return by(REFUSALS) ?? REFUSED;
  if (category === SYSTEM) return by(OUTAGES) ?? SYSTEM_ERROR;
  return by(REFUSALS, OUTAGES) ?? REFUSED;
}

function firstMatch(said: string, rules: readonly Rule[]): AthenaVerdict | undefined {
  const found = rules.find(([pattern]) => pattern.test(said));
  return found && { disposition: found[1], code: found[2] };
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
