import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { classifyAthenaFailure } from '../../../src/core/warehouse/athena-failure';
import { budget } from '../../../src/testing';

const classify = (reason: string, category?: number, retryable?: boolean): string => {
  const verdict = classifyAthenaFailure({ reason, category, retryable });
  return `${verdict.disposition} ${verdict.code}`;
};

describe('classifyAthenaFailure', () => {
  it.each([
    ['ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table: t', 'retryable ICEBERG_COMMIT_ERROR'],
    ['ICEBERG_VACUUM_MORE_RUNS_NEEDED: …', 'retryable ICEBERG_VACUUM_MORE_RUNS_NEEDED'],
    ['Rate exceeded (Service: AWSGlue; Status Code: 400; Error Code: ThrottlingException)', 'retryable THROTTLED'],
    ['Insufficient Lake Formation permission(s): Required Alter on t', 'environment LAKE_FORMATION'],
    ['PERMISSION_DENIED: Access Denied when writing to location: s3://b', 'environment ACCESS_DENIED'],
    [
      'FAILED: SemanticException [Error 10072]: Database does not exist: x; SCHEMA_NOT_FOUND',
      'environment NO_DATABASE',
    ],
    ['AlreadyExistsException(message:Table t already exists.)', 'statement ALREADY_EXISTS'],
    ["line 1:8: mismatched input 'TABEL'. Expecting: 'TABLE'", 'statement SYNTAX_ERROR'],
    ['TABLE_NOT_FOUND: line 1:15: Table awsdatacatalog.d.t does not exist', 'statement TABLE_NOT_FOUND'],
    ['GENERIC_INTERNAL_ERROR: no idea', 'retryable INTERNAL_ERROR'],
    ['ICEBERG_FILESYSTEM_ERROR: Cannot create a table on a non-empty location', 'environment LOCATION_NOT_EMPTY'],
    ['WorkGroup lean-ops is not found.', 'environment WORKGROUP'],
    ['No output location provided.', 'environment WORKGROUP'],
    ['Query exhausted resources at this scale factor', 'retryable THROTTLED'],
    ['Amazon S3: SlowDown: Please reduce your request rate. (Status Code: 503)', 'retryable THROTTLED'],
    ['Query timeout', 'retryable INTERNAL_ERROR'],
    ['HIVE_METASTORE_ERROR: Table d.t: Service Unavailable (Service: AWSGlue)', 'retryable CATALOG_ERROR'],
    ['HIVE_METASTORE_ERROR: Access denied (Service: AWSGlue; Status Code: 400)', 'environment ACCESS_DENIED'],
    ['Unable to verify/create output bucket lean-ops-lake', 'environment ACCESS_DENIED'],
    ['ConcurrentModificationException: Table t was updated', 'retryable ICEBERG_COMMIT_ERROR'],
    ['Found conflicting files: Concurrent update', 'retryable ICEBERG_COMMIT_ERROR'],
    ['The specified bucket does not exist (Error Code: NoSuchBucket)', 'environment NO_BUCKET'],
    ['Column repeated: a', 'statement ATHENA_REFUSED'],
  ])('%s', (reason, verdict) => {
    expect(classify(reason)).toBe(verdict);
  });

  const RETRY = { category: 2, retryable: true };
  const SYSTEM = { category: 1, retryable: false };
  const USER = { category: 2, retryable: false };
  const OTHER = { category: 3, retryable: false };
  const PARTITION = 'GENERIC_INTERNAL_ERROR: Cannot create partition from name that exists in schema: ts_day';
  const COMMIT = 'ICEBERG_COMMIT_ERROR: Failed to commit';
  const DENIED = 'PERMISSION_DENIED: Access Denied when writing to location: s3://b';
  const outage = (code: string) => [
    `retryable ${code}`,
    `retryable ${code}`,
    'statement ATHENA_REFUSED',
    `retryable ${code}`,
    `retryable ${code}`,
  ];
  const NO_DATABASE = 'FAILED: SemanticException [Error 10072]: Database does not exist: x';
  // What is said of one reason with each of Athena's words, in this order: retry, system, user, other, no word.
  it.each([
    ['a name of a lost commit', COMMIT, Array(5).fill('retryable ICEBERG_COMMIT_ERROR')],
    ['a name of throttling', 'Rate exceeded', Array(5).fill('retryable THROTTLED')],
    [
      'a name of a permission',
      DENIED,
      ['retryable ATHENA_SYSTEM', ...Array<string>(4).fill('environment ACCESS_DENIED')],
    ],
    [
      'a name of a database',
      NO_DATABASE,
      ['retryable ATHENA_SYSTEM', ...Array<string>(4).fill('environment NO_DATABASE')],
    ],
    ['a name of an outage', 'HIVE_METASTORE_ERROR: d.t', outage('CATALOG_ERROR')],
    ['words of an outage', 'Service Unavailable', outage('INTERNAL_ERROR')],
    [
      'a name of a refusal',
      'Table t already exists',
      ['retryable ATHENA_SYSTEM', 'retryable ATHENA_SYSTEM', ...Array<string>(3).fill('statement ALREADY_EXISTS')],
    ],
    [
      'words that refusals have too',
      PARTITION,
      [
        'retryable INTERNAL_ERROR',
        'retryable INTERNAL_ERROR',
        'statement ATHENA_REFUSED',
        'retryable INTERNAL_ERROR',
        'retryable INTERNAL_ERROR',
      ],
    ],
    [
      'words that say nothing',
      'something',
      [
        'retryable ATHENA_SYSTEM',
        'retryable ATHENA_SYSTEM',
        'statement ATHENA_REFUSED',
        'statement ATHENA_REFUSED',
        'statement ATHENA_REFUSED',
      ],
    ],
  ])('weighs Athena’s word against %s', (_, reason, verdicts) => {
    const words = [RETRY, SYSTEM, USER, OTHER, { category: undefined, retryable: undefined }];
    expect(words.map(({ category, retryable }) => classify(reason, category, retryable))).toEqual(verdicts);
  });

  it.each([
    [
      'ICEBERG_COMMIT_ERROR: Table column names conflict with names reserved for Iceberg metadata columns',
      'ATHENA_REFUSED',
    ],
    ['HIVE_METASTORE_ERROR: Column comment too long', 'ATHENA_REFUSED'],
    ["HIVE_METASTORE_ERROR: Value 'Access Denied. Rate exceeded' at 'comment' is too long", 'ATHENA_REFUSED'],
    ['SYNTAX_ERROR: Timeout', 'SYNTAX_ERROR'],
    ['Schema registry column does not exist', 'ATHENA_REFUSED'],
  ])('does not try again what is refused for good: %s', (reason, code) => {
    expect(classify(reason, 2, false)).toBe(`statement ${code}`);
    expect(classify(reason, 2, true)).toMatch(/^retryable /);
  });

  it('reads nothing that a reason quotes', () => {
    const words = fc.constantFrom(
      ...'Access Denied;Rate exceeded;WorkGroup;ICEBERG_COMMIT_ERROR;SlowDown;NoSuchBucket;Timeout'.split(';'),
    );
    fc.assert(
      fc.property(words, fc.constantFrom("'", '"', '`'), (word, quote) => {
        for (const category of [2, 3, undefined]) {
          expect(classify(`Column ${quote}${word}${quote} isn't allowed: don't`, category, false)).toBe(
            'statement ATHENA_REFUSED',
          );
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each(['timeout_day', 'throttle', 'forbidden', 'accessdenied', 'workgroup', 'lakeformation', 'nosuchbucket'])(
    'takes no column for a failure: %s',
    (column) => {
      expect(classify(`Column repeated: ${column}`, 2, false)).toBe('statement ATHENA_REFUSED');
    },
  );

  it('takes no name that an author chose for a failure', () => {
    const words =
      'timeout throttle forbidden access denied not authorized rate exceeded slowdown workgroup commit error';
    const word = fc.oneof(fc.constantFrom(...words.split(' ')), fc.stringMatching(/^[a-z0-9_]{1,8}$/));
    const name = fc.array(word, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('_'));
    fc.assert(
      fc.property(name, fc.boolean(), (column, glued) => {
        const chosen = glued ? column.replaceAll('_', '') : column;
        expect(classify(`GENERIC_INTERNAL_ERROR: Cannot create partition from ${chosen}`, 2, false)).toBe(
          'statement ATHENA_REFUSED',
        );
      }),
      { numRuns: budget({ eachRun: 300, thorough: 20_000 }) },
    );
  });
});
